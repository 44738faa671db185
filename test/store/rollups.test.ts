/** Charts outlive spans: what retention takes is counted on, once, also after a restart. */

import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { intrinsic } from '../../src/filter/ast.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { spans } from '../../src/storage/conformance/plain-spans.ts';
import type { AggregateQuery, StorageBackend } from '../../src/storage/contract.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import type { EngineOptions } from '../../src/storage/embedded/engine.ts';
import { realFileSystem } from '../../src/storage/embedded/file-system.ts';
import { openEngine } from '../../src/storage/embedded/recovery.ts';

const MINUTE = 60_000_000_000n;
const NOW = (BigInt(Date.now()) * 1_000_000n) / MINUTE;
const START = (NOW - 600n) * MINUTE;
const RANGE = { startNano: START, endNano: START + 600n * MINUTE };
const BATCHES = 40;
const BATCH = 100;
const OPTIONS: Omit<EngineOptions, 'retention'> = {
  flushSpans: 100,
  flushIntervalMs: 3_600_000,
  stitchRowGroups: 100,
  unflushedBytesMax: 1 << 24,
  walBytesMax: 1 << 24,
  dedupWindowMs: 600_000,
  dedupSpansMax: 1000,
  rollups: { maxAgeMs: Infinity, maxBytes: Infinity },
};

const KEPT_A_DAY: EngineOptions = {
  ...OPTIONS,
  retention: { maxAgeMs: 86_400_000, maxBytes: Infinity, maxTraces: Infinity },
};

async function countSpans(backend: StorageBackend, groupBy: AggregateQuery['groupBy']) {
  const found = await backend.reader.aggregate?.({
    tenant: 'default',
    range: RANGE,
    groupBy,
    groupsMax: 10,
  });
  const points = found?.series.flatMap((series) => series.points) ?? [];
  return { from: found?.from, count: points.reduce((sum, point) => sum + point.spans, 0) };
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

test('rates, durations and dependencies of removed spans stay, and count once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-rollups-'));
  const config = EmbeddedConfig.parse({
    directory,
    flush_spans: BATCH,
    stitch_row_groups: 4,
    retention: { max_bytes: '16KiB' },
  });
  const deps = { clock: systemClock, logger: silentLogger };
  let backend = await openEmbedded(config, deps);
  try {
    const service = [intrinsic('service')];
    for (let batch = 0; batch < BATCHES; batch++) {
      const plain = Array.from({ length: BATCH }, (_, i) => ({
        // The first span of each trace calls the nine others.
        traceId: hex(batch * BATCH + i - (i % 10) + 1, 32),
        spanId: hex((i % 10) + 1, 16),
        parentSpanId: i % 10 === 0 ? '' : hex(1, 16),
        service: `s${i % 10 === 0 ? 0 : 1 + (i % 2)}`,
        name: `batch ${batch}`,
        startNano: START + BigInt(batch * 15) * MINUTE + BigInt(i),
      }));
      await backend.writer.write(spans('default', plain));
      // In whatever state the files just are.
      const links = await backend.reader.getDependencies('default', RANGE);
      expect(links).toEqual([
        { parent: 's0', child: 's1', callCount: (batch + 1) * 40 },
        { parent: 's0', child: 's2', callCount: (batch + 1) * 50 },
      ]);
      expect(await countSpans(backend, service)).toEqual({
        from: 'rollups',
        count: (batch + 1) * BATCH,
      });
    }
    for (const isAgain of [false, true]) {
      if (isAgain) {
        await backend.close();
        backend = await openEmbedded(config, deps);
      }
      // Only the spans know their status: most of them are gone.
      const left = () => countSpans(backend, [intrinsic('status')]);
      expect((await left()).from).toBe('spans');
      const half = (BATCHES * BATCH) / 2;
      await expect.poll(async () => (await left()).count, { timeout: 30_000 }).toBeLessThan(half);
      const links = await backend.reader.getDependencies('default', RANGE);
      expect(links.map(({ callCount }) => callCount)).toEqual([40 * BATCHES, 50 * BATCHES]);
      expect((await countSpans(backend, service)).count).toBe(BATCHES * BATCH);
    }
  } finally {
    await backend.close();
    await rm(directory, { recursive: true });
  }
}, 120_000);

