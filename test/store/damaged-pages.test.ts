/** Bits that a disk has flipped in a data file that is searched: in pages, dictionaries, the headers
 *  of pages and the footer. Whatever is asked, the answer is the one without the row groups that are
 *  named as damaged, and a flipped bit is named by whoever reads the column it is in.
 *  SPOOR_DAMAGES sets how many of each kind of place. */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Field, type Filter, intrinsic } from '../../src/filter/ast.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { searchTraces, type KnownSpan } from '../../src/storage/conformance/oracle.ts';
import { spans, text } from '../../src/storage/conformance/plain-spans.ts';
import { Chance, randomSpans } from '../../src/storage/conformance/random-spans.ts';
import type { TraceOrder } from '../../src/storage/contract.ts';
import type { DataFile, RowRange } from '../../src/storage/embedded/manifest.ts';
import type { ChunkPlace } from '../../src/storage/embedded/parquet/pages.ts';
import { ParquetFile } from '../../src/storage/embedded/parquet/parquet-file.ts';
import { readStructAt } from '../../src/storage/embedded/parquet/thrift.ts';
import { aggregateSpans } from '../../src/storage/embedded/query/aggregate-spans.ts';
import { findAttributeValues } from '../../src/storage/embedded/query/attribute-values.ts';
import { findDependencies } from '../../src/storage/embedded/query/find-dependencies.ts';
import { findTraces } from '../../src/storage/embedded/query/find-traces.ts';
import type { ReadContext } from '../../src/storage/embedded/query/read-context.ts';
import { StoredTenant } from '../../src/storage/embedded/query/stored-tenant.fixture.ts';
import { VerifiedFiles } from '../../src/storage/embedded/query/verified-files.ts';

const SEED = Number(process.env['SPOOR_FAULT_SEED'] ?? Math.floor(Date.now() / 1000));
const EACH = Number(process.env['SPOOR_DAMAGES'] ?? 4);
const START = 1_731_000_000_000_000_000n;
const ALL = { startNano: 0n, endNano: 2n ** 64n };
const PARTS = 4;

let store: StoredTenant;
let parts: KnownSpan[][];
/** The newest is a flush, the other a segment of as many row groups as it was made of. */
let whole: readonly DataFile[];
let segment: DataFile;

beforeAll(async () => {
  store = new StoredTenant();
  const all = randomSpans(new Chance(11), {
    traces: 120,
    startNano: START,
    spreadNano: 600_000_000_000n,
  });
  const size = Math.ceil(all.length / PARTS);
  parts = Array.from({ length: PARTS }, (_, i) => all.slice(i * size, (i + 1) * size));
  for (const [i, part] of parts.entries()) {
    // A column that only one of the row groups has values in.
    const own = part.map((span) => ({
      ...span,
      attributes: [...(span.attributes ?? []), [`only ${i}`, text('x')] as const],
    }));
    store.add(spans('t', own));
    await store.flush();
    if (i === PARTS - 2) await store.stitch();
  }
  whole = store.files;
  segment = whole[1]!;
  expect(segment.rowGroups).toBe(PARTS - 1);
}, 60_000);
afterAll(() => store.close());

type Question = (context: ReadContext) => Promise<unknown>;

const search =
  (order: TraceOrder, filter?: Filter): Question =>
  async (context) => {
    const page = await findTraces(context, { tenant: 't', range: ALL, limit: 50, order, filter });
    return page.traces.map(({ traceId }) => traceId);
  };

const DURATION = intrinsic('durationNano');
const NAME = intrinsic('name');
const KEY: Field = { kind: 'attribute', scope: 'span', key: 'a' };

const QUESTIONS: Readonly<Record<string, Question>> = {
  newest: search('newest'),
  oldest: search('oldest'),
  longest: search('longest'),
  slow: search('newest', { op: 'compare', field: DURATION, by: '>', value: 1_000_000n }),
  attribute: search('newest', { op: 'compare', field: KEY, by: '!=', value: 'nothing' }),
  aggregate: (context) =>
    aggregateSpans(context, {
      tenant: 't',
      range: ALL,
      groupBy: [NAME, KEY],
      groupsMax: 100,
      quantiles: [0.5],
    }),
  values: (context) =>
    findAttributeValues(context, { tenant: 't', scope: 'span', key: 'a', limit: 100 }),
  calls: (context) => findDependencies(context, ALL),
  'calls of parts of minutes': (context) => {
    const range = { startNano: START + 100_500_000_000n, endNano: START + 400_500_000_000n };
    return findDependencies(context, range, { rowsAskedMax: 0 });
  },
};

