/** `spoor loadgen`: sends made-up traces of a web shop, to try things out and to measure. */
import { parseArgs } from 'node:util';
import { parseDuration } from '../config/kinds.ts';
import { messageOf } from '../lib/errors.ts';
import { UsageError } from './arguments.ts';
import { runLoad, type Totals } from './loadgen/run-load.ts';
import { type Compression, compressed, GrpcSender, HttpSender } from './loadgen/sender.ts';
import { makeTemplates, Payloads } from './loadgen/templates.ts';

const HELP = `spoor loadgen: send made-up traces over OTLP

  --endpoint <where>     localhost:4317 for grpc, http://localhost:4318 for http
  --protocol grpc|http   grpc unless given
  --rate <n>             spans a second, 1000 unless given; 0 = as fast as they are acknowledged
  --spans <n>            stop after this many
  --duration <time>      stop after this long (30s, 5m); 10s unless --spans is given
  --batch-size <n>       spans a request, 512 unless given
  --compression <c>      none, gzip or zstd; none unless given
  --connections <n>      1 unless given
  --in-flight <n>        requests under way at a time on each connection, 4 unless given
  --layout sdk|collector one service a request, or all mixed; sdk unless given
  --seed <n>             the same seed makes the same traces, but for ids and times
`;

/** Enough different requests that nothing repeats within a few seconds at a common rate. */
const TEMPLATE_SPANS = 20_000;

const flags = {
  help: { type: 'boolean', short: 'h', default: false },
  endpoint: { type: 'string' },
  protocol: { type: 'string', default: 'grpc' },
  rate: { type: 'string', default: '1000' },
  spans: { type: 'string' },
  duration: { type: 'string' },
  'batch-size': { type: 'string', default: '512' },
  compression: { type: 'string', default: 'none' },
  connections: { type: 'string', default: '1' },
  'in-flight': { type: 'string', default: '4' },
  layout: { type: 'string', default: 'sdk' },
  seed: { type: 'string' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const options = read(args);
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  const { compression, connections, batchSize, seed } = options;
  const batches = Math.max(1, Math.ceil(TEMPLATE_SPANS / batchSize));
  const payloads = new Payloads(
    makeTemplates({ seed, batchSize, batches, layout: options.layout }),
    // Ids must differ from run to run even when the traces do not.
    options.idSeed,
  );
  const Sender = options.protocol === 'grpc' ? GrpcSender : HttpSender;
  const sender = new Sender({ endpoint: options.endpoint, compression, connections });
  const totals = await runLoad({
    sender,
    connections,
    lanes: connections * options.inFlight,
    rate: options.rate,
    spansMax: options.spansMax,
    durationMs: options.durationMs,
    signal: stop.signal,
    next: () => {
      const { bytes, spans } = payloads.next(Date.now());
      return { bytes: compressed(bytes, compression), spans };
    },
    progress: (now) => process.stderr.write(`${progressLine(now)}\n`),
  });
  sender.close();
  process.off('SIGINT', onInterrupt);
  process.off('SIGTERM', onInterrupt);
  for (const [reason, times] of totals.reasons) process.stderr.write(`${times} x ${reason}\n`);
  return totals.acked > 0 ? 0 : 1;
}

/** `12.0 s  sent 12288  acked 12288  refused 0  failed 0  1021 spans/s  ack p50 1.9 ms  p99 7 ms` */
export function progressLine(totals: Totals): string {
  const { sent, acked, refused, failed, elapsedMs, latencies } = totals;
  const rate = elapsedMs === 0 ? 0 : Math.round((acked / elapsedMs) * 1000);
  const [p50, p99] = [0.5, 0.99].map((part) => latencies.percentile(part).toPrecision(2));
  return [
    `${(elapsedMs / 1000).toFixed(1)} s`,
    `sent ${sent}`,
    `acked ${acked}`,
    `refused ${refused}`,
    `failed ${failed}`,
    `${rate} spans/s`,
    `ack p50 ${p50} ms`,
    `p99 ${p99} ms`,
  ].join('  ');
}

/** Undefined when help was asked for. Throws UsageError. */
function read(args: readonly string[]) {
  const values = parse(args);
  if (values.help) return undefined;
  const protocol = oneOf('protocol', values.protocol, ['grpc', 'http']);
  const spansMax = values.spans === undefined ? Infinity : count('spans', values.spans, 1);
  const written = values.duration ?? (values.spans === undefined ? '10s' : undefined);
  const seed = values.seed === undefined ? 1 : count('seed', values.seed, 0);
  return {
    protocol,
    spansMax,
    seed,
    idSeed: Date.now() % 0x1_0000_0000,
    endpoint: values.endpoint ?? (protocol === 'grpc' ? 'localhost:4317' : 'http://localhost:4318'),
    rate: count('rate', values.rate, 0),
    durationMs: written === undefined ? Infinity : durationMs(written),
    batchSize: count('batch-size', values['batch-size'], 1),
    compression: oneOf<Compression>('compression', values.compression, ['none', 'gzip', 'zstd']),
    connections: count('connections', values.connections, 1),
    inFlight: count('in-flight', values['in-flight'], 1),
    layout: oneOf('layout', values.layout, ['sdk', 'collector']),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: false }).values;
  } catch (cause) {
    const [message = ''] = messageOf(cause).split('. ', 1);
    throw new UsageError('usage', message, { cause, hint: 'see `spoor loadgen --help`' });
  }
}

function count(flag: string, written: string, min: number): number {
  const value = Number(written.replaceAll('_', ''));
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new UsageError('usage', `--${flag} wants a whole number from ${min} on, got "${written}"`);
}

function durationMs(written: string): number {
  const ms = parseDuration(written);
  if (ms !== undefined && ms > 0) return ms;
  throw new UsageError('usage', `--duration wants a time like 30s or 5m, got "${written}"`);
}

function oneOf<T extends string>(flag: string, written: string, known: readonly T[]): T {
  const found = known.find((one) => one === written);
  if (found !== undefined) return found;
  throw new UsageError('usage', `--${flag} wants ${known.join(' or ')}, got "${written}"`);
}
