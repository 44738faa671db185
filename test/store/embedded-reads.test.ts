/** Searches, traces and dependencies over files, a stitched segment and the head, against answers
 *  found the slow way. */

import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Filter, intrinsic } from '../../src/filter/ast.ts';
import type { TraceOrder, TraceQuery } from '../../src/storage/contract.ts';
import { type KnownSpan, searchTraces } from '../../src/storage/conformance/oracle.ts';
import { spans, storedSpans } from '../../src/storage/conformance/plain-spans.ts';
import { Chance, randomFilter, randomSpans } from '../../src/storage/conformance/random-spans.ts';
import { findDependencies } from '../../src/storage/embedded/query/find-dependencies.ts';
import { findTraces } from '../../src/storage/embedded/query/find-traces.ts';
import type { ReadContext } from '../../src/storage/embedded/query/read-context.ts';
import { readTraces } from '../../src/storage/embedded/query/read-traces.ts';
import { StoredTenant } from '../../src/storage/embedded/query/stored-tenant.fixture.ts';

const START = 1_731_000_000_000_000_000n;
const SPREAD = 600_000_000_000n;
const ALL = { startNano: 0n, endNano: 2n ** 64n };
const ORDERS: readonly TraceOrder[] = [
  'newest',
  'oldest',
  'longest',
  'shortest',
  'mostSpans',
  'mostErrors',
];

const print = (value: unknown) =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));

/** Random spans in parts that cut through traces: three files stitched, two flushed, a head. */
async function fill(store: StoredTenant, seed: number): Promise<KnownSpan[]> {
  const all = randomSpans(new Chance(seed), { traces: 150, startNano: START, spreadNano: SPREAD });
  const size = Math.ceil(all.length / 12);
  for (let part = 0; part < 12; part++) {
    store.add(spans('t', all.slice(part * size, (part + 1) * size)));
    if (part % 2 === 1 && part < 10) await store.flush();
    if (part === 5) await store.stitch();
  }
  return all;
}

