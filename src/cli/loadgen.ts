/** `spoor loadgen`: sends made-up traces of a web shop, to try things out and to measure. */
import { parseArgs } from 'node:util';
import { parseDuration } from '../config/kinds.ts';
import { messageOf } from '../lib/errors.ts';
import { UsageError } from './arguments.ts';
import { type FillProgress, fillDirectory } from './loadgen/fill-directory.ts';
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

  --into <directory>     write a store directory instead, while no server runs; started again with
                         the same flags it goes on where it stopped
  --spans <n>            how many, 1m unless given (k and m are thousands and millions)
  --days <n>             spread their times over so many days up to now, 1 unless given
`;

/** Enough different requests that nothing repeats within a few seconds at a common rate. */
const TEMPLATE_SPANS = 20_000;

/** Flags that make no sense with --into. */
const SENDING = {
  endpoint: { type: 'string' },
  protocol: { type: 'string' },
  rate: { type: 'string' },
  duration: { type: 'string' },
  'batch-size': { type: 'string' },
  compression: { type: 'string' },
  connections: { type: 'string' },
  'in-flight': { type: 'string' },
  layout: { type: 'string' },
} as const;

const DEFAULTS = {
  protocol: 'grpc',
  rate: '1000',
  'batch-size': '512',
  compression: 'none',
  connections: '1',
  'in-flight': '4',
  layout: 'sdk',
  seed: '1',
} as const;

const flags = {
  help: { type: 'boolean', short: 'h', default: false },
  ...SENDING,
  spans: { type: 'string' },
  seed: { type: 'string' },
  into: { type: 'string' },
  days: { type: 'string' },
} as const;

export async function run(args: readonly string[]): Promise<number> {
  const values = parse(args);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  try {
    if (values.into !== undefined) return await fill(values.into, values, stop.signal);
    return await send(readSending(values), stop.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

/** Interrupted, it fails: what was asked for is not there. */
async function fill(directory: string, values: Values, signal: AbortSignal): Promise<number> {
  const other = Object.keys(SENDING).find((flag) => Object.hasOwn(values, flag));
  if (other !== undefined) {
    throw new UsageError('usage', `--${other} goes with sending, --into writes files`);
  }
  const { spans, wanted, ...done } = await fillDirectory({
    directory,
    spans: count('spans', values.spans ?? '1m', 1),
    days: count('days', values.days ?? '1', 1),
    seed: count('seed', values.seed ?? '1', 0),
    signal,
    progress: (now) => process.stderr.write(`${fillLine(now)}\n`),
  });
  process.stderr.write(`${fillLine({ spans, wanted, ...done })}\n`);
  return spans === wanted ? 0 : 1;
}

/** `3.0 s  819200 of 1000000 spans  273066 spans/s  5.1 cpu-us/span  48.1 B/span` */
export function fillLine({
  spans,
  wanted,
  written,
  elapsedMs,
  cpuMs,
  bytes,
}: FillProgress): string {
  const rate = elapsedMs === 0 ? 0 : Math.round((written / elapsedMs) * 1000);
  return [
    `${(elapsedMs / 1000).toFixed(1)} s`,
    `${spans} of ${wanted} spans`,
    `${rate} spans/s`,
    `${(written === 0 ? 0 : (cpuMs * 1000) / written).toFixed(2)} cpu-us/span`,
    `${(bytes / 2 ** 20).toFixed(0)} MiB`,
  ].join('  ');
}

async function send(options: Sending, signal: AbortSignal): Promise<number> {
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
    signal,
    next: () => {
      const { bytes, spans } = payloads.next(Date.now());
      return { bytes: compressed(bytes, compression), spans };
    },
    progress: (now) => process.stderr.write(`${progressLine(now)}\n`),
  });
  sender.close();
  for (const [reason, times] of totals.reasons) process.stderr.write(`${times} x ${reason}\n`);
  return totals.acked > 0 ? 0 : 1;
}

/** `12.0 s  sent 12288  acked 12288  refused 0  failed 0  1021 spans/s  ack p50 1.9 ms  p99 7 ms` */
export function progressLine(totals: Totals): string {
  const { sent, acked, refused, failed, elapsedMs, latencies } = totals;
  const rate = elapsedMs === 0 ? 0 : Math.round((acked / elapsedMs) * 1000);
  const millis = (part: number) => Number(latencies.percentile(part).toPrecision(2));
  return [
    `${(elapsedMs / 1000).toFixed(1)} s`,
    `sent ${sent}`,
    `acked ${acked}`,
    `refused ${refused}`,
    `failed ${failed}`,
    `${rate} spans/s`,
    `ack p50 ${millis(0.5)} ms`,
    `p99 ${millis(0.99)} ms`,
  ].join('  ');
}

type Values = ReturnType<typeof parse>;
type Sending = ReturnType<typeof readSending>;

/** Throws UsageError. */
function readSending(values: Values) {
  if (values.days !== undefined) throw new UsageError('usage', '--days goes with --into');
  const given = (flag: keyof typeof DEFAULTS): string => values[flag] ?? DEFAULTS[flag];
  const whole = (flag: keyof typeof DEFAULTS, min: number) => count(flag, given(flag), min);
  const protocol = oneOf('protocol', given('protocol'), ['grpc', 'http']);
  const written = values.duration ?? (values.spans === undefined ? '10s' : undefined);
  return {
    protocol,
    spansMax: values.spans === undefined ? Infinity : count('spans', values.spans, 1),
    seed: whole('seed', 0),
    idSeed: Date.now() % 0x1_0000_0000,
    endpoint: values.endpoint ?? (protocol === 'grpc' ? 'localhost:4317' : 'http://localhost:4318'),
    rate: whole('rate', 0),
    durationMs: written === undefined ? Infinity : durationMs(written),
    batchSize: whole('batch-size', 1),
    compression: oneOf<Compression>('compression', given('compression'), ['none', 'gzip', 'zstd']),
    connections: whole('connections', 1),
    inFlight: whole('in-flight', 1),
    layout: oneOf('layout', given('layout'), ['sdk', 'collector']),
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
  const [, digits = written, unit = ''] = /^(\d+)([km])$/i.exec(written) ?? [];
  const value = Number(digits.replaceAll('_', '')) * (UNITS[unit.toLowerCase()] ?? 1);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new UsageError('usage', `--${flag} wants a whole number from ${min} on, got "${written}"`);
}

const UNITS: Readonly<Record<string, number>> = { k: 1000, m: 1_000_000 };

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
