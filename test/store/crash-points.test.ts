/** Every call to the disk may be the last one before the power goes, or fail: whichever it is, what
 *  was acknowledged is there whole, once, by id, by search and in counts; what was deleted stays away;
 *  and nothing is left lying about. A sample of the calls, drawn by SPOOR_FAULT_SEED; all of them with
 *  SPOOR_FAULTS=all, some of them with SPOOR_FAULTS=100-140. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Chance } from '../../src/storage/conformance/random-spans.ts';
import { endShared, withSharedQueries, withSharedReader } from './faults/shared-processes.ts';
import { type Fault, JournalDisk } from './faults/journal-disk.ts';
import {
  batchOf,
  expectedAt,
  Ledger,
  live,
  type OpenStore,
  openStore,
  partsById,
  isErased,
  settle,
  SPANS,
  spansByCount,
  spansBySearch,
  traceIdOf,
} from './faults/workload.ts';

vi.mock(import('../../src/storage/embedded/read/file-reader.ts'), async (original) =>
  withSharedReader(await original()),
);
vi.mock(import('../../src/storage/embedded/query/query-process.ts'), async (original) =>
  withSharedQueries(await original()),
);

const SEED = Number(process.env['SPOOR_FAULT_SEED'] ?? Math.floor(Date.now() / 1000));
const IS_LONG = process.env['SPOOR_FAULTS'] === 'all';
const CRASHES = 100;
const FAILURES = 35;
const SYNC_FAILURES = 6;
const HOURS_MS = 3_600_000;

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-crash-points-'));
});
afterAll(async () => {
  await endShared();
  rmSync(root, { recursive: true });
});

/** Some of the numbers below `count`, from all over them; or all. */
function sample(count: number, size: number, chance: Chance): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (IS_LONG) return all;
  const [, first, last] = /^(\d+)-(\d+)$/.exec(process.env['SPOOR_FAULTS'] ?? '') ?? [];
  if (last !== undefined) return all.slice(Number(first), Number(last) + 1);
  const share = count / size;
  return Array.from({ length: size }, (_, i) => Math.floor((i + chance.next()) * share));
}

interface Moment {
  readonly at: number;
  /** Counts of spans that retention took waited in memory, since the disk did not take them: they are
   *  let go rather than that retention stops. */
  readonly mayForget?: boolean;
}

