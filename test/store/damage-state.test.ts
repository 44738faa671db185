/** One bit flipped in the small files of a store, at places from all over each: tombstones, day files,
 *  catalogue, format, lock, indexes in use and indexes kept for resends. Whatever it is, an answer is
 *  whole, or says that it is not; what is wrong is logged once, counted, and shown by health with the
 *  file's name. SPOOR_FLIPS sets how many bits of each file, `all` every one.
 *
 *  damage.test.ts does the same by lot to all files, with more kinds of harm. */

import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Chance } from '../../src/storage/conformance/random-spans.ts';
import { StorageError } from '../../src/storage/contract.ts';
import { endShared, withSharedQueries, withSharedReader } from './faults/shared-processes.ts';
import {
  batchOf,
  isErased,
  openStore,
  type OpenStore,
  RANGE,
  settle,
  SPANS,
  spansInTrace,
  TENANT,
  traceIdOf,
} from './faults/workload.ts';
import { intrinsic } from '../../src/filter/ast.ts';

vi.mock(import('../../src/storage/embedded/read/file-reader.ts'), async (original) =>
  withSharedReader(await original()),
);
vi.mock(import('../../src/storage/embedded/query/query-process.ts'), async (original) =>
  withSharedQueries(await original()),
);

const SEED = Number(process.env['SPOOR_FAULT_SEED'] ?? Math.floor(Date.now() / 1000));
const FLIPS = process.env['SPOOR_FLIPS'] ?? '8';
/** Of a kind. */
const FILES_MAX = FLIPS === 'all' ? Infinity : 3;
const FIRST_BITS = 128;
const HOUR_MS = 3_600_000;
const MOVED_MS = 30 * HOUR_MS;

/** Retention has taken these, and they are in day files. */
const OLD = [0, 1];
const KEPT = [2, 3, 4, 5, 6];
const DELETED = [7, 8];
/** Of attributes, as workload.ts gives them to spans. */
const KEYS = ['number', 'word', 'service.name'];

let root: string;
let whole: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'spoor-damage-state-'));
  whole = join(root, 'whole');
  const lived = join(root, 'lived');
  const store = await openStore(lived);
  const write = async (...numbers: number[]) => {
    for (const number of numbers) await store.backend.writer.write(batchOf(number));
    await store.engine.tenant(TENANT)?.flush();
    await settle(store);
  };
  await write(...OLD);
  store.clock.movedMs += MOVED_MS;
  await write(2);
  await write(3);
  await write(7);
  store.engine.applyRetention();
  await settle(store);
  await write(4, 8);
  await store.backend.writer.write(batchOf(5));
  await store.backend.writer.write(batchOf(6));
  // As a crash would leave it: deleted, and not yet erased.
  await store.backend.maintenance!.deleteTraces(
    TENANT,
    { traceIds: DELETED.map(traceIdOf) },
    {
      onProgress: ({ stage }) => {
        if (stage === 'hidden') cpSync(lived, whole, { recursive: true });
      },
    },
  );
  await store.backend.close();
  // Of this process when it was another one.
  const lock = JSON.parse(readFileSync(join(whole, 'LOCK'), 'utf8'));
  writeFileSync(join(whole, 'LOCK'), JSON.stringify({ ...lock, started: 'long ago' }));
}, 60_000);
afterAll(async () => {
  await endShared();
  rmSync(root, { recursive: true });
});

const filesOf = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));

const KINDS: readonly (readonly [string, (name: string, all: readonly string[]) => boolean])[] = [
  ['tombstone', (name) => name.endsWith('.tomb')],
  ['day', (name) => name.endsWith('.red')],
  ['catalogue', (name) => name.endsWith('catalogue.json')],
  ['format', (name) => name === 'format.json'],
  ['lock', (name) => name === 'LOCK'],
  ['index', (name, all) => isIndex(name) && all.includes(name.replace('.idx', '.parquet'))],
  ['spent index', (name, all) => isIndex(name) && !all.includes(name.replace('.idx', '.parquet'))],
];
const isIndex = (name: string) => /seg.*\.idx$/.test(name);

/** A quarter of them where magic, version and lengths stand. */
function placesIn(bits: number, kind: string, chance: Chance): number[] {
  if (FLIPS === 'all') return Array.from({ length: bits }, (_, bit) => bit);
  // Of a day's text few bits make another number of it.
  const flips = Number(FLIPS) * (kind === 'day' ? 6 : 1);
  const spread = (count: number, from: number, to: number) =>
    Array.from({ length: count }, (_, i) =>
      Math.floor(from + ((i + chance.next()) * (to - from)) / count),
    );
  const first = Math.ceil(flips / 4);
  return [...spread(first, 0, FIRST_BITS), ...spread(flips - first, FIRST_BITS, bits)];
}

interface Answers {
  /** Traces that should be there whole, and are not. */
  readonly missing: readonly string[];
  /** Traces that were deleted, and are there. */
  readonly risen: readonly string[];
  /** What the answers themselves said. */
  readonly warnings: readonly string[];
}

