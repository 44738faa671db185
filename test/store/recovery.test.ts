/** What a crash leaves behind is read back: nothing lost, nothing twice, damage told. */

import { cpSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { bytesFromHex } from '../../src/model/ids.ts';
import { type PlainSpan, spans } from '../../src/storage/conformance/plain-spans.ts';
import { tenantDirectory } from '../../src/storage/embedded/directory.ts';
import type { EngineOptions } from '../../src/storage/embedded/engine.ts';
import { FailingFileSystem } from '../../src/storage/embedded/failing-file-system.fixture.ts';
import { type FileSystem, realFileSystem } from '../../src/storage/embedded/file-system.ts';
import { openEngine, type OpenedEngine } from '../../src/storage/embedded/recovery.ts';
import { encoderHere } from './faults/encoder-here.ts';

const OPTIONS: EngineOptions = {
  flushSpans: 6,
  flushIntervalMs: 3_600_000,
  stitchRowGroups: 3,
  unflushedBytesMax: 1 << 24,
  walBytesMax: 1 << 24,
  dedupWindowMs: 600_000,
  dedupSpansMax: 1000,
  rollups: { maxAgeMs: Infinity, maxBytes: Infinity },
  retention: { maxAgeMs: 1e12, maxBytes: 1e12, maxTraces: Infinity },
};

let root: string;
let copies: string;
let running: OpenedEngine[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-recovery-'));
  copies = await mkdtemp(join(tmpdir(), 'spoor-crashes-'));
  running = [];
});
afterEach(async () => {
  for (const { engine } of running) await engine.close();
  for (const directory of [root, copies]) await rm(directory, { recursive: true });
});

async function open(directory = root, files: FileSystem = realFileSystem): Promise<OpenedEngine> {
  const opened = await openEngine(directory, OPTIONS, {
    files,
    clock: systemClock,
    logger: silentLogger,
    random: Math.random,
    startWorker: encoderHere(realFileSystem),
  });
  running.push(opened);
  return opened;
}

async function close(opened: OpenedEngine): Promise<void> {
  await opened.engine.close();
  running = running.filter((one) => one !== opened);
}

/** The directory as a crash would leave it now. */
function crash(name = 'crash'): string {
  const copy = join(copies, name);
  cpSync(root, copy, { recursive: true });
  rmSync(join(copy, 'LOCK'), { force: true });
  return copy;
}

const traceId = (n: number) => (n + 1).toString(16).padStart(32, '0');

/** Two spans of one trace. */
function trace(n: number): PlainSpan[] {
  return ['1', '2'].map((id) => ({
    traceId: traceId(n),
    spanId: id.padStart(16, '0'),
    name: `${n}`,
    service: `service ${n % 3}`,
  }));
}

const write = ({ engine }: OpenedEngine, n: number, tenant = 'default') =>
  engine.write(spans(tenant, trace(n)));

/** Rows of the trace, wherever they are. */
function rowsOf({ engine }: OpenedEngine, n: number, tenant = 'default'): number {
  const manifest = engine.tenant(tenant)?.pin();
  if (manifest === undefined) return 0;
  const id = bytesFromHex(traceId(n), 16)!;
  let rows = manifest.head.find(id).reduce((sum, batch) => sum + batch.count, 0);
  for (const { index } of manifest.files) {
    const position = index?.find(id) ?? -1;
    if (position >= 0) rows += index!.summaryAt(position).spanCount;
  }
  manifest.release();
  return rows;
}

const segments = () => readdir(tenantDirectory(root, 'default').segments);

/** Each in a flush of its own. */
async function writeAndFlush(opened: OpenedEngine, numbers: readonly number[]): Promise<void> {
  for (const n of numbers) {
    await write(opened, n);
    await opened.engine.tenant('default')!.flush();
  }
}

test('a crash before any call to the disk loses nothing and repeats nothing', async () => {
  const files = new FailingFileSystem(realFileSystem);
  const opened = await open(root, files);
  const acknowledged = new Set<number>();
  const crashes: { directory: string; call: string; expected: number[] }[] = [];
  files.onCall = (call) => {
    const directory = crash(`${crashes.length}`);
    crashes.push({ directory, call, expected: [...acknowledged] });
  };
  for (let n = 0; n < 12; n++) {
    await write(opened, n);
    acknowledged.add(n);
    await write(opened, n, 'other');
  }
  await close(opened);
  files.onCall = () => {};
  expect(new Set(crashes.map(({ call }) => call)).size).toBeGreaterThan(5);
  for (const { directory, call, expected } of crashes) {
    const recovered = await open(directory);
    expect(recovered.damage).toEqual([]);
    const rows = expected.map((n) => rowsOf(recovered, n));
    expect(rows, `${directory}, before ${call}`).toEqual(expected.map(() => 2));
    // Sent again by a client that never got its answer: still once.
    for (const n of expected.slice(-3)) await write(recovered, n);
    expect(expected.map((n) => rowsOf(recovered, n))).toEqual(expected.map(() => 2));
    await close(recovered);
  }
});

