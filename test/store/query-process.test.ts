import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { StorageError } from '../../src/storage/contract.ts';
import type { QueryResult } from '../../src/storage/embedded/query/messages.ts';
import {
  IDLE_MS_MAX,
  QueryProcess,
  type QueryProcessSettings,
} from '../../src/storage/embedded/query/query-process.ts';

let directory: string;
let open: QueryProcess[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-query-'));
});
afterEach(async () => {
  await Promise.all(open.map((each) => each.close()));
  open = [];
});
afterAll(() => rmSync(directory, { recursive: true }));

const SETTINGS = {
  threads: 1,
  memoryBytes: 512e6,
  rssBytesMax: 4e9,
  resultBytesMax: 64e6,
  concurrency: 2,
  waitingMax: 100,
  timeLimitMs: 60_000,
};

function start(settings: Partial<QueryProcessSettings> = {}): QueryProcess {
  const query = new QueryProcess(
    { ...SETTINGS, tempDirectory: directory, directories: [directory], ...settings },
    { clock: systemClock, logger: silentLogger },
  );
  open.push(query);
  return query;
}

const ask = (query: QueryProcess, sql: string, signal?: AbortSignal) =>
  query.run({ sql, params: [] }, { lane: 't', signal });

const numbers = ({ columns }: QueryResult): number[] => {
  const [column] = columns;
  if (column?.kind === 'number') return [...column.values];
  return column?.kind === 'bigint' ? [...column.values].map(Number) : [];
};

/** Runs for minutes unless it is stopped. */
const ENDLESS =
  'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 5';
/** Some hundred milliseconds of work. */
const LONG = 'SELECT sum(hash(range) % 10)::BIGINT AS s FROM range(30000000)';

const codeOf = (error: unknown) => (error instanceof StorageError ? error.code : error);

// oxlint-disable-next-line complexity -- it asks for the kind of each column
test('columns of every type and null come back, over many chunks', async () => {
  const { rows, columns } = await start().run(
    {
      sql: `SELECT i::BIGINT AS a, (18446744073709551615 - i)::UBIGINT AS b, i::INTEGER AS c, i / 2 AS d,
        i % 2 = 0 AS e, CASE WHEN i % 3 = 0 THEN 'é' || i END AS f, unhex('00ff')::BLOB AS g, NULL AS h
        FROM range($1::BIGINT) t(i) ORDER BY i`,
      params: [5000n],
    },
    { lane: 't' },
  );
  expect(rows).toBe(5000);
  const [a, b, c, d, e, f, g, h] = columns;
  if (a?.kind !== 'bigint' || b?.kind !== 'bigint') throw new Error('not bigint');
  expect(a.values[4999]).toBe(4999n);
  expect(BigInt.asUintN(64, b.values[1] ?? 0n)).toBe(2n ** 64n - 2n);
  if (c?.kind !== 'number' || d?.kind !== 'number' || e?.kind !== 'number') throw new Error('kind');
  expect([c.values[3], d.values[3], e.values[3]]).toEqual([3, 1.5, 0]);
  if (f?.kind !== 'bytes' || g?.kind !== 'bytes') throw new Error('not bytes');
  expect(f.isNull?.[3]).toBe(0);
  expect(f.isNull?.[4]).toBe(1);
  expect(Buffer.from(f.bytes.subarray(f.offsets[3], f.offsets[4])).toString()).toBe('é3');
  expect(g.bytes.subarray(g.offsets[4999], g.offsets[5000])).toEqual(Uint8Array.of(0, 0xff));
  expect(h?.isNull?.every((bit) => bit === 1)).toBe(true);
});

test('there is a process from the first question on, until nobody has asked for a while', async () => {
  const clock = new ManualClock();
  const query = new QueryProcess(
    { ...SETTINGS, tempDirectory: directory, directories: [directory] },
    { clock, logger: silentLogger },
  );
  open.push(query);
  expect(query.pid).toBeUndefined();
  query.wake();
  const first = query.pid;
  expect(first).toBeDefined();
  clock.advance(IDLE_MS_MAX - 1);
  expect(numbers(await ask(query, 'SELECT 1'))).toEqual([1]);
  clock.advance(IDLE_MS_MAX - 1);
  expect(query.pid).toBe(first);
  clock.advance(1);
  expect(query.pid).toBeUndefined();
  expect(numbers(await ask(query, 'SELECT 2'))).toEqual([2]);
  expect(query.pid).not.toBe(first);
});

test('a process that works is not ended as idle', async () => {
  const clock = new ManualClock();
  const query = new QueryProcess(
    {
      ...SETTINGS,
      tempDirectory: directory,
      directories: [directory],
      timeLimitMs: IDLE_MS_MAX * 10,
    },
    { clock, logger: silentLogger },
  );
  open.push(query);
  const answer = ask(query, LONG);
  await expect.poll(() => query.load.running, { timeout: 60_000 }).toBe(1);
  const { pid } = query;
  clock.advance(IDLE_MS_MAX);
  expect(numbers(await answer)[0]).toBeGreaterThan(0);
  expect(query.pid).toBe(pid);
});