const printed = (value: unknown) =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));

async function answers(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, question] of Object.entries(QUESTIONS)) {
    found[name] = printed(await store.ask(question));
  }
  return found;
}

/** The segment as a disk has changed it, under another name. */
function spoiled(change: (bytes: Buffer) => void): DataFile {
  const path = segment.path.replace('.parquet', `-${++copies}.parquet`);
  const bytes = readFileSync(segment.path);
  change(bytes);
  writeFileSync(path, bytes);
  copyFileSync(indexOf(segment.path), indexOf(path));
  return { ...segment, path };
}
let copies = 0;
const indexOf = (path: string) => path.replace('.parquet', '.idx');

interface Place {
  readonly what: string;
  readonly at: number;
  /** What it costs at most. */
  readonly rows: RowRange;
}

/** Some of each kind of place in the segment. */
function places(chance: Chance): Place[] {
  const bytes = readFileSync(segment.path);
  const { rowGroups } = ParquetFile.of(segment.path, bytes).footer;
  const found: Place[] = [];
  let from = 0;
  const chunks = rowGroups.flatMap(({ rows, chunks: named }) => {
    const here = { from, to: (from += rows) };
    return [...named.values()].map((chunk) => ({ chunk, rows: here }));
  });
  const end = Math.max(...chunks.map(({ chunk }) => chunk.start + chunk.bytes));
  const pick = (
    what: string,
    of: (chunk: ChunkPlace) => boolean,
    at: (c: ChunkPlace) => number,
  ) => {
    const some = chunks.filter(({ chunk }) => of(chunk));
    expect(some.length, what).toBeGreaterThan(0);
    for (let i = 0; i < EACH; i++) {
      const { chunk, rows } = chance.of(some);
      found.push({ what: `${what} of ${chunk.name}`, at: at(chunk), rows });
    }
  };
  const headerBytes = ({ start }: ChunkPlace) => readStructAt(bytes.subarray(start)).length;
  const isNull = ({ nulls, rows }: ChunkPlace) => nulls === rows;
  pick(
    'dictionary',
    ({ hasDictionary }) => hasDictionary,
    (chunk) => chunk.start + headerBytes(chunk),
  );
  pick(
    'header',
    () => true,
    (chunk) => chunk.start + chance.below(headerBytes(chunk)),
  );
  pick(
    'end',
    (chunk) => !isNull(chunk),
    ({ start, bytes: length }) => start + length - 1,
  );
  pick(
    'any byte',
    () => true,
    ({ start, bytes: length }) => start + chance.below(length),
  );
  pick('chunk of nulls', isNull, ({ start, bytes: length }) => start + chance.below(length));
  for (const name of ['trace_id', 'start_nano', 'duration_nano', 'name', 'kind', 'span.a']) {
    pick(
      'values',
      (chunk) => chunk.name === name,
      ({ start, bytes: length }) => start + chance.below(length),
    );
  }
  const rows = { from: 0, to: segment.rows };
  for (let i = 0; i < EACH; i++) {
    found.push({ what: 'footer', at: end + chance.below(bytes.length - end), rows });
  }
  return found;
}