/** All that was promised by call `at` is kept by the store. */
async function expectPromises(
  store: OpenStore,
  ledger: Ledger,
  { at, mayForget = false }: Moment,
): Promise<void> {
  const bySearch = await spansBySearch(store);
  const byCount = isErased(store) ? await spansByCount(store) : undefined;
  for (const { number, must, may, isOld } of expectedAt(ledger, at)) {
    const told = `trace ${number}`;
    const parts = await partsById(store, number);
    expect(may, told).toEqual(expect.arrayContaining(parts));
    if (!isOld) expect(parts, told).toEqual(expect.arrayContaining([...must]));
    expect(bySearch.get(traceIdOf(number)) ?? 0, `${told}, search`).toBe(parts.length * SPANS);
    if (byCount === undefined) continue;
    // Counts outlive their spans.
    const count = byCount.get(`service ${number}`) ?? 0;
    if (isOld) {
      if (!mayForget) {
        expect(count, `${told}, count`).toBeGreaterThanOrEqual(must.length * SPANS);
      }
      expect(count, `${told}, count`).toBeLessThanOrEqual(may.length * SPANS);
    } else expect(count, `${told}, count`).toBe(parts.length * SPANS);
  }
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const LEGAL =
  /^(format\.json|LOCK|wal\/\d+\.wal|tenants\/t-[a-z]+\/(catalogue\.json|seg\/\d+-\d+(\.\d+)?\.(parquet|idx)|fresh\/\d+\.(parquet|idx)|red\/\d{4}-\d\d-\d\d\.red))$/;

function leftovers(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((name) => !LEGAL.test(name));
}

/** Opens what a crash has left, and holds it against the ledger. */
async function expectRecovered(directory: string, ledger: Ledger, moment: Moment): Promise<void> {
  const { at } = moment;
  rmSync(join(directory, 'LOCK'), { force: true });
  const movedMs = ledger.movedMsAt(at);
  const store = await openStore(directory, { movedMs });
  try {
    await settle(store);
    await expectPromises(store, ledger, moment);
    await expect.poll(() => isErased(store), { timeout: 30_000 }).toBe(true);
    await expectPromises(store, ledger, moment);
    expect(store.backend.health()).toMatchObject({ ok: true, problems: [] });
    // Sent again by a client that got no answer, or that got one: once.
    const recent = expectedAt(ledger, at).filter((one) => one.must.includes(0) && !one.isOld);
    for (const { number } of recent.slice(-3)) await store.backend.writer.write(batchOf(number));
    await expectPromises(store, ledger, moment);
    await expect.poll(() => leftovers(directory), { timeout: 30_000 }).toEqual([]);
  } finally {
    await store.backend.close();
  }
}

test(
  `the power may go at any call, SPOOR_FAULT_SEED=${SEED}`,
  async () => {
    const directory = join(root, 'lived');
    const disk = new JournalDisk(directory);
    const ledger = new Ledger(() => disk.length);
    const lived = await openStore(directory, { files: disk });
    await live(lived, ledger);
    await expectPromises(lived, ledger, { at: disk.length });
    const calls = disk.length;
    await lived.backend.close();
    const chance = new Chance(SEED);
    const points = sample(calls, CRASHES, chance);
    const broken: string[] = [];
    for (const at of points) {
      const image = join(root, `crash-${at}`);
      disk.leave(image, at, new Chance(SEED + at));
      try {
        await expectRecovered(image, ledger, { at });
      } catch (cause) {
        broken.push(`call ${at} of ${calls}, before ${disk.told(at)}: ${told(cause)}`);
      }
      rmSync(image, { recursive: true });
    }
    console.info(`${points.length} of ${calls} crash points`);
    expect(broken).toEqual([]);
  },
  IS_LONG ? HOURS_MS : 300_000,
);

test(
  `any call may fail, and the power go later, SPOOR_FAULT_SEED=${SEED}`,
  async () => {
    const chance = new Chance(SEED + 1);
    const tried = join(root, 'tried');
    const whole = new JournalDisk(tried);
    const first = await openStore(tried, { files: whole });
    const begin = whole.length;
    await live(first, new Ledger(() => whole.length));
    const calls = whole.length - begin;
    await first.backend.close();
    const syncs = Array.from({ length: calls }, (_, i) => i).filter((i) =>
      whole.told(begin + i).startsWith('datasync wal'),
    );
    const points = new Set(sample(calls, FAILURES, chance));
    // Few, and what they would lose is what was promised.
    for (const i of sample(syncs.length, SYNC_FAILURES, chance)) points.add(syncs[i] ?? 0);
    const broken: string[] = [];
    for (const point of points) {
      const kind = chance.of<Fault>(['before', 'after', 'torn']);
      const directory = join(root, `failed-${point}`);
      const disk = new JournalDisk(directory);
      const ledger = new Ledger(() => disk.length);
      const store = await openStore(directory, { files: disk });
      disk.failAt(disk.length + point, kind);
      try {
        await live(store, ledger);
        await settle(store);
        await expectPromises(store, ledger, { at: disk.length });
        const image = join(root, `failed-${point}-crash`);
        const at = disk.length;
        disk.leave(image, at, new Chance(SEED + point));
        const mayForget = store.told.includes('a rollup cannot be written');
        await expectRecovered(image, ledger, { at, mayForget });
        rmSync(image, { recursive: true });
      } catch (cause) {
        const failed = disk.failed ?? 'no call';
        broken.push(`call ${point} of ${calls}, ${failed}: ${told(cause)}`);
      } finally {
        await store.backend.close();
      }
      rmSync(directory, { recursive: true });
    }
    console.info(`${points.size} of ${calls} calls made to fail`);
    expect(broken).toEqual([]);
  },
  IS_LONG ? HOURS_MS : 300_000,
);
