/** Ten times what the destination takes, for a while: memory stays under its limit, what is too much
 *  is refused, the destination is kept busy, and every span is accounted for by the program's own
 *  metrics. SPOOR_OVERLOAD_SECONDS sets how long (60 for a measurement). */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { decodeTraces } from '../../src/wire/otlp-proto/decode.ts';
import { SpoorProcess } from '../cli/spoor-process.ts';
import { eventually } from './traffic.ts';

const asked = process.env['SPOOR_OVERLOAD_SECONDS'];
const SECONDS = Number(asked ?? 12);
/** Spans a second that the destination takes. */
const CAPACITY = 1000;

interface Bounds {
  readonly limitMib: number;
  readonly queue: string;
}

const configOf = ({ limitMib, queue }: Bounds) => `
receivers:
  otlp: { protocols: { http: { endpoint: "localhost:0" }, grpc: { endpoint: "localhost:0" } } }
processors:
  memory_limiter: { check_interval: 100ms, limit_mib: ${limitMib}, spike_limit_mib: 60 }
  filter: { error_mode: ignore, trace_conditions: ["span.kind == SPAN_KIND_PRODUCER"] }
  probabilistic_sampler: { sampling_percentage: 80 }
exporters:
  otlp_http:
    endpoint: "\${env:PEER}"
    sending_queue: ${queue}
    retry_on_failure: { initial_interval: 200ms }
service:
  telemetry:
    metrics:
      readers: [{ pull: { exporter: { prometheus: { host: localhost, port: 0 } } } }]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, filter, probabilistic_sampler]
      exporters: [otlp_http]
`;

/** Takes CAPACITY spans a second and not one more. */
class SlowPeer {
  readonly server: Server;
  spans = 0;
  firstMs = 0;
  #freeMs = 0;

  constructor() {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const isGzip = request.headers['content-encoding'] === 'gzip';
        const { count } = decodeTraces(isGzip ? gunzipSync(body) : body);
        const nowMs = performance.now();
        if (this.firstMs === 0) this.firstMs = nowMs;
        this.#freeMs = Math.max(nowMs, this.#freeMs) + (count / CAPACITY) * 1000;
        setTimeout(() => {
          this.spans += count;
          response.end();
        }, this.#freeMs - nowMs);
      });
    });
  }

  async start(): Promise<string> {
    this.server.listen(0, 'localhost');
    await once(this.server, 'listening');
    const address = this.server.address();
    return `http://localhost:${typeof address === 'object' ? address?.port : 0}`;
  }
}

let peer: SlowPeer;
let spoor: SpoorProcess;

async function start(bounds: Bounds): Promise<void> {
  peer = new SlowPeer();
  spoor = new SpoorProcess(['--config', 'env:SPOOR_TEST_CONFIG'], {
    SPOOR_TEST_CONFIG: configOf(bounds),
    PEER: await peer.start(),
  });
  await spoor.ready();
}

afterEach(async () => {
  await spoor.end();
  peer.server.closeAllConnections();
  peer.server.close();
});

/** The sum over all labels of one of its own metrics. */
async function metric(name: string, label = ''): Promise<number> {
  const text = await (await fetch(await spoor.address('own metrics'))).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

function rssMib(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

interface Watched {
  mostMib: number;
  readonly stop: () => void;
}

function watchMemory(pid: number): Watched {
  const watched = { mostMib: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    watched.mostMib = Math.max(watched.mostMib, rssMib(pid));
  }, 100);
  return watched;
}

interface Run {
  /** What loadgen said. */
  readonly said: string;
  readonly mostMib: number;
  /** Spans a second that the peer took. */
  readonly rate: number;
}

/** Ten times the capacity. */
async function overload(): Promise<Run> {
  const memory = watchMemory(spoor.pid);
  const endpoint = await spoor.address('OTLP/HTTP');
  const flags =
    `--protocol http --endpoint ${endpoint} --rate ${CAPACITY * 10} --duration ${SECONDS}s ` +
    '--batch-size 100 --in-flight 16 --compression gzip';
  const load = new SpoorProcess(['loadgen', ...flags.split(' ')]);
  const { stderr: said } = await load.finished;
  const seconds = (performance.now() - peer.firstMs) / 1000;
  const rate = peer.spans / seconds;
  memory.stop();
  const [line = ''] = said
    .split('\n')
    .filter((text) => text.includes('sent '))
    .slice(-1);
  console.info(
    `overload for ${SECONDS} s: ${line}; the destination took ${rate.toFixed(0)} of ${CAPACITY} ` +
      `spans/s; at most ${memory.mostMib.toFixed(0)} MiB`,
  );
  // Some of it was refused; that a refusal says when to come again is the receiver's own test.
  expect(said).toContain('x HTTP 503');
  // The destination was hardly left waiting. A measurement: a busy machine must not fail a test.
  expect(rate).toBeGreaterThan(asked === undefined ? 0 : CAPACITY * 0.9);
  return { said, mostMib: memory.mostMib, rate };
}

const TIMEOUT = { timeout: 120_000 + SECONDS * 4000 };

test('a full queue refuses, and every span is accounted for', TIMEOUT, async () => {
  const limitMib = 420;
  const queue = '{ sizer: bytes, queue_size: 3000000, num_consumers: 4 }';
  await start({ limitMib, queue });
  const { mostMib } = await overload();
  expect(mostMib).toBeLessThan(limitMib);
  await expectBalance();
});

test('the memory limiter refuses where the queue would not', TIMEOUT, async () => {
  const limitMib = 230;
  await start({ limitMib, queue: '{ queue_size: 1000000, num_consumers: 4 }' });
  const { mostMib } = await overload();
  expect(mostMib).toBeLessThan(limitMib);
  expect(await metric('otelcol_exporter_enqueue_failed_spans')).toBe(0);
});

/** Everything that came in is sent, refused, filtered, sampled out, failed or waiting. */
async function expectBalance(): Promise<void> {
  // What waits is being sent; ask when the queue is empty.
  await eventually(
    () => metric('otelcol_exporter_queue_size'),
    (size) => size === 0,
  );
  const accepted = await metric('otelcol_receiver_accepted_spans');
  const refused = await metric('otelcol_receiver_refused_spans');
  const incoming = await metric('otelcol_processor_incoming_items', '"memory_limiter"');
  const passed = await metric('otelcol_processor_outgoing_items', '"memory_limiter"');
  const filtered = await metric('otelcol_processor_filter_spans_filtered');
  const beforeSampling = await metric('otelcol_processor_incoming_items', '"prob');
  const afterSampling = await metric('otelcol_processor_outgoing_items', '"prob');
  const noRoom = await metric('otelcol_exporter_enqueue_failed_spans');
  const sent = await metric('otelcol_exporter_sent_spans');
  const failed = await metric('otelcol_exporter_send_failed_spans');
  expect(accepted + refused).toBe(incoming);
  expect(passed - filtered).toBe(beforeSampling);
  expect(afterSampling).toBe(noRoom + sent + failed);
  expect(sent).toBe(peer.spans);
  expect(filtered).toBeGreaterThan(0);
  expect(beforeSampling).toBeGreaterThan(afterSampling);
}