test(
  `a flipped bit changes no answer in silence, SPOOR_FAULT_SEED=${SEED}`,
  async () => {
    const chance = new Chance(SEED);
    const truth = new Map<string, Promise<Record<string, string>>>();
    const truthWithout = (rows: readonly RowRange[]) => {
      const key = printed(rows);
      store.files = whole.map((file) =>
        file === segment && rows.length > 0 ? { ...file, damage: { rows, problems: [] } } : file,
      );
      const known = truth.get(key) ?? answers();
      truth.set(key, known);
      return known;
    };
    const wrong: string[] = [];
    for (const { what, at, rows } of places(chance)) {
      const bit = chance.below(8);
      const told = `${what}, byte ${at}, bit ${bit}`;
      const bad = spoiled((bytes) => (bytes[at]! ^= 1 << bit));
      store.files = whole.map((file) => (file === segment ? bad : file));
      const isBad = ({ path }: DataFile) => path === bad.path;
      store.warnings.length = 0;
      for (const [name, question] of Object.entries(QUESTIONS)) {
        const found = printed(await store.ask(question));
        const damage = store.files.find(isBad)?.damage;
        const now = store.files;
        const expected = (await truthWithout(damage?.rows ?? []))[name];
        store.files = now;
        if (found !== expected) wrong.push(`${told}, asked for ${name}: ${found}, not ${expected}`);
        if (damage === undefined) continue;
        expect(damage.rows, told).toEqual([rows]);
        expect(store.warnings, told).toEqual(expect.arrayContaining([...damage.problems]));
      }
      await store.pages.verifyWhole(bad);
      expect(store.files.find(isBad)?.damage?.rows, `${told}, when all is verified`).toEqual([
        rows,
      ]);
    }
    expect(wrong).toEqual([]);
  },
  60_000 + EACH * 60_000,
);

test('what is lost is a row group, and nothing else', async () => {
  const { rowGroups } = ParquetFile.of('x', readFileSync(segment.path)).footer;
  const place = rowGroups[1]!.chunks.get('start_nano')!;
  const bad = spoiled((bytes) => (bytes[place.start + place.bytes - 1]! ^= 1));
  store.files = whole.map((file) => (file === segment ? bad : file));
  const left = [...parts[0]!, ...parts[2]!, ...parts[3]!];
  const known = searchTraces(left, { range: ALL, order: 'newest' });
  expect(await store.ask(search('newest'))).toEqual(
    known.slice(0, 50).map(({ traceId }) => traceId),
  );
}, 60_000);

/** In the second row group. */
function pageOf(column: string): { start: number; end: number } {
  const { rowGroups } = ParquetFile.of('x', readFileSync(segment.path)).footer;
  const { start, bytes } = rowGroups[1]!.chunks.get(column)!;
  return { start, end: start + bytes };
}

test('what goes bad later is found when the query engine stumbles over it', async () => {
  const copy = spoiled(() => {});
  store.files = [copy];
  await store.ask(QUESTIONS['slow']!);
  const { start, end } = pageOf('duration_nano');
  writeFileSync(copy.path, readFileSync(copy.path).fill(0, start, end));
  const found = await store.ask(QUESTIONS['slow']!);
  const [first = 0, second = 0] = segment.rowGroupRows ?? [];
  const rows = [{ from: first, to: first + second }];
  expect(store.files[0]?.damage?.rows).toEqual(rows);
  store.files = [{ ...segment, damage: { rows, problems: [] } }];
  expect(found).toEqual(await store.ask(QUESTIONS['slow']!));
}, 60_000);

test('what goes bad later is found when it is its turn, and so is what is whole again', async () => {
  const copy = spoiled(() => {});
  store.files = [copy];
  const before = await store.ask(QUESTIONS['newest']!);
  const good = readFileSync(copy.path);
  const bad = Buffer.from(good);
  bad[pageOf('start_nano').end - 1]! ^= 1;
  writeFileSync(copy.path, bad);
  await store.pages.verifyWhole(copy);
  expect(store.files[0]?.damage?.problems).toHaveLength(1);
  expect(await store.ask(QUESTIONS['newest']!)).not.toEqual(before);
  writeFileSync(copy.path, good);
  await store.pages.verifyWhole(copy);
  expect(store.files[0]?.damage).toBeUndefined();
  expect(await store.ask(QUESTIONS['newest']!)).toEqual(before);
}, 60_000);

test('a column is verified when it is asked for first, and not again', async () => {
  const asked: (readonly string[] | undefined)[] = [];
  const pages = new VerifiedFiles({
    verifier: {
      verify: (order) => {
        asked.push(order.columns);
        return store.reader.verify(order);
      },
    },
    clock: systemClock,
    timeLimitMs: 60_000,
    onDamage: () => {},
  });
  store.files = [segment];
  const context = { ...(await store.context()), pages };
  await Promise.all([search('newest')(context), search('newest')(context)]);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain('start_nano');
  expect(asked[0]).not.toContain('duration_nano');
  await QUESTIONS['slow']!(context);
  expect(asked).toHaveLength(2);
  expect(asked[1]).toContain('duration_nano');
  expect(asked[1]).not.toContain('start_nano');
}, 60_000);
