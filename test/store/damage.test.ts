/** Bytes that a disk has changed, in every kind of file of a store that is opened and asked: what is
 *  found is as it was sent, what is missing is said, and the store says what is wrong. One flipped
 *  bit, a run of zeros, a file cut short. SPOOR_DAMAGES sets how many of each, SPOOR_DAMAGE_KIND of
 *  which kind of file. */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { endShared, withSharedQueries, withSharedReader } from './faults/shared-processes.ts';
import { Chance } from '../../src/storage/conformance/random-spans.ts';
import { JournalDisk } from './faults/journal-disk.ts';
import {
  expectedAt,
  isErased,
  Ledger,
  live,
  openStore,
  type OpenStore,
  settle,
  SPANS,
  spansInTrace,
  TENANT,
  RANGE,
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
const EACH = Number(process.env['SPOOR_DAMAGES'] ?? 2);

let root: string;
let whole: string;
let ledger: Ledger;
let at: number;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'spoor-damage-'));
  const lived = join(root, 'lived');
  whole = join(root, 'whole');
  const disk = new JournalDisk(lived);
  ledger = new Ledger(() => disk.length);
  const store = await openStore(lived, { files: disk });
  await live(store, ledger);
  await settle(store);
  at = disk.length;
  cpSync(lived, whole, { recursive: true });
  rmSync(join(whole, 'LOCK'));
  await store.backend.close();
}, 120_000);
afterAll(async () => {
  await endShared();
  rmSync(root, { recursive: true });
});

const KINDS = [
  ['log', /\.wal$/],
  ['parquet', /\.parquet$/],
  ['index', /\.idx$/],
  ['day', /\.red$/],
  ['catalogue', /catalogue\.json$/],
] as const;

const HARMS: readonly (readonly [string, (bytes: Buffer, chance: Chance) => Buffer])[] = [
  [
    'one bit flipped',
    (bytes, chance) => {
      bytes[chance.below(bytes.length)]! ^= 1 << chance.below(8);
      return bytes;
    },
  ],
  [
    'a run of zeros',
    (bytes, chance) => {
      const start = chance.below(bytes.length);
      return bytes.fill(0, start, Math.min(bytes.length, start + 1 + chance.below(600)));
    },
  ],
  ['cut short', (bytes, chance) => bytes.subarray(0, chance.below(bytes.length))],
];

/** What differs from what is whole: spans that are missing. Throws when something is there that is
 *  not as it was sent. */
