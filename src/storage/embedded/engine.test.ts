import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../lib/logger.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { type PlainSpan, spans } from '../conformance/plain-spans.ts';
import { openDirectory, tenantDirectory } from './directory.ts';
import { Engine, type EngineOptions } from './engine.ts';
import { FailingFileSystem } from './failing-file-system.fixture.ts';
import { FakeEncoder } from './fake-encoder.fixture.ts';
import { realFileSystem } from './file-system.ts';
import type { Manifest } from './manifest.ts';
import type { TenantStore } from './tenant-store.ts';
import { Wal } from './wal/wal.ts';

const DAY_MS = 86_400_000;
const OPTIONS: EngineOptions = {
  flushSpans: 10,
  flushIntervalMs: 60_000,
  stitchRowGroups: 3,
  unflushedBytesMax: 1 << 20,
  walBytesMax: 1 << 20,
  dedupWindowMs: 600_000,
  dedupSpansMax: 1000,
  rollups: { maxAgeMs: Infinity, maxBytes: Infinity },
  retention: { maxAgeMs: 7 * DAY_MS, maxBytes: 1e9, maxTraces: Infinity },
};

let root: string;
let engine: Engine;
const clock = new ManualClock(20_000 * DAY_MS);
let encoder: FakeEncoder;
let files: FailingFileSystem;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-engine-'));
  await open({});
});

afterEach(async () => {
  encoder.gate = Promise.resolve();
  encoder.failWith = undefined;
  await engine.close();
  expect(clock.pendingCount).toBe(0);
  await rm(root, { recursive: true });
});

async function open(changes: Partial<EngineOptions>): Promise<void> {
  encoder = new FakeEncoder();
  encoder.writtenAtMs = clock.nowMs();
  files = new FailingFileSystem(realFileSystem);
  const directory = await openDirectory(root, { files, clock, random: Math.random });
  const wal = new Wal({ files, directory: directory.wal, salt: 1, fileBytesMax: 4096 });
  const options = { ...OPTIONS, ...changes };
  engine = new Engine({ options, files, clock, logger: silentLogger, directory, encoder, wal });
  engine.start();
}

async function reopen(changes: Partial<EngineOptions>): Promise<void> {
  await engine.close();
  await open(changes);
}

const write = (plain: readonly PlainSpan[], tenant = 'default') =>
  engine.write(spans(tenant, plain));
const named = (...names: (string | number)[]) => names.map((name) => ({ name: `${name}` }));
const store = (tenant = 'default'): TenantStore => engine.tenant(tenant)!;

function namesIn(manifest: Manifest): string[] {
  const { head, files: all } = manifest;
  const inHead = head.entries.flatMap(({ batch }) =>
    Array.from(batch.spans.columns.names, (id) => batch.strings.text(id)),
  );
  return [...all.flatMap(({ path }) => encoder.contents.get(path) ?? []), ...inHead].sort();
}

/** What a reader sees now. */
function visible(tenant = 'default'): string[] {
  const manifest = store(tenant).pin();
  manifest.release();
  return namesIn(manifest);
}

function held(): { release: () => void } {
  let release = () => {};
  encoder.gate = new Promise<void>((resolve) => (release = resolve));
  return { release: () => release() };
}

async function onDisk(tenant = 'default'): Promise<string[]> {
  await store(tenant).files.settled();
  return (await readdir(tenantDirectory(root, tenant).segments)).sort();
}