test('a process killed during a query is replaced and the answer is right', async () => {
  const query = start();
  await ask(query, 'SELECT 1');
  const { pid } = query;
  const answers = Promise.all([ask(query, LONG), ask(query, LONG), ask(query, LONG)]);
  process.kill(pid ?? 0, 'SIGKILL');
  const [first, ...others] = (await answers).map(numbers);
  expect(first?.[0]).toBeGreaterThan(0);
  for (const other of others) expect(other).toEqual(first);
  expect(query.pid).not.toBe(pid);
});

test('a query whose process dies twice fails, and the next one works', async () => {
  const query = start();
  await ask(query, 'SELECT 1');
  const fatal = ask(query, ENDLESS).then(() => 'answered', codeOf);
  const first = query.pid ?? 0;
  process.kill(first, 'SIGKILL');
  const isRunningAgain = () => query.pid !== first && query.load.running === 1;
  await expect.poll(isRunningAgain, { timeout: 60_000 }).toBe(true);
  const waiting = ask(query, 'SELECT 2');
  process.kill(query.pid ?? 0, 'SIGKILL');
  expect(await fatal).toBe('unavailable');
  expect(numbers(await waiting)).toEqual([2]);
});

test('an aborted query rejects with the reason and frees its place', async () => {
  const query = start({ concurrency: 1 });
  const control = new AbortController();
  const endless = ask(query, ENDLESS, control.signal);
  const next = ask(query, 'SELECT 3');
  control.abort(new Error('nobody looks'));
  await expect(endless).rejects.toThrow('nobody looks');
  expect(numbers(await next)).toEqual([3]);
  await expect(ask(query, 'SELECT 1', control.signal)).rejects.toThrow('nobody looks');
});

test('a query over its time limit is stopped', async () => {
  const query = start({ timeLimitMs: 8000, concurrency: 1 });
  await ask(query, 'SELECT 1');
  await expect(ask(query, ENDLESS)).rejects.toSatisfy((error) => codeOf(error) === 'timeout');
  expect(numbers(await ask(query, 'SELECT 4'))).toEqual([4]);
});

test('a process that outgrows its memory is replaced', async () => {
  const query = start({ rssBytesMax: 1 });
  await expect(ask(query, ENDLESS)).rejects.toSatisfy((error) => codeOf(error) === 'unavailable');
});

test('a process that has grown is replaced while it is idle', async () => {
  const query = start({ rssBytesMax: 50e6 });
  query.wake();
  const first = query.pid;
  await expect.poll(() => query.pid, { timeout: 60_000 }).not.toBe(first);
  await query.close();
});

test('a result that is too large is refused', async () => {
  const query = start({ resultBytesMax: 1e6 });
  await expect(ask(query, 'SELECT * FROM range(10000000)')).rejects.toSatisfy(
    (error) => codeOf(error) === 'unavailable',
  );
  expect(numbers(await ask(query, 'SELECT 5'))).toEqual([5]);
});

test('more waiting queries than the bound are refused at once', async () => {
  const query = start({ waitingMax: 1, concurrency: 1 });
  await ask(query, 'SELECT 1');
  const control = new AbortController();
  const endless = ask(query, ENDLESS, control.signal);
  const waiting = ask(query, 'SELECT 6');
  await expect(ask(query, 'SELECT 7')).rejects.toMatchObject({
    code: 'unavailable',
    retryable: true,
  });
  control.abort(new Error('enough'));
  await expect(endless).rejects.toThrow('enough');
  expect(numbers(await waiting)).toEqual([6]);
});

test('files outside the data directory stay closed', async () => {
  await expect(ask(start(), "SELECT * FROM read_csv('/etc/passwd')")).rejects.toThrow(StorageError);
});

test('the process goes when its parent is killed, whatever it is doing', async () => {
  const program = `
    import { QueryProcess } from '${new URL('../../src/storage/embedded/query/query-process.ts', import.meta.url).href}';
    import { systemClock } from '${new URL('../../src/lib/clock.ts', import.meta.url).href}';
    import { silentLogger } from '${new URL('../../src/lib/logger.ts', import.meta.url).href}';
    const query = new QueryProcess(${JSON.stringify({ ...SETTINGS, tempDirectory: directory, directories: [directory] })},
      { clock: systemClock, logger: silentLogger });
    query.run({ sql: '${ENDLESS}', params: [] }, { lane: 't' }).catch(() => {});
    setInterval(() => { if (query.load.running > 0) console.log(query.pid); }, 20);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(parent.stdout.setEncoding('utf8'), 'data');
  const pid = Number(String(line).split('\n')[0]);
  const isAlive = () => {
    try {
      process.kill(pid, 0);
      if (process.platform !== 'linux') return true;
      // Gone, but not yet collected by its new parent.
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  expect(isAlive()).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(isAlive, { timeout: 60_000 }).toBe(false);
});