async function missing(
  store: OpenStore,
): Promise<{ byId: number; bySearch: number; counted: number }> {
  const { reader } = store.backend;
  const lost = { byId: 0, bySearch: 0, counted: 0 };
  const page = await reader.findTraces({ tenant: TENANT, range: RANGE, limit: 100 });
  const counts = await reader.aggregate!({
    tenant: TENANT,
    range: RANGE,
    groupBy: [intrinsic('service')],
    groupsMax: 100,
  });
  const spans = await reader.aggregate!({
    tenant: TENANT,
    range: RANGE,
    groupBy: [intrinsic('status')],
    groupsMax: 100,
    value: intrinsic('durationNano'),
  });
  let all = 0;
  let nanos = 0;
  for (const { number, must, isOld } of expectedAt(ledger, at)) {
    const told = `trace ${number}`;
    const sent = must.length * SPANS;
    const there = isOld ? 0 : sent;
    all += there;
    // Durations of the four spans of a part, as workload.ts makes them.
    nanos += (there / SPANS) * (SPANS * (7_000_000 + number) - 6);
    const byId = await spansInTrace(store, number);
    const found = page.traces.find(({ traceId }) => traceId === traceIdOf(number));
    const { points = [] } =
      counts.series.find(({ group }) => group[0] === `service ${number}`) ?? {};
    const counted = points.reduce((sum, point) => sum + point.spans, 0);
    expect(byId, `${told} by id`).toBeLessThanOrEqual(there);
    expect(found?.spanCount ?? 0, `${told} by search`).toBeLessThanOrEqual(there);
    expect(counted, `${told} counted`).toBeLessThanOrEqual(sent);
    if (found !== undefined)
      expect(
        found.services.map(({ name }) => name),
        told,
      ).toEqual([`service ${number}`]);
    lost.byId += there - byId;
    lost.bySearch += there - (found?.spanCount ?? 0);
    lost.counted += sent - counted;
  }
  const status = new Map(
    spans.series.map(({ group, points }) => [
      String(group[0] ?? ''),
      points.reduce((sum, point) => sum + point.spans, 0),
    ]),
  );
  // Of four spans two are unset, one is ok and one is an error.
  for (const [name, share] of [
    ['unset', 2],
    ['ok', 1],
    ['error', 1],
  ] as const) {
    const count = status.get(name) ?? 0;
    expect(count, name).toBeLessThanOrEqual((all * share) / 4);
    if (spans.warnings.length === 0) lost.bySearch += (all * share) / 4 - count;
  }
  const measured = spans.series.flatMap(({ points }) => points.map(({ sum }) => sum));
  const total = measured.reduce((sum, one) => sum + one, 0);
  expect(total, 'durations').toBeLessThanOrEqual(nanos);
  if (spans.warnings.length === 0) expect(total, 'durations').toBe(nanos);
  if (page.warnings.length === 0) expect(lost.bySearch, 'missing and not said by a search').toBe(0);
  if (counts.warnings.length === 0) expect(lost.counted, 'missing and not said by a count').toBe(0);
  return lost;
}

const NOTHING = { byId: 0, bySearch: 0, counted: 0 };

test(
  `what was damaged is missing at most, and said, SPOOR_FAULT_SEED=${SEED}`,
  async () => {
    const chance = new Chance(SEED);
    const names = readdirSync(whole, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(whole, join(entry.parentPath, entry.name)));
    const broken: string[] = [];
    let copies = 0;
    const only = process.env['SPOOR_DAMAGE_KIND'];
    for (const [kind, pattern] of KINDS) {
      const some = names.filter((name) => pattern.test(name) && !name.includes('fresh'));
      expect(some.length, kind).toBeGreaterThan(0);
      if (only !== undefined && kind !== only) continue;
      for (const [harm, change] of HARMS) {
        for (let i = 0; i < EACH; i++) {
          const copy = join(root, `copy-${copies++}`);
          cpSync(whole, copy, { recursive: true });
          const name = chance.of(some);
          const before = readFileSync(join(whole, name));
          const after = change(Buffer.from(before), chance);
          writeFileSync(join(copy, name), after);
          if (after.equals(before)) continue;
          const first = before.findIndex((byte, place) => byte !== after[place]);
          const store = await openStore(copy, { movedMs: ledger.movedMsAt(at) });
          try {
            await settle(store);
            await expect.poll(() => isErased(store)).toBe(true);
            // The end of a log that is missing was never acknowledged, as far as anybody can tell.
            const isTail = kind === 'log' && store.backend.health().problems.length === 0;
            const lost = isTail ? NOTHING : await missing(store);
            const isLost = Object.values(lost).some((count) => count > 0);
            const { problems } = store.backend.health();
            if (isLost && problems.length === 0 && store.told.length === 0) {
              throw new Error(`nobody says that ${JSON.stringify(lost)} are missing`);
            }
            if (isLost) expect(problems.join(), 'health').toContain(name);
            const repeated = store.told.filter((line, place) => store.told.indexOf(line) !== place);
            expect(repeated, 'told more than once').toEqual([]);
          } catch (error) {
            broken.push(`${name}, ${harm} at ${first} of ${before.length}: ${String(error)}`);
          } finally {
            await store.backend.close();
          }
          rmSync(copy, { recursive: true });
        }
      }
    }
    expect(broken).toEqual([]);
  },
  60_000 + EACH * 120_000,
);
