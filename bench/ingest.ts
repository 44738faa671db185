/** A whole server taking spans to its disk: spans per second of its CPU, how long an acknowledgement
 *  takes flat out and at half that load, memory, and bytes on disk afterwards. Requests are made
 *  before the clock starts, so that the client costs little. */

import { runLoad, type Totals } from '../src/cli/loadgen/run-load.ts';
import { type Compression, compressed, GrpcSender, HttpSender } from '../src/cli/loadgen/sender.ts';
import { makeTemplates, Payloads } from '../src/cli/loadgen/templates.ts';
import { syncedWrites } from './disk.ts';
import type { Figure, Options } from './report.ts';
import { Server } from './server.ts';

interface Case {
  readonly name: string;
  readonly protocol: 'grpc' | 'http';
  readonly batchSize: number;
  readonly compression: Compression;
  readonly lanes: number;
}

const CASES: readonly Case[] = [
  { name: 'http, 512 spans', protocol: 'http', batchSize: 512, compression: 'none', lanes: 16 },
  {
    name: 'http, 512 spans, gzip',
    protocol: 'http',
    batchSize: 512,
    compression: 'gzip',
    lanes: 16,
  },
  { name: 'http, 50 spans', protocol: 'http', batchSize: 50, compression: 'none', lanes: 64 },
  { name: 'http, 50 spans, gzip', protocol: 'http', batchSize: 50, compression: 'gzip', lanes: 64 },
  { name: 'grpc, 512 spans', protocol: 'grpc', batchSize: 512, compression: 'none', lanes: 16 },
];

const CONNECTIONS = 8;
const WARM_SPANS = 60_000;

type Request = { readonly bytes: Uint8Array; readonly spans: number };

export async function run({ isQuick }: Options): Promise<Figure[]> {
  const figures: Figure[] = [];
  const spans = isQuick ? 150_000 : 600_000;
  for (const one of CASES.slice(0, isQuick ? 1 : CASES.length)) {
    figures.push(...(await measure(one, spans)));
  }
  return figures;
}

async function measure(one: Case, spans: number): Promise<Figure[]> {
  const requests = prepare(one, spans);
  const warm = prepare(one, WARM_SPANS);
  const half = prepare(one, spans / 3);
  const server = await Server.start();
  const send = (from: Request[], rate: number) => load(one, server, { requests: from, rate });
  try {
    await send(warm, 0);
    server.resetRssMax();
    await server.loopDelay();
    const before = server.cpuMs;
    const flat = await send(requests, 0);
    const cpuMs = server.cpuMs - before;
    const rss = server.rssMax;
    const rate = flat.acked / (flat.elapsedMs / 1000);
    const disk = syncedWrites(requests[0]?.bytes.length ?? 0, 200);
    const flatLoop = await server.loopDelay();
    const calm = await send(half, rate / 2);
    const calmLoop = await server.loopDelay();
    await server.stop();
    const total = [flat, calm].reduce((sum, { acked }) => sum + acked, WARM_SPANS);
    const figure = (name: string, value: number, unit: string): Figure => ({
      claim: 'ingest',
      name: `${name}, ${one.name}`,
      value,
      unit,
    });
    const p99 = calm.latencies.percentile(0.99);
    return [
      figure('durable', flat.acked / (cpuMs / 1000), 'spans/cpu-s'),
      figure('durable', rate, 'spans/s'),
      figure('not acknowledged', flat.refused + flat.failed + calm.refused + calm.failed, 'spans'),
      figure('ack p50 flat out', flat.latencies.percentile(0.5), 'ms'),
      figure('ack p99 flat out', flat.latencies.percentile(0.99), 'ms'),
      figure('ack p50 at half load', calm.latencies.percentile(0.5), 'ms'),
      {
        ...figure('ack p99 at half load', p99, 'ms'),
        baseline: 'write+fdatasync p99',
        ratio: p99 / disk.p99Ms,
      },
      figure('event loop held up at most, flat out', flatLoop.maxMs, 'ms'),
      figure('… of that its own work at a stretch', flatLoop.workedMs, 'ms'),
      figure('event loop held up at most, half load', calmLoop.maxMs, 'ms'),
      figure('… of that its own work at a stretch, half load', calmLoop.workedMs, 'ms'),
      figure('event loop held up p99, half load', calmLoop.p99Ms, 'ms'),
      figure('memory at most, all processes', rss / 2 ** 20, 'MiB'),
      figure('on disk after a stop', server.diskBytes / total, 'B/span'),
    ];
  } catch (error) {
    console.error(server.log);
    throw error;
  } finally {
    await server.remove();
  }
}

function prepare({ batchSize, compression }: Case, spans: number): Request[] {
  const templates = makeTemplates({
    seed: 1,
    batchSize,
    batches: Math.ceil(Math.min(spans, 60_000) / batchSize),
    layout: 'sdk',
    isExact: true,
  });
  const payloads = new Payloads(templates, Math.floor(Math.random() * 2 ** 32));
  const nowMs = Date.now();
  return Array.from({ length: Math.ceil(spans / batchSize) }, () => {
    const { bytes, spans: count } = payloads.next(nowMs);
    return { bytes: compressed(bytes, compression), spans: count };
  });
}

async function load(
  { protocol, compression, lanes }: Case,
  server: Server,
  { requests, rate }: { readonly requests: Request[]; readonly rate: number },
): Promise<Totals> {
  const Sender = protocol === 'grpc' ? GrpcSender : HttpSender;
  const endpoint = protocol === 'grpc' ? server.grpc : server.http;
  const sender = new Sender({ endpoint, compression, connections: CONNECTIONS });
  const left = requests.values();
  const spansMax = requests.reduce((sum, { spans }) => sum + spans, 0);
  const totals = await runLoad({
    sender,
    lanes,
    rate,
    spansMax,
    connections: CONNECTIONS,
    durationMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    next: () => left.next().value ?? { bytes: new Uint8Array(0), spans: 0 },
  });
  sender.close();
  return totals;
}