describe('reads of random data', () => {
  const seed = 7;
  let store: StoredTenant;
  let all: KnownSpan[];
  let context: ReadContext;

  beforeAll(async () => {
    store = new StoredTenant();
    all = await fill(store, seed);
    context = await store.context();
  }, 60_000);
  afterAll(() => store.close());

  test('there is a segment, flushed files and a head', () => {
    expect(store.files.map(({ kind }) => kind)).toEqual(['flush', 'flush', 'segment']);
    expect(context.manifest.fresh?.rows).toBe(context.manifest.head.rows);
  });

  test.each(ORDERS)(
    'pages in order %s are those of a slow search',
    { timeout: 120_000 },
    async (order) => {
      const chance = new Chance(seed + order.length);
      for (let i = 0; i < 12; i++) {
        const filter = i === 0 ? undefined : randomFilter(chance);
        const startNano = START + (i % 2 === 0 ? 0n : SPREAD / 3n);
        const range = { startNano, endNano: START + (i % 3 === 0 ? SPREAD * 2n : SPREAD / 2n) };
        const expected = searchTraces(all, { range, filter, order });
        const limit = chance.of([1, 7, 50, 1000]);
        let query: TraceQuery = { tenant: 't', range, filter, order, limit };
        const found = [];
        for (let page = 0; page < 4; page++) {
          const firstRows = chance.of([5, 40, 100_000]);
          const { traces, cursor, warnings } = await findTraces({ ...context, firstRows }, query);
          expect(warnings).toEqual([]);
          found.push(...traces);
          if (cursor === undefined) break;
          query = { ...query, cursor };
        }
        expect(found, print({ filter, range, limit })).toEqual(expected.slice(0, limit * 4));
      }
    },
  );

  test('each trace comes back whole, in the order asked for', async () => {
    const ids = [...new Set(all.map(({ traceId }) => traceId))];
    const refs = [...ids, 'f'.repeat(32), ids[0]!].map((traceId) => ({ traceId }));
    const found: ReturnType<typeof storedSpans>[] = [];
    for await (const batch of readTraces(context, refs)) found.push(storedSpans(batch));
    const expected = [...ids, ids[0]!].map((id) =>
      storedSpans(
        spans(
          't',
          all.filter(({ traceId }) => traceId === id),
        ),
      ),
    );
    const sorted = (rows: (typeof found)[number]) =>
      rows.toSorted((a, b) => (a.text < b.text ? -1 : 1));
    expect(found.map(sorted)).toEqual(expected.map(sorted));
    for (const rows of found) {
      const starts = rows.map(({ startNano }) => startNano);
      expect(starts).toEqual(starts.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    }
  });

  test.each([
    ['from the spans', { startNano: START + SPREAD / 4n, endNano: START + SPREAD / 2n }, undefined],
    ['from what was counted and the rest', ALL, 0],
  ])('dependencies count every call, %s', async (_, range, rowsAskedMax) => {
    const serviceOf = new Map(all.map((span) => [span.traceId + span.spanId, span.service ?? '']));
    const counts = new Map<string, number>();
    for (const { traceId, parentSpanId, startNano, service = '' } of all) {
      const parent = serviceOf.get(traceId + parentSpanId);
      if (parent === undefined || startNano < range.startNano || startNano >= range.endNano)
        continue;
      const key = print([parent, service]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const links = await findDependencies(context, range, { rowsAskedMax });
    expect(links.length).toBeGreaterThan(5);
    expect(new Map(links.map((l) => [print([l.parent, l.child]), l.callCount]))).toEqual(counts);
  });
});

describe('pages while spans arrive', () => {
  /** Names are single letters; each is a trace, `at` seconds after START. */
  const trace = (name: string, at: number): KnownSpan => ({
    traceId: name.charCodeAt(0).toString(16).padStart(32, '0'),
    spanId: `${name.charCodeAt(0).toString(16)}${at.toString(16)}`.padStart(16, '0'),
    startNano: START + BigInt(at) * 1_000_000_000n,
    endNano: START + BigInt(at) * 1_000_000_000n + 1n,
    name,
  });

  async function pages(order: TraceOrder, between: (store: StoredTenant) => Promise<void>) {
    const store = new StoredTenant();
    try {
      store.add(spans('t', [trace('a', 10), trace('b', 20)]));
      await store.flush();
      store.add(spans('t', [trace('c', 30), trace('d', 40)]));
      const query: TraceQuery = { tenant: 't', range: ALL, order, limit: 2 };
      const first = await findTraces(await store.context(), query);
      // Later spans move every trace, and bring new ones on both sides.
      store.add(
        spans(
          't',
          ['a', 'b', 'c', 'd'].map((name, i) => trace(name, 60 - i * 2)),
        ),
      );
      store.add(spans('t', [trace('e', 5), trace('f', 70)]));
      await between(store);
      const next = { ...query, cursor: first.cursor };
      const second = await findTraces(await store.context(), next);
      expect(second.cursor).toBeUndefined();
      return [...first.traces, ...second.traces].map(({ rootName }) => rootName).join('');
    } finally {
      await store.close();
    }
  }

  const moments: [string, (store: StoredTenant) => Promise<void>][] = [
    ['they are in the head', () => Promise.resolve()],
    ['they were flushed with what was there', (store) => store.flush()],
    [
      'more is flushed',
      async (store) => {
        await store.flush();
        store.add(spans('t', [trace('g', 15), trace('a', 90)]));
        await store.flush();
      },
    ],
    [
      'all is stitched, and stitched again',
      async (store) => {
        await store.flush();
        store.add(spans('t', [trace('g', 15), trace('a', 90)]));
        await store.flush();
        await store.stitch(2);
        await store.stitch();
      },
    ],
  ];
  test.each(moments)('newest: nothing moves when %s', async (_, between) => {
    expect(await pages('newest', between)).toBe('dcba');
  });
  test.each(moments)('oldest: nothing moves when %s', async (_, between) => {
    expect(await pages('oldest', between)).toBe('abcd');
  });
  test.each(moments)('mostSpans: nothing moves when %s', async (_, between) => {
    expect(await pages('mostSpans', between)).toBe('abcd');
  });

  test('oldest goes by the newest span of a trace, however far behind it lies', async () => {
    const store = new StoredTenant();
    try {
      store.add(spans('t', [trace('a', 1), trace('b', 2), trace('c', 3), trace('d', 4)]));
      await store.flush();
      store.add(spans('t', [trace('e', 50), trace('a', 60)]));
      await store.flush();
      store.add(spans('t', [trace('c', 100), trace('f', 110)]));
      const context = { ...(await store.context()), firstRows: 3 };
      const names: string[] = [];
      for (let cursor: string | undefined, page = 0; page < 9; page++) {
        const query: TraceQuery = { tenant: 't', range: ALL, order: 'oldest', limit: 1, cursor };
        const found = await findTraces(context, query);
        names.push(...found.traces.map(({ rootName }) => rootName));
        if ((cursor = found.cursor) === undefined) break;
      }
      expect(names.join('')).toBe('bdeacf');
    } finally {
      await store.close();
    }
  });

  test('a trace counts as a whole, also in files that lie outside of the range', async () => {
    const store = new StoredTenant();
    try {
      store.add(spans('t', [trace('a', 1), trace('a', 2), trace('x', 3)]));
      await store.flush();
      store.add(spans('t', [trace('y', 200), trace('z', 201)]));
      await store.flush();
      store.add(spans('t', [trace('a', 1000), trace('b', 1001), trace('b', 1002)]));
      await store.flush();
      const range = { startNano: START + 900_000_000_000n, endNano: ALL.endNano };
      const query = { tenant: 't', range, limit: 10 } as const;
      const context = await store.context();
      const names = async (order: TraceOrder, filter?: Filter) => {
        const { traces } = await findTraces(context, { ...query, order, filter });
        return traces.map(({ rootName, spanCount }) => `${rootName}${spanCount}`).join(' ');
      };
      expect(await names('mostSpans')).toBe('a3 b2');
      expect(await names('shortest')).toBe('b2 a3');
      const isA: Filter = { op: 'compare', field: intrinsic('name'), by: '=', value: 'a' };
      expect(await names('longest', isA)).toBe('a3');
    } finally {
      await store.close();
    }
  });

  test('a cursor of another order, and no cursor at all, are refused', async () => {
    const store = new StoredTenant();
    store.add(spans('t', [trace('a', 1), trace('b', 2)]));
    const context = await store.context();
    const query: TraceQuery = { tenant: 't', range: ALL, limit: 1 };
    const { cursor } = await findTraces(context, query);
    const invalid = { code: 'invalid' };
    await expect(findTraces(context, { ...query, order: 'oldest', cursor })).rejects.toMatchObject(
      invalid,
    );
    await expect(findTraces(context, { ...query, cursor: 'x' })).rejects.toMatchObject(invalid);
    await expect(findTraces(context, { ...query, limit: 0 })).rejects.toMatchObject(invalid);
    await store.close();
  });
});

describe('damaged files', () => {
  test('a bad file costs its rows and is named, a bad index costs nothing', async () => {
    const store = new StoredTenant();
    const all = randomSpans(new Chance(3), { traces: 30, startNano: START, spreadNano: SPREAD });
    const parts = [all.slice(0, 40), all.slice(40, 70), all.slice(70)];
    for (const part of parts) {
      store.add(spans('t', part));
      await store.flush();
    }
    const [, middle, oldest] = store.files;
    truncateSync(middle!.path, statSync(middle!.path).size >> 1);
    writeFileSync(oldest!.path.replace('.parquet', '.idx'), 'nonsense');
    const page = await store.ask((asked) =>
      findTraces(asked, { tenant: 't', range: ALL, limit: 100 }),
    );
    const context = await store.context();
    const left = [...parts[0]!, ...parts[2]!];
    expect(page.traces.map(({ traceId }) => traceId)).toEqual(
      searchTraces(left, { range: ALL, order: 'newest' }).map(({ traceId }) => traceId),
    );
    expect(page.warnings.some((warning) => warning.includes(middle!.path))).toBe(true);
    const [first] = parts[0]!;
    const batches = [];
    for await (const batch of readTraces(context, [{ traceId: first!.traceId }]))
      batches.push(batch);
    const expected = left.filter(({ traceId }) => traceId === first!.traceId);
    expect(batches.map(({ count }) => count)).toEqual([expected.length]);
    await store.close();
  });
});