test('a deleted trace counts no more, in the head and in files', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-rollups-'));
  const config = EmbeddedConfig.parse({ directory, flush_spans: 20, stitch_row_groups: 3 });
  const backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger });
  try {
    // Ten traces, their spans in every file.
    for (let part = 0; part < 7; part++) {
      const plain = Array.from({ length: 10 }, (_, i) => ({
        traceId: hex(i + 1, 32),
        spanId: hex(part + 1, 16),
        service: 's',
        startNano: START,
      }));
      await backend.writer.write(spans('default', plain));
    }
    const service = [intrinsic('service')];
    expect(await countSpans(backend, service)).toEqual({ from: 'rollups', count: 70 });
    await backend.maintenance?.deleteTraces('default', { traceIds: [hex(1, 32), hex(2, 32)] });
    expect(await countSpans(backend, service)).toEqual({ from: 'rollups', count: 56 });
  } finally {
    await backend.close();
    await rm(directory, { recursive: true });
  }
}, 60_000);

test('flushes never get a number again that a day has counted, though all files are gone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-rollups-'));
  const clock = new ManualClock(Date.now());
  const deps = { files: realFileSystem, clock, logger: silentLogger, random: Math.random };
  let opened = await openEngine(join(directory, 'store'), KEPT_A_DAY, deps);
  const store = () => opened.engine.openTenant('default');
  const writeAndFlush = async () => {
    await opened.engine.write(spans('default', [{ startNano: START }]));
    await store().flushAll();
  };
  /** Without an orderly end, as a crash would leave it. */
  const crash = async (name: string) => {
    const copy = join(directory, name);
    await cp(opened.directory.root, copy, { recursive: true });
    await rm(join(copy, 'LOCK'));
    await opened.engine.close();
    opened = await openEngine(copy, KEPT_A_DAY, deps);
  };
  try {
    for (let flush = 0; flush < 3; flush++) await writeAndFlush();
    await opened.wal.rotate();
    await opened.engine.releaseLog();
    clock.advance(2 * 86_400_000);
    await store().retiring.settled();
    await store().files.settled();
    expect(store().files.all).toEqual([]);
    await crash('first');
    await writeAndFlush();
    expect(store().files.all.map(({ from }) => from)).toEqual([4]);
    // A file that a day has counted is one that retention has begun to remove.
    await crash('second');
    await store().retiring.settled();
    expect(store().files.all.map(({ rows }) => rows)).toEqual([1]);
  } finally {
    await opened.engine.close();
    await rm(directory, { recursive: true });
  }
}, 60_000);

test('what retention has removed does not come back from the log', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-rollups-'));
  const clock = new ManualClock(Date.now());
  const deps = { files: realFileSystem, clock, logger: silentLogger, random: Math.random };
  const opened = await openEngine(directory, KEPT_A_DAY, deps);
  const copy = `${directory}-crash`;
  try {
    const store = await opened.engine.prepareTenant('default');
    for (let flush = 0; flush < 3; flush++) {
      await opened.engine.write(spans('default', [{ startNano: START }]));
      await store.flushAll();
    }
    clock.advance(2 * 86_400_000);
    await store.retiring.settled();
    await store.files.settled();
    await cp(directory, copy, { recursive: true });
    await rm(join(copy, 'LOCK'));
    const again = await openEngine(copy, KEPT_A_DAY, deps);
    expect(await readdir(join(copy, 'wal'))).toEqual(['1.wal']);
    expect(again.engine.tenant('default')?.headBytes).toBe(0);
    await again.engine.close();
  } finally {
    await opened.engine.close();
    await rm(directory, { recursive: true });
    await rm(copy, { recursive: true, force: true });
  }
}, 60_000);