test('what is written while a file cannot be read is there when it can be again', async () => {
  const opened = await open();
  await writeAndFlush(opened, [0, 1]);
  await close(opened);
  const { segments: directory, catalogue } = tenantDirectory(root, 'default');
  const paths = ['2-2.parquet', '2-2.idx'].map((name) => join(directory, name));
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  for (const path of [...paths, catalogue]) await writeFile(path, 'nonsense');
  const without = await open();
  expect(without.missing).toEqual([expect.stringContaining('2-2.parquet')]);
  for (const n of [2, 3, 4]) await write(without, n);
  // None of it is in a file yet.
  const copy = crash();
  const { segments: restored } = tenantDirectory(copy, 'default');
  for (const [i, path] of paths.entries()) {
    await writeFile(join(restored, basename(path)), contents[i] ?? '');
  }
  const again = await open(copy);
  expect([0, 1, 2, 3, 4].map((n) => rowsOf(again, n))).toEqual([2, 2, 2, 2, 2]);
});

test('spans are recognised after a restart, whether in the log, a flush or a segment', async () => {
  const opened = await open();
  await writeAndFlush(opened, [0, 1, 2]);
  await expect.poll(segments, { timeout: 30_000 }).not.toContain('1-1.parquet');
  await writeAndFlush(opened, [3]);
  await write(opened, 4);
  const recovered = await open(crash());
  const { files } = recovered.engine.tenant('default')!;
  expect(files.all.map(({ from, to }) => [from, to])).toEqual([
    [1, 3],
    [4, 4],
  ]);
  for (let n = 0; n < 6; n++) await write(recovered, n);
  for (let n = 0; n < 6; n++) expect(rowsOf(recovered, n), `trace ${n}`).toBe(2);
});

test('lists and numbers go on where they were', async () => {
  const opened = await open();
  for (const n of [0, 1]) await write(opened, n);
  await opened.engine.tenant('default')!.flush();
  await write(opened, 2);
  const recovered = await open(crash());
  const store = recovered.engine.tenant('default')!;
  expect(store.catalogue.services()).toEqual(['service 0', 'service 1', 'service 2']);
  await write(recovered, 5);
  await store.flush();
  expect(store.files.all.map(({ to }) => to)).toEqual([1, 2]);
});

test('a log that was cut short is no damage, one that was changed is, and costs one record', async () => {
  const opened = await open();
  for (const n of [0, 1]) await write(opened, n);
  const cut = crash('cut');
  const path = (directory: string) => join(directory, 'wal', '1.wal');
  const bytes = await readFile(path(cut));
  await writeFile(path(cut), bytes.subarray(0, bytes.length - 10));
  const torn = await open(cut);
  expect(torn.damage).toEqual([]);
  expect([0, 1].map((n) => rowsOf(torn, n))).toEqual([2, 0]);

  const changed = crash('changed');
  bytes[200]! ^= 1;
  await writeFile(path(changed), bytes);
  const damaged = await open(changed);
  expect(damaged.damage).toEqual([expect.stringContaining('1.wal')]);
  expect([0, 1].map((n) => rowsOf(damaged, n))).toEqual([0, 2]);
});

test('a damaged data file is told, the others are there, and its name is not used again', async () => {
  const opened = await open();
  await writeAndFlush(opened, [0]);
  await close(opened);
  const { segments: directory } = tenantDirectory(root, 'default');
  const copy = crash();
  const broken = tenantDirectory(copy, 'default').segments;
  expect(await readdir(directory)).toEqual(['1-1.idx', '1-1.parquet']);
  await writeFile(join(broken, '1-1.parquet'), 'nonsense');
  await writeFile(join(broken, '1-1.idx'), 'nonsense');
  const recovered = await open(copy);
  expect(recovered.damage).toEqual([expect.stringContaining('1-1.parquet')]);
  await write(recovered, 5);
  await recovered.engine.tenant('default')!.flush();
  expect(recovered.engine.tenant('default')!.files.all.map(({ from }) => from)).toEqual([2]);
  expect(rowsOf(recovered, 5)).toBe(2);
});

test('an unreadable catalogue is told and begins anew', async () => {
  const opened = await open();
  await writeAndFlush(opened, [0]);
  await close(opened);
  const copy = crash();
  await writeFile(tenantDirectory(copy, 'default').catalogue, '{');
  const recovered = await open(copy);
  expect(recovered.damage).toEqual([expect.stringContaining('catalogue.json')]);
  expect(rowsOf(recovered, 0)).toBe(2);
});

test('a log of a newer format is refused, and the directory let go', async () => {
  const opened = await open();
  await write(opened, 0);
  const copy = crash();
  const path = join(copy, 'wal', '1.wal');
  const bytes = await readFile(path);
  for (const at of [4, 8]) bytes[at] = 9;
  await writeFile(path, bytes);
  await expect(open(copy)).rejects.toMatchObject({ code: 'unusable' });
  expect(await readdir(copy)).not.toContain('LOCK');
});
