/** `npm run audit [-- --cycles 200]`: does a server lose anything when it is killed? Starts a real
 *  one, puts load on it, kills it with SIGKILL at a random moment, starts it again on the same
 *  directory, and reads back by id and by search what it had acknowledged; again and again. Flushes
 *  and stitches are made small, so that one is always under way.
 *
 *  --cycles N      kills, 20 unless given
 *  --directory D   where the server keeps its data; a temporary one that is removed unless given
 *  --rate N        spans a second of background load, 4000 unless given */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Auditor } from '../src/cli/audit/auditor.ts';
import { AuditedServer } from '../src/cli/audit/audited-server.ts';
import { CountedFindings } from '../src/cli/audit/findings.ts';
import { Ledger } from '../src/cli/audit/ledger.ts';
import { systemClock } from '../src/lib/clock.ts';

const spoor = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const LANES = 8;
/** Between two writes of a lane: what is written is read back, which takes longer. */
const PAUSE_MS_MAX = 100;
/** For so long a life writes. */
const LIFE_MS_MAX = 2500;
/** Of all that were ever acknowledged, so many are read back at the end. */
const FINAL_SAMPLE = 5000;
/** Of what earlier cycles acknowledged, this many are read back in each. */
const SAMPLE = 60;
const START_MS_MAX = 60_000;

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '20' },
    directory: { type: 'string' },
    rate: { type: 'string', default: '4000' },
  },
});
const cycles = Number(values.cycles);
const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'spoor-audit-'));
const [grpc, http, query, health, metrics] = await freePorts(5);
const config = join(directory, 'audit.yaml');
writeFileSync(config, configuration());

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const findings = new CountedFindings((line) => console.error(line));
const ledger = new Ledger();
const auditor = new Auditor({
  server: new AuditedServer(`http://localhost:${http}`, `http://localhost:${query}`),
  run: {
    id: Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
    startNano: BigInt(Date.now()) * 1_000_000n,
    stepNano: 1_000_000n,
  },
  ledger,
  findings,
  clock: systemClock,
});

let kills = 0;
/** What the last life was told to keep. */
let unread: number[] = [];
try {
  for (; kills < cycles && !stop.signal.aborted; kills++) await cycle(kills);
  await finish();
} finally {
  if (values.directory === undefined) rmSync(directory, { recursive: true, force: true });
}
console.log(`${kills} kills: ${findings.summary()}`);
process.exitCode = findings.isClean && findings.traces > 0 ? 0 : 1;

/** One life of the server, under load all the time: read back what the life before was told to keep,
 *  write, die. */
async function cycle(index: number): Promise<void> {
  const server = await start();
  // Now and then at once: while it still puts in order what the last one left.
  if (index % 5 === 4) {
    await kill(server);
    return;
  }
  const load = startLoad();
  const first = ledger.begun;
  await check([...sampleBelow(first), ...unread], stop.signal);
  const writing = new AbortController();
  const lanes = Array.from({ length: LANES }, async () => {
    while (!writing.signal.aborted) {
      await auditor.writeNext(writing.signal);
      await systemClock.sleep(Math.random() * PAUSE_MS_MAX, writing.signal).catch(() => {});
    }
  });
  await systemClock.sleep(Math.random() * LIFE_MS_MAX, stop.signal).catch(() => {});
  await Promise.all([kill(server), kill(load)]);
  writing.abort();
  await Promise.all(lanes);
  unread = Array.from({ length: ledger.begun - first }, (_, i) => first + i);
  console.log(`kill ${index + 1} of ${cycles}: ${findings.summary()}`);
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
}

/** What the last life wrote, and of everything there ever was as much as can be read in a while. */
async function finish(): Promise<void> {
  const server = await start();
  const all = Array.from({ length: ledger.begun }, (_, number) => number);
  const sample = Array.from({ length: FINAL_SAMPLE }, () => Math.floor(Math.random() * all.length));
  await check(all.length <= FINAL_SAMPLE ? all : [...sample, ...unread], stop.signal);
  await kill(server);
}

async function check(numbers: readonly number[], signal: AbortSignal): Promise<void> {
  const left = [...numbers];
  const lanes = Array.from({ length: LANES }, async () => {
    for (let number = left.pop(); number !== undefined; number = left.pop()) {
      await auditor.check(number, 'id', signal);
      if (number % 7 === 0) await auditor.check(number, 'search', signal);
    }
  });
  await Promise.all(lanes);
}

function sampleBelow(end: number): number[] {
  if (end === 0) return [];
  return Array.from({ length: SAMPLE }, () => Math.floor(Math.random() * end));
}

async function start(): Promise<ChildProcess> {
  const server = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', spoor, '--config', config],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaint = '';
  server.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  for (const deadline = Date.now() + START_MS_MAX; Date.now() < deadline && !stop.signal.aborted;) {
    if (server.exitCode !== null) throw new Error(`the server ended by itself:\n${complaint}`);
    const isUp = await fetch(`http://localhost:${health}/status`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return server;
    await systemClock.sleep(50, stop.signal).catch(() => {});
  }
  server.kill('SIGKILL');
  throw new Error(`the server did not come up:\n${complaint}`);
}

function startLoad(): ChildProcess {
  const args = ['loadgen', '--endpoint', `localhost:${grpc}`, '--rate', values.rate];
  return spawn(process.execPath, [spoor, ...args, '--duration', '60s'], { stdio: 'ignore' });
}

function configuration(): string {
  return `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: localhost:${grpc} }
      http: { endpoint: localhost:${http} }
exporters:
  jaeger_storage_exporter: { trace_storage: main }
extensions:
  healthcheckv2: { http: { endpoint: localhost:${health} } }
  jaeger_storage:
    backends:
      main:
        embedded:
          directory: ${JSON.stringify(join(directory, 'data'))}
          flush_spans: 2000
          stitch_row_groups: 6
  jaeger_query:
    storage: { traces: main }
    http: { endpoint: localhost:${query} }
service:
  extensions: [healthcheckv2, jaeger_storage, jaeger_query]
  telemetry:
    metrics:
      readers: [{ pull: { exporter: { prometheus: { host: localhost, port: ${metrics} } } } }]
  pipelines:
    traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] }
`;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, 'localhost');
      await once(server, 'listening');
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      server.close();
      await once(server, 'close');
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
}
