/** What is deleted is gone: from every answer at once, from every byte of the directory when the call
 *  returns, and for good, wherever a crash comes. What is not deleted stays as it was. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { DEFAULT_TENANT } from '../../src/model/batch/span-batch.ts';
import { storedSpans, texts } from '../../src/storage/conformance/plain-spans.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { type FileSystem, realFileSystem } from '../../src/storage/embedded/file-system.ts';
import { filesWith, formsOf } from './byte-scan.ts';
import { DELETION_RANGE, type MadeTrace, madeTraces, traceBatch } from './deleted-traces.ts';

const TIMEOUT = 120_000;
const tenant = DEFAULT_TENANT;

let directory: string;
let backend: StorageBackend;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-deletion-'));
  backend = await open();
});

afterEach(async () => {
  await backend.close();
  await rm(directory, { recursive: true });
});

const open = (settings: object = {}) =>
  openEmbedded(
    EmbeddedConfig.parse({ directory, flush_spans: 100, stitch_row_groups: 3, ...settings }),
    { clock: systemClock, logger: silentLogger },
  );

async function write(traces: readonly MadeTrace[]): Promise<void> {
  for (const trace of traces) await backend.writer.write(traceBatch(trace));
}

const deleteTraces = (
  ...args: Parameters<NonNullable<typeof backend.maintenance>['deleteTraces']>
) => backend.maintenance!.deleteTraces(...args);

async function stored({ traceId }: MadeTrace): Promise<string[]> {
  return texts(storedSpans(await backend.reader.getTrace(tenant, { traceId })));
}

const expected = (trace: MadeTrace) => texts(storedSpans(traceBatch(trace)));

async function foundIds(): Promise<string[]> {
  const query = { tenant, range: DELETION_RANGE, limit: 10_000 };
  const page = await backend.reader.findTraces(query);
  expect(page.warnings).toEqual([]);
  return page.traces.map(({ traceId }) => traceId).toSorted();
}

const idsOf = (traces: readonly MadeTrace[]) => traces.map(({ traceId }) => traceId).toSorted();

async function callCount(): Promise<number> {
  const links = await backend.reader.getDependencies(tenant, DELETION_RANGE);
  return links.reduce((sum, link) => sum + link.callCount, 0);
}

/** Rows lie in segments, in flushes and in the head. */
async function fill(count: number): Promise<MadeTrace[]> {
  const traces = madeTraces(count);
  await write(traces);
  const segments = join(directory, 'tenants', 't-default', 'seg');
  await expect
    .poll(async () => (await readdir(segments)).some((name) => /^1-3\.parquet$/.test(name)), {
      timeout: TIMEOUT,
    })
    .toBe(true);
  return traces;
}

function needlesOf(traces: readonly MadeTrace[]): Uint8Array[] {
  return traces.flatMap(({ traceId, spanIds, secret }) => [
    ...formsOf(traceId),
    ...spanIds.flatMap(formsOf),
    Buffer.from(secret),
  ]);
}

test(
  'deleted traces are in no answer at once, and afterwards in no byte of any file',
  async () => {
    const traces = await fill(150);
    const gone = traces.filter((_, i) => i % 10 === 3 || i > 147);
    const kept = traces.filter((trace) => !gone.includes(trace));
    await backend.reader.findTraces({ tenant, range: DELETION_RANGE, limit: 1 });
    const calls = await callCount();
    for (const trace of gone) {
      const raw = await filesWith(directory, needlesOf([trace]));
      expect(raw.size, 'the scan finds what is there').toBeGreaterThan(0);
    }
    const whileHidden: Promise<void>[] = [];
    const counts = await deleteTraces(
      tenant,
      { traceIds: [...idsOf(gone), 'ffffffffffffffffffffffffffffffff'] },
      {
        onProgress: ({ stage }) => {
          if (stage !== 'hidden') return;
          const look = async () => {
            expect(await stored(gone[0]!)).toEqual([]);
            expect(await foundIds()).toEqual(idsOf(kept));
            expect(await callCount()).toBe(calls - gone.length * 4);
          };
          whileHidden.push(look());
        },
      },
    );
    await Promise.all(whileHidden);
    expect(whileHidden).toHaveLength(1);
    expect(counts).toEqual({ traces: gone.length, spans: gone.length * 5 });
    expect(await filesWith(directory, needlesOf(gone))).toEqual(new Map());
    expect(await readdir(join(directory, 'tenants', 't-default', 'tombstones'))).toEqual([]);
    for (const trace of kept) expect(await stored(trace)).toEqual(expected(trace));
    expect(await foundIds()).toEqual(idsOf(kept));

    await backend.close();
    expect(await filesWith(directory, needlesOf(gone))).toEqual(new Map());
    backend = await open();
    expect(await foundIds()).toEqual(idsOf(kept));
    for (const trace of kept) expect(await stored(trace)).toEqual(expected(trace));
    expect(await callCount()).toBe(calls - gone.length * 4);
  },
  TIMEOUT,
);

