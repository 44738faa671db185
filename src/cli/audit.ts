/** `spoor audit`: holds a running server to its word. Writes known traces, reads them back at every
 *  age by id and by search, and counts what is missing, altered or there twice. */

import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { parseArgs } from 'node:util';
import { parseDuration, parseEndpoint } from '../config/kinds.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { UsageError } from './arguments.ts';
import { AuditedServer } from './audit/audited-server.ts';
import { Auditor } from './audit/auditor.ts';
import { CountedFindings } from './audit/findings.ts';
import type { AuditRun } from './audit/known-trace.ts';
import { Ledger } from './audit/ledger.ts';

const HELP = `spoor audit: write known traces, read them back, count what is not as it was sent

  --endpoint <url>    where to send, OTLP over HTTP; http://localhost:4318 unless given
  --query <url>       where to ask; http://localhost:16686 unless given
  --rate <n>          traces a second, 20 unless given
  --duration <time>   stop after this long (30s, 5m); for ever unless given
  --age <time>        read back traces up to this old, 1h unless given
  --metrics <where>   serve counters to Prometheus there, like localhost:9464

Says so at once when a trace is missing, altered or there twice, and ends with exit code 1 then.
A server that is down is waited for. Ctrl-C ends it.
`;

const flags = {
  help: { type: 'boolean', short: 'h', default: false },
  endpoint: { type: 'string', default: 'http://localhost:4318' },
  query: { type: 'string', default: 'http://localhost:16686' },
  rate: { type: 'string', default: '20' },
  duration: { type: 'string' },
  age: { type: 'string', default: '1h' },
  metrics: { type: 'string' },
} as const;

const REPORT_MS = 10_000;
/** Written and read at a time. */
const LANES = 4;

export async function run(args: readonly string[]): Promise<number> {
  const values = parse(args);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const durationMs =
    values.duration === undefined ? undefined : timeOf('duration', values.duration);
  const timer = durationMs === undefined ? undefined : setTimeout(onSignal, durationMs);
  const findings = new CountedFindings((line) => process.stdout.write(`${line}\n`));
  const metrics = values.metrics === undefined ? undefined : serve(values.metrics, findings);
  try {
    return await audit(findings, readOptions(values), stop.signal);
  } finally {
    clearTimeout(timer);
    metrics?.close();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

type Options = ReturnType<typeof readOptions>;

async function audit(
  findings: CountedFindings,
  { endpoint, query, rate, ageMs }: Options,
  signal: AbortSignal,
): Promise<number> {
  const auditRun: AuditRun = {
    id: randomBytes(4).toString('hex'),
    startNano: BigInt(Date.now()) * 1_000_000n,
    stepNano: BigInt(Math.round(1e9 / rate)),
  };
  const ledger = new Ledger();
  const server = new AuditedServer(endpoint, query);
  const auditor = new Auditor({ server, run: auditRun, ledger, findings, clock: systemClock });
  const report = setInterval(() => {
    const why = findings.unansweredCount > 0 ? ` (last failure: ${findings.lastFailure})` : '';
    process.stdout.write(`${findings.summary()}${why}\n`);
  }, REPORT_MS);
  const oldest = Math.ceil((ageMs / 1000) * rate);
  try {
    await Promise.all(
      Array.from({ length: LANES }, () => auditForever({ auditor, ledger, rate, oldest }, signal)),
    );
  } finally {
    clearInterval(report);
  }
  process.stdout.write(`${findings.summary()}\n`);
  if (findings.traces === 0) process.stdout.write('nothing was acknowledged\n');
  return findings.isClean && findings.traces > 0 ? 0 : 1;
}

interface Lane {
  readonly auditor: Auditor;
  readonly ledger: Ledger;
  readonly rate: number;
  /** How many numbers back a trace may be to be read. */
  readonly oldest: number;
}

async function auditForever(lane: Lane, signal: AbortSignal): Promise<void> {
  const { auditor, ledger, rate, oldest } = lane;
  const pauseMs = (LANES / rate) * 1000;
  while (!signal.aborted) {
    const dueMs = performance.now() + pauseMs;
    const number = await auditor.writeNext(signal);
    // At once by id; by search any trace that was acknowledged a while ago, new ones more often.
    await auditor.check(number, 'id', signal);
    const back = Math.floor(Math.min(oldest, ledger.begun) ** Math.random());
    const earlier = Math.max(0, number - back);
    await auditor.check(earlier, back % 2 === 0 ? 'id' : 'search', signal);
    await systemClock.sleep(Math.max(0, dueMs - performance.now()), signal).catch(() => {});
  }
}

function serve(where: string, { registry }: CountedFindings): Server {
  const place = parseEndpoint(where);
  if (place === undefined) {
    throw new UsageError('usage', `--metrics wants a place like localhost:9464, got "${where}"`);
  }
  const server = createServer((_request, response) => {
    void registry.metrics().then((text) => {
      response.setHeader('content-type', registry.contentType);
      response.end(text);
    });
  });
  server.once('error', (error) => {
    process.stderr.write(`spoor: metrics are not served: ${error.message}\n`);
  });
  return server.listen(place.port, place.host);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: false }).values;
  } catch (cause) {
    const [message = ''] = messageOf(cause).split('. ', 1);
    throw new UsageError('usage', message, { cause, hint: 'see `spoor audit --help`' });
  }
}

function readOptions(values: ReturnType<typeof parse>) {
  const rate = Number(values.rate);
  if (!(rate > 0)) throw new UsageError('usage', `--rate wants a number, got "${values.rate}"`);
  return {
    endpoint: values.endpoint,
    query: values.query,
    rate,
    ageMs: timeOf('age', values.age),
  };
}

function timeOf(flag: string, written: string): number {
  const ms = parseDuration(written);
  if (ms !== undefined && ms > 0) return ms;
  throw new UsageError('usage', `--${flag} wants a time like 30s or 5m, got "${written}"`);
}