describe('writing', () => {
  test('rows are visible once they are durable, not before', async () => {
    const seen: unknown[] = [];
    files.onCall = (call) => {
      if (call === 'datasync') seen.push(visible());
    };
    await write(named('a'));
    expect(seen).toEqual([[]]);
    expect(visible()).toEqual(['a']);
  });

  test('a span that was seen before is stored once', async () => {
    const [a, b, c] = named('a', 'b', 'c').map((span) => ({ ...span, ...ids(span.name) }));
    await write([a!, b!, a!]);
    await write([b!, c!]);
    await Promise.all([write([a!, c!]), write([a!, b!, c!])]);
    expect(visible()).toEqual(['a', 'b', 'c']);
  });

  test('tenants do not share what they have seen', async () => {
    const span = { name: 'a', ...ids('a') };
    await write([span], 'one');
    await write([span], 'two');
    expect(visible('two')).toEqual(['a']);
  });

  test('a refused span can be sent again, and who waited behind it is refused too', async () => {
    const span = { name: 'a', ...ids('a') };
    // Its folders are there: nobody waits for them, and all three come in one turn.
    await engine.prepareTenant('default');
    files.failNext('datasync', 'EIO');
    const outcomes = await Promise.allSettled([
      write([span]),
      write([span]),
      write([span, ...named('b')]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await write([span]);
    expect(visible().filter((name) => name === 'a')).toEqual(['a']);
  });

  test('a full disk is told as such, until it takes bytes again', async () => {
    files.failNext('writev', 'ENOSPC');
    await expect(write(named('a'))).rejects.toMatchObject({ code: 'full', retryable: true });
    expect(visible()).toEqual([]);
    expect(engine.health().ok).toBe(false);
    await write(named('a'));
    expect(engine.health().ok).toBe(true);
  });

  test('an aborted wait ends, and what was on its way may be stored', async () => {
    const abort = new AbortController();
    const writing = engine.write(spans('default', named('a')), abort.signal);
    const reason = new Error('enough');
    setImmediate(() => abort.abort(reason));
    await expect(writing).rejects.toBe(reason);
  });

  test('nothing is taken after close', async () => {
    await engine.close();
    await expect(write(named('a'))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('flush', () => {
  test('at so many spans moves them to a file; none is there twice or missing at any time', async () => {
    const hold = held();
    const all = Array.from({ length: 10 }, (_, i) => `${i}`);
    await write(named(...all));
    await write(named('later'));
    const before = store().pin();
    expect(encoder.calls).toEqual(['flush']);
    expect(visible()).toEqual([...all, 'later']);
    hold.release();
    await expect.poll(() => store().files.all.length).toBe(1);
    expect(visible()).toEqual([...all, 'later']);
    expect(store().pin().head.rows).toBe(1);
    expect(before.files).toEqual([]);
    expect(namesIn(before)).toEqual([...all, 'later']);
    before.release();
  });

  test('after a while moves what there is', async () => {
    await write(named('a'));
    clock.advance(59_000);
    expect(encoder.calls).toEqual([]);
    clock.advance(2000);
    await expect.poll(() => store().files.all.length).toBe(1);
    expect(visible()).toEqual(['a']);
  });

  test('what comes while one is under way is the next one, not a second at once', async () => {
    const hold = held();
    await write(named(...Array.from({ length: 10 }, (_, i) => i)));
    await write(named(...Array.from({ length: 15 }, (_, i) => i + 10)));
    expect(encoder.calls).toEqual(['flush']);
    hold.release();
    await expect.poll(() => store().files.all.length).toBe(2);
    expect(store().files.all.map(({ rows }) => rows)).toEqual([10, 15]);
  });

  test('stays small however far the encoder lags', async () => {
    const hold = held();
    for (let i = 0; i < 10; i++)
      await write(named(...Array.from({ length: 5 }, (_, n) => i * 5 + n)));
    hold.release();
    await expect.poll(() => store().files.all.reduce((sum, { rows }) => sum + rows, 0)).toBe(50);
    expect(encoder.calls.filter((call) => call === 'flush')).toHaveLength(5);
    expect(visible()).toHaveLength(50);
  });

  test('stays small after a search made the encoder take all rows', async () => {
    const hold = held();
    for (let i = 0; i < 8; i++)
      await write(named(...Array.from({ length: 5 }, (_, n) => i * 5 + n)));
    const search = store().pinWithFresh();
    hold.release();
    (await search).release();
    await expect.poll(() => store().files.all.reduce((sum, { rows }) => sum + rows, 0)).toBe(40);
    expect(encoder.calls.filter((call) => call === 'flush')).toHaveLength(4);
    expect(visible()).toHaveLength(40);
  });

  test('that fails keeps the rows, says so, and is tried again', async () => {
    encoder.failWith = new Error('no space');
    await write(named(...Array.from({ length: 10 }, (_, i) => i)));
    await expect.poll(() => engine.health().problems.length).toBe(1);
    expect(engine.health().problems[0]).toContain('no space');
    await write(named('later'));
    expect(visible()).toHaveLength(11);
    encoder.failWith = undefined;
    clock.advance(6000);
    await expect.poll(() => store().files.all.length).toBe(1);
    expect(store().files.all[0]!.rows).toBe(10);
    expect(visible()).toHaveLength(11);
    expect(engine.health().ok).toBe(true);
  });

  test('goes on when what a failed one left could not be removed at once', async () => {
    encoder.failWith = new Error('no space');
    files.failNext('unlink', 'EIO');
    files.failNext('unlink', 'EIO');
    await write(named(...Array.from({ length: 10 }, (_, i) => i)));
    await expect.poll(() => engine.health().problems.length).toBe(1);
    encoder.failWith = undefined;
    // The first attempt fails at the leftover, the second has it removed.
    await expect
      .poll(() => (clock.advance(6000), store().files.all.length), { timeout: 10_000 })
      .toBe(1);
    expect(visible()).toHaveLength(10);
  });

  test('lets the log shrink, when all tenants of a log file have flushed', async () => {
    const logs = () => readdir(join(root, 'wal'));
    await write([{ name: 'x'.repeat(5000) }], 'quiet');
    for (let i = 0; i < 10; i++) await write([{ name: `${i}`.repeat(5000) }]);
    await expect.poll(() => store().files.all.length).toBe(1);
    await expect.poll(async () => (await logs()).sort()).toEqual(['1.wal']);
    clock.advance(61_000);
    await expect.poll(logs).toEqual([]);
  });

  test('is asked of the tenant that keeps a log that is too long', async () => {
    await reopen({ walBytesMax: 20_000 });
    await write([{ name: 'x' }], 'quiet');
    for (let i = 0; i < 9; i++) await write([{ name: `${i}`.repeat(5000) }]);
    clock.advance(1000);
    await expect.poll(() => store('quiet').files.all.length).toBe(1);
  });

  test('happens on close', async () => {
    await write(named('a'));
    await engine.close();
    expect(encoder.calls).toEqual(['flush', 'close']);
    expect(await readdir(join(root, 'wal'))).toEqual([]);
  });
});

describe('too many spans in memory', () => {
  const big = () => spans('default', [{ name: 'x'.repeat(40_000) }]);

  test('writers wait until a flush has made room', async () => {
    await reopen({ unflushedBytesMax: 100_000, flushSpans: 1000 });
    const hold = held();
    await engine.write(big());
    await engine.write(big());
    let isStored = false;
    const third = engine.write(big()).then(() => (isStored = true));
    expect(encoder.calls).toContain('flush');
    const small = write([{ name: 'small' }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isStored).toBe(false);
    hold.release();
    await Promise.all([third, small]);
    expect(visible()).toHaveLength(4);
  });

  test('who waits too long is refused and may try again', async () => {
    await reopen({ unflushedBytesMax: 100_000, flushSpans: 1000 });
    const hold = held();
    await engine.write(big());
    await engine.write(big());
    const third = engine.write(big()).catch((reason: unknown) => reason);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5000);
    expect(await third).toMatchObject({ code: 'full', retryable: true });
    hold.release();
  });

  test('those who wait are bounded too', async () => {
    await reopen({ unflushedBytesMax: 100_000, flushSpans: 1000 });
    const hold = held();
    const outcomes = Array.from({ length: 8 }, () =>
      engine.write(big()).then(
        () => 'stored',
        ({ code }: { code: string }) => code,
      ),
    );
    await write([]);
    await new Promise((resolve) => setImmediate(resolve));
    hold.release();
    const all = (await Promise.all(outcomes)).sort();
    expect(all).toEqual([...Array<string>(5).fill('full'), ...Array<string>(3).fill('stored')]);
  });
});

describe('fresh files', () => {
  test('hold the rows of the head, and exactly those', async () => {
    await write(named('a'));
    const first = await store().pinWithFresh();
    await write(named('b'));
    const second = await store().pinWithFresh();
    expect(encoder.contents.get(first.fresh!.path)).toEqual(['a']);
    expect(first.head.rows).toBe(1);
    expect(encoder.contents.get(second.fresh!.path)).toEqual(['a', 'b']);
    expect(namesIn(second)).toEqual(['a', 'b']);
    for (const manifest of [first, second]) manifest.release();
  });

  test('are made only when rows have come', async () => {
    await write(named('a'));
    const manifests = [await store().pinWithFresh(), await store().pinWithFresh()];
    expect(encoder.calls).toEqual(['snapshot']);
    for (const manifest of manifests) manifest.release();
  });

  test('are shared by searches that come at once', async () => {
    await write(named('a'));
    const manifests = await Promise.all([store().pinWithFresh(), store().pinWithFresh()]);
    expect(encoder.calls).toEqual(['snapshot']);
    for (const manifest of manifests) manifest.release();
  });

  test('that were being made already do not hide what came since', async () => {
    const hold = held();
    await write(named('a'));
    const early = store().pinWithFresh();
    await write(named('b'));
    const late = store().pinWithFresh();
    hold.release();
    expect(namesIn(await late)).toEqual(['a', 'b']);
    for (const manifest of [await early, await late]) manifest.release();
  });

  test('never repeat what a flush took, though it took only a part', async () => {
    await reopen({ flushSpans: 2, stitchRowGroups: 99 });
    const hold = held();
    for (let i = 0; i < 12; i++) await write(named(`a${i}`, `b${i}`));
    const searches = [store().pinWithFresh()];
    hold.release();
    for (let i = 0; i < 40; i++) {
      searches.push(store().pinWithFresh());
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const manifest of await Promise.all(searches)) {
      const inFiles = [...manifest.files, ...(manifest.fresh ? [manifest.fresh] : [])];
      const names = inFiles.flatMap(({ path }) => encoder.contents.get(path) ?? []).sort();
      expect(names).toEqual(namesIn(manifest));
      expect(new Set(names).size).toBe(24);
      expect(names).toHaveLength(24);
      manifest.release();
    }
  });

  test('make way for the flush that takes their rows', async () => {
    await write(named('a'));
    const before = await store().pinWithFresh();
    await store().flush();
    const after = await store().pinWithFresh();
    expect([before.fresh === undefined, after.fresh === undefined]).toEqual([false, true]);
    expect(namesIn(after)).toEqual(['a']);
    const fresh = tenantDirectory(root, 'default').fresh;
    expect(await readdir(fresh)).toHaveLength(2);
    before.release();
    after.release();
    await store().files.settled();
    expect(await readdir(fresh)).toEqual([]);
  });
});

describe('stitching', () => {
  async function flushes(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await write(named(`${i}`));
      await store().flush();
    }
  }

  test('makes one file of so many flushes; readers that have the old ones keep them', async () => {
    await flushes(2);
    const before = store().pin();
    await flushes(1);
    await expect.poll(() => store().files.all.length).toBe(1);
    expect(visible()).toEqual(['0', '0', '1']);
    expect(await onDisk()).toEqual(
      ['1-1', '1-3', '2-2']
        .flatMap((name) => [`${name}.idx`, `${name}.parquet`])
        .concat('3-3.idx')
        .sort(),
    );
    before.release();
    expect(await onDisk()).toEqual(['1-1.idx', '1-3.idx', '1-3.parquet', '2-2.idx', '3-3.idx']);
  });

  test('the indices of the flushes go when no resend is to be expected', async () => {
    await flushes(3);
    await expect.poll(() => store().files.all.length).toBe(1);
    clock.advance(OPTIONS.dedupWindowMs + 31_000);
    expect(await onDisk()).toEqual(['1-3.idx', '1-3.parquet']);
  });

  test('happens when an hour is over', async () => {
    await flushes(2);
    clock.advance(3_600_000);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1000);
    await expect.poll(() => store().files.all.map(({ from, to }) => [from, to])).toEqual([[1, 2]]);
  });

  test('that fails changes nothing', async () => {
    await flushes(2);
    const hold = held();
    await write(named('x'));
    const flushing = store().flush();
    hold.release();
    await flushing;
    encoder.failWith = new Error('broken');
    await expect.poll(() => encoder.calls.includes('stitch')).toBe(true);
    expect(visible()).toHaveLength(3);
  });
});

describe('retention', () => {
  async function flushAt(name: string, tenant = 'default'): Promise<void> {
    encoder.writtenAtMs = clock.nowMs();
    await write(named(name), tenant);
    await store(tenant).flush();
  }

  test('by age removes files that were stored too long ago', async () => {
    await reopen({ retention: { ...OPTIONS.retention, maxAgeMs: 700_000 } });
    await flushAt('a');
    clock.advance(400_000);
    await flushAt('b');
    clock.advance(400_000);
    await expect.poll(() => visible()).toEqual(['b']);
    expect(await onDisk()).toEqual(['2-2.idx', '2-2.parquet']);
  });

  test('by bytes removes the oldest files of all tenants', async () => {
    await reopen({ retention: { ...OPTIONS.retention, maxBytes: 2500 } });
    await flushAt('a', 'one');
    clock.advance(1000);
    await flushAt('b', 'two');
    clock.advance(1000);
    await flushAt('c', 'one');
    clock.advance(30_000);
    expect(visible('one')).toEqual(['c']);
    expect(visible('two')).toEqual(['b']);
  });

  test('by traces removes the oldest files', async () => {
    await reopen({ retention: { ...OPTIONS.retention, maxTraces: 1 } });
    await flushAt('a');
    clock.advance(1000);
    await flushAt('b');
    clock.advance(30_000);
    expect(visible()).toEqual(['b']);
  });

  test('never removes the newest file for its size', async () => {
    await reopen({ retention: { ...OPTIONS.retention, maxBytes: 1, maxTraces: 1 } });
    await write(named('a', 'b', 'c'));
    await store().flush();
    clock.advance(60_000);
    expect(visible()).toEqual(['a', 'b', 'c']);
  });

  test('leaves a file to who reads it', async () => {
    await reopen({ retention: { ...OPTIONS.retention, maxAgeMs: 100_000 } });
    await flushAt('a');
    const reader = store().pin();
    clock.advance(200_000);
    await expect.poll(() => visible()).toEqual([]);
    expect(await onDisk()).toEqual(['1-1.idx', '1-1.parquet']);
    reader.release();
    expect(await onDisk()).toEqual([]);
  });
});

function ids(name: string): Pick<PlainSpan, 'traceId' | 'spanId'> {
  const hex = name.codePointAt(0)!.toString(16);
  return { traceId: hex.padStart(32, '0'), spanId: hex.padStart(16, '0') };
}