test(
  'everything that matches is deleted, as whole traces',
  async () => {
    const traces = await fill(120);
    const filter = {
      op: 'looseEquals' as const,
      key: 'customer',
      text: '7',
    };
    const gone = traces.filter(({ number }) => number % 20 === 7);
    await deleteTraces(tenant, { range: DELETION_RANGE, filter });
    expect(await foundIds()).toEqual(idsOf(traces.filter((trace) => !gone.includes(trace))));
    expect(await filesWith(directory, needlesOf(gone))).toEqual(new Map());
    expect(await deleteTraces(tenant, { range: DELETION_RANGE, filter })).toEqual({
      traces: 0,
      spans: 0,
    });
  },
  TIMEOUT,
);

test(
  'spans of a deleted trace that are sent later are stored again, also the very same ones',
  async () => {
    const traces = await fill(60);
    const [inFile, , inHead] = [traces[0]!, traces[1]!, traces.at(-1)!];
    await deleteTraces(tenant, { traceIds: idsOf([inFile, inHead]) });
    await write([inFile, inHead, traces[1]!]);
    for (const trace of [inFile, inHead, traces[1]!]) {
      expect(await stored(trace)).toEqual(expected(trace));
    }
    await backend.close();
    backend = await open();
    await write([inFile]);
    for (const trace of traces) expect(await stored(trace)).toEqual(expected(trace));
  },
  TIMEOUT,
);

test(
  'a store of which everything is deleted takes spans as before',
  async () => {
    const traces = await fill(80);
    await deleteTraces(tenant, { traceIds: idsOf(traces) });
    expect(await foundIds()).toEqual([]);
    const segments = join(directory, 'tenants', 't-default', 'seg');
    expect(await readdir(segments)).toEqual([]);
    await backend.close();
    backend = await open();
    const more = madeTraces(30, 500);
    await write([...more, traces[3]!]);
    await backend.close();
    backend = await open();
    expect(await foundIds()).toEqual(idsOf([...more, traces[3]!]));
  },
  TIMEOUT,
);

test('ids that are none are refused', async () => {
  await expect(deleteTraces(tenant, { traceIds: ['xyz'] })).rejects.toMatchObject({
    code: 'invalid',
  });
});

test(
  'deleting under writes loses nothing that was not deleted',
  async () => {
    const first = await fill(60);
    let number = 1000;
    const later: MadeTrace[] = [];
    const over = new AbortController();
    const writer = (async () => {
      while (!over.signal.aborted) {
        const some = madeTraces(5, number);
        number += 5;
        await write(some);
        later.push(...some);
      }
    })();
    for (let i = 0; i < 4; i++) {
      await deleteTraces(tenant, { traceIds: idsOf(first.slice(i * 10, i * 10 + 10)) });
    }
    over.abort();
    await writer;
    const kept = [...first.slice(40), ...later];
    expect(await foundIds()).toEqual(idsOf(kept));
    expect(await filesWith(directory, needlesOf(first.slice(0, 40)))).toEqual(new Map());
    await backend.close();
    backend = await open();
    expect(await foundIds()).toEqual(idsOf(kept));
    for (const trace of kept) expect(await stored(trace)).toEqual(expected(trace));
  },
  TIMEOUT,
);

test(
  'a deleted trace that comes again is stored, however long ago it had come',
  async () => {
    await backend.close();
    const clock = new ManualClock(Date.now());
    const config = EmbeddedConfig.parse({ directory, dedup: { window: '1m' } });
    backend = await openEmbedded(config, { clock, logger: silentLogger });
    const [trace] = madeTraces(1);
    await write([trace!]);
    clock.advance(10 * 60_000);
    const segments = join(directory, 'tenants', 't-default', 'seg');
    await expect
      .poll(() => readdir(segments), { timeout: TIMEOUT })
      .toContainEqual(expect.stringMatching(/parquet$/));
    expect(await deleteTraces(tenant, { traceIds: [trace!.traceId] })).toMatchObject({ traces: 1 });
    expect(await backend.maintenance!.importTraces(traceBatch(trace!))).toMatchObject({ known: 0 });
    expect(await stored(trace!)).toEqual(expected(trace!));
  },
  TIMEOUT,
);

test(
  'a tombstone goes when it is durable that what it hides has gone',
  async () => {
    await backend.close();
    const calls: string[] = [];
    const files: FileSystem = {
      ...realFileSystem,
      unlink: (path) => {
        calls.push(`unlink ${relative(directory, path)}`);
        return realFileSystem.unlink(path);
      },
      syncDirectory: (path) => {
        calls.push(`sync ${relative(directory, path)}`);
        return realFileSystem.syncDirectory(path);
      },
    };
    const config = EmbeddedConfig.parse({ directory });
    backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger, files });
    const [trace] = madeTraces(1);
    await write([trace!]);
    await deleteTraces(tenant, { traceIds: [trace!.traceId] });
    const gone = calls.findIndex((call) => /unlink .*tomb$/.test(call));
    for (const folder of ['wal', 'tenants/t-default/seg']) {
      const before = calls.slice(0, gone);
      const last = before.findLastIndex((call) => call.startsWith(`unlink ${folder}`));
      expect(before.lastIndexOf(`sync ${folder}`), folder).toBeGreaterThan(last);
    }
  },
  TIMEOUT,
);