/** Throws when something is there that was never sent. */
async function ask(store: OpenStore): Promise<Answers> {
  const { reader } = store.backend;
  const missing: string[] = [];
  const risen: string[] = [];
  const warnings: string[] = [];
  const page = await reader.findTraces({ tenant: TENANT, range: RANGE, limit: 100 });
  const counts = await reader.aggregate!({
    tenant: TENANT,
    range: RANGE,
    groupBy: [intrinsic('service')],
    groupsMax: 100,
  });
  warnings.push(...page.warnings, ...counts.warnings);
  for (const number of [...OLD, ...KEPT, ...DELETED]) {
    const found = page.traces.find(({ traceId }) => traceId === traceIdOf(number));
    const series = counts.series.find(({ group }) => group[0] === `service ${number}`);
    const counted = series?.points.reduce((sum, { spans }) => sum + spans, 0) ?? 0;
    const said = {
      id: await spansInTrace(store, number),
      search: found?.spanCount ?? 0,
      count: counted,
    };
    const isKept = KEPT.includes(number);
    const there = isKept ? SPANS : 0;
    const wanted = { id: there, search: there, count: OLD.includes(number) ? SPANS : there };
    for (const by of ['id', 'search', 'count'] as const) {
      if (said[by] > SPANS) throw new Error(`trace ${number} has ${said[by]} spans by ${by}`);
      if (said[by] < wanted[by]) missing.push(`${number} by ${by}`);
      else if (said[by] > wanted[by]) risen.push(`${number} by ${by}`);
    }
  }
  return { missing, risen, warnings };
}

async function expectSaid(store: OpenStore, kind: string, name: string): Promise<void> {
  const { missing, risen, warnings } = await ask(store);
  const health = store.backend.health();
  const told = JSON.stringify({ missing, risen, warnings, health, told: store.told });
  const isWrong = missing.length > 0 || risen.length > 0;
  if (isWrong) {
    expect(warnings.join(), told).toContain(name);
    expect(health.problems.join(), told).toContain(name);
  }
  if (kind !== 'tombstone') expect(risen, told).toEqual([]);
  if (kind !== 'day') expect(missing, told).toEqual([]);
  const services = await store.backend.reader.getServices(TENANT);
  const known = [...OLD, ...KEPT, ...DELETED].map((number) => `service ${number}`);
  expect(known, told).toEqual(expect.arrayContaining([...services]));
  if (kind !== 'catalogue') expect(services, told).toEqual(known);
  if (services.length < known.length) expect(health.problems.join(), told).toContain(name);
  const keys = await store.backend.reader.getAttributeKeys(TENANT);
  expect(KEYS, told).toEqual(expect.arrayContaining(keys.map(({ key }) => key)));
  const isLogged = store.told.length > 0;
  expect((health.counts?.damaged ?? 0) > 0, told).toBe(isLogged);
  expect(new Set(store.told).size, `told more than once: ${told}`).toBe(store.told.length);
  expect(health.ok, told).toBe(true);
}

/** A lock was left by a process that is gone; who judges it by its age finds it old. */
function age(directory: string): void {
  utimesSync(join(directory, 'LOCK'), 0, 0);
}

for (const [kind, isOfKind] of KINDS) {
  test(
    `a flipped bit, ${kind}, SPOOR_FAULT_SEED=${SEED}`,
    async () => {
      const chance = new Chance(SEED);
      const all = filesOf(whole);
      const names = all.filter((name) => isOfKind(name, all)).slice(0, FILES_MAX);
      expect(names.length, all.join()).toBeGreaterThan(0);
      const broken: string[] = [];
      for (const name of names) {
        const bytes = readFileSync(join(whole, name));
        for (const bit of placesIn(bytes.length * 8, kind, chance)) {
          const copy = join(root, `${kind}-${names.indexOf(name)}-${bit}`);
          cpSync(whole, copy, { recursive: true });
          const flipped = Buffer.from(bytes);
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          writeFileSync(join(copy, name), flipped);
          age(copy);
          let store: OpenStore | undefined;
          try {
            const opened = await openStore(copy, { movedMs: MOVED_MS });
            store = opened;
            await settle(opened);
            await expect.poll(() => isErased(opened), { timeout: 30_000 }).toBe(true);
            await expectSaid(opened, kind, name);
          } catch (error) {
            const isRefused =
              kind === 'format' &&
              error instanceof StorageError &&
              error.code === 'unusable' &&
              error.message.includes(join(copy, name));
            if (!isRefused)
              broken.push(`${name}, byte ${bit >> 3}, bit ${bit & 7}: ${String(error)}`);
          } finally {
            await store?.backend.close();
          }
          rmSync(copy, { recursive: true });
        }
      }
      expect(broken).toEqual([]);
    },
    FLIPS === 'all' ? HOUR_MS : 120_000,
  );
}
