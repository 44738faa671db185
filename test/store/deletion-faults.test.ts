/** Every call that a deletion makes to the disk may be the last one before a crash, or fail. */

import { cpSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endShared, withSharedQueries, withSharedReader } from './faults/shared-processes.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { storedSpans, texts } from '../../src/storage/conformance/plain-spans.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { FailingFileSystem } from '../../src/storage/embedded/failing-file-system.fixture.ts';
import { realFileSystem } from '../../src/storage/embedded/file-system.ts';
import { filesWith, formsOf } from './byte-scan.ts';
import { encoderHere } from './faults/encoder-here.ts';
import { type MadeTrace, madeTraces, traceBatch } from './deleted-traces.ts';

vi.mock(import('../../src/storage/embedded/read/file-reader.ts'), async (original) =>
  withSharedReader(await original()),
);
vi.mock(import('../../src/storage/embedded/query/query-process.ts'), async (original) =>
  withSharedQueries(await original()),
);
afterAll(endShared);

const TIMEOUT = 240_000;

let root: string;
let files: FailingFileSystem;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-deletion-faults-'));
  files = new FailingFileSystem(realFileSystem);
});
afterEach(() => rm(root, { recursive: true }));

const open = (directory: string, seam = files) =>
  openEmbedded(EmbeddedConfig.parse({ directory, flush_spans: 30, stitch_row_groups: 64 }), {
    clock: systemClock,
    logger: silentLogger,
    files: seam,
    startWorker: encoderHere(realFileSystem),
  });

async function write({ writer }: StorageBackend, traces: readonly MadeTrace[]): Promise<void> {
  for (const trace of traces) await writer.write(traceBatch(trace));
}

const idsOf = (traces: readonly MadeTrace[]) => traces.map(({ traceId }) => traceId);

/** How many of the traces are there, each whole and as it was sent. */
async function countWhole({ reader }: StorageBackend, traces: readonly MadeTrace[]) {
  let whole = 0;
  for (const trace of traces) {
    const batch = await reader.getTrace('default', { traceId: trace.traceId });
    if (batch === undefined) continue;
    expect(texts(storedSpans(batch))).toEqual(texts(storedSpans(traceBatch(trace))));
    whole++;
  }
  return whole;
}

async function expectErased(directory: string, gone: readonly MadeTrace[]): Promise<void> {
  const tombstones = join(directory, 'tenants', 't-default', 'tombstones');
  await expect.poll(() => readdir(tombstones).catch(() => []), { timeout: 60_000 }).toEqual([]);
  const needles = gone.flatMap(({ traceId, spanIds }) => [traceId, ...spanIds].flatMap(formsOf));
  expect(await filesWith(directory, needles)).toEqual(new Map());
}

test(
  'a crash before any call to the disk brings nothing back and takes nothing else',
  async () => {
    const directory = join(root, 'store');
    const backend = await open(directory);
    const traces = madeTraces(20);
    await write(backend, traces);
    const gone = [traces[2]!, traces[9]!, traces[19]!];
    const kept = traces.filter((trace) => !gone.includes(trace));
    const crashes: { copy: string; call: string; isHidden: boolean }[] = [];
    let isHidden = false;
    files.onCall = (call) => {
      const copy = join(root, `crash-${crashes.length}`);
      cpSync(directory, copy, { recursive: true });
      crashes.push({ copy, call, isHidden });
    };
    await backend.maintenance!.deleteTraces(
      'default',
      { traceIds: idsOf(gone) },
      { onProgress: ({ stage }) => (isHidden ||= stage === 'hidden') },
    );
    files.onCall = () => {};
    await backend.close();
    expect(crashes.filter((crash) => crash.isHidden).length).toBeGreaterThan(5);
    for (const crash of crashes) {
      await rm(join(crash.copy, 'LOCK'), { force: true });
      const recovered = await open(crash.copy);
      const told = `${crash.copy}, before ${crash.call}`;
      expect(recovered.health().problems, told).toEqual([]);
      expect(await countWhole(recovered, kept), told).toBe(kept.length);
      const left = await countWhole(recovered, gone);
      if (crash.isHidden) expect(left, told).toBe(0);
      else expect([0, gone.length], told).toContain(left);
      if (left === 0) await expectErased(crash.copy, gone);
      expect(await countWhole(recovered, kept), told).toBe(kept.length);
      await recovered.close();
    }
  },
  TIMEOUT,
);

test(
  'whichever call fails, traces are all there or all gone, and a second attempt erases them',
  async () => {
    for (const call of [
      'open',
      'writev',
      'datasync',
      'rename',
      'unlink',
      'syncDirectory',
    ] as const) {
      for (let after = 0; after < 2; after++) {
        const directory = join(root, `${call}-${after}`);
        await mkdir(directory);
        const seam = new FailingFileSystem(realFileSystem);
        const backend = await open(directory, seam);
        const traces = madeTraces(14);
        await write(backend, traces);
        const gone = [traces[1]!, traces[13]!];
        const kept = traces.filter((trace) => !gone.includes(trace));
        seam.failNext(call, 'EIO', after);
        const told = `${call} ${after}`;
        const which = { traceIds: idsOf(gone) };
        const outcome = await backend.maintenance!.deleteTraces('default', which).then(
          () => 'done' as const,
          (error: unknown) => {
            expect(error, told).toMatchObject({ code: 'unavailable', retryable: true });
            return 'failed' as const;
          },
        );
        const left = await countWhole(backend, gone);
        expect(outcome === 'done' ? [0] : [0, gone.length], told).toContain(left);
        expect(await countWhole(backend, kept), told).toBe(kept.length);
        await backend.maintenance!.deleteTraces('default', which);
        await backend.close();
        const reopened = await open(directory, new FailingFileSystem(realFileSystem));
        await expectErased(directory, gone);
        expect(await countWhole(reopened, gone), told).toBe(0);
        expect(await countWhole(reopened, kept), told).toBe(kept.length);
        await reopened.close();
      }
    }
  },
  TIMEOUT,
);
