/** The same question to the rollups, to the spans, and to brute force. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareText } from '../../../filter/compare.ts';
import { intrinsic } from '../../../filter/ast.ts';
import { HISTOGRAM_ERROR, rankOf } from '../../../model/duration-histogram.ts';
import { aggregate, keyOf } from '../../conformance/aggregate-oracle.ts';
import type { KnownSpan } from '../../conformance/oracle.ts';
import { spans } from '../../conformance/plain-spans.ts';
import { Chance, randomSpans } from '../../conformance/random-spans.ts';
import type { AggregateQuery, AggregateResult } from '../../contract.ts';
import { aggregateFromRollups, aggregateFromSpans } from './aggregate.ts';
import { aggregateSpans } from './aggregate-spans.ts';
import { RedCache } from './red-cache.ts';
import { StoredTenant } from './stored-tenant.fixture.ts';

const MINUTE = 60_000_000_000n;
const START = 28_850_000n * MINUTE;
const SEED = Math.floor(Date.now() / 1000);

const chance = new Chance(SEED);
let tenant: StoredTenant;
let all: KnownSpan[] = [];

/** Some in a segment, some in flushes, some in the head. */
beforeAll(async () => {
  tenant = new StoredTenant();
  all = randomSpans(chance, { traces: 600, startNano: START, spreadNano: 20n * MINUTE });
  const parts = Array.from({ length: 6 }, (_, part) => all.filter((__, i) => i % 6 === part));
  for (const [i, part] of parts.entries()) {
    for (let at = 0; at < part.length; at += 40) tenant.add(spans('t', part.slice(at, at + 40)));
    if (i < 5) await tenant.flush();
    if (i === 2) await tenant.stitch();
  }
}, 60_000);
afterAll(() => tenant.close());

async function fromRollups(
  query: AggregateQuery,
  rowsAskedMax = 0,
): Promise<AggregateResult | undefined> {
  const context = await tenant.context();
  const rollups = { days: new Map(), waiting: [] };
  return aggregateFromRollups(query, {
    pin: () => Promise.resolve({ context, rollups, warnings: [] }),
    settled: () => Promise.resolve(),
    cache: new RedCache(),
    rowsAskedMax,
  });
}

/** Half of the time none. */
function withinMinute(): bigint {
  return BigInt(chance.of([0, chance.below(60_000)])) * 1_000_000n;
}

function randomQuery(): AggregateQuery {
  const from = START + BigInt(chance.below(15)) * MINUTE;
  const length = BigInt(1 + chance.below(15)) * MINUTE;
  const fields = [intrinsic('service'), intrinsic('name'), intrinsic('kind')];
  return {
    tenant: 't',
    range: {
      startNano: from + withinMinute(),
      endNano: from + MINUTE + length + withinMinute(),
    },
    filter: chance.of([
      undefined,
      { op: 'compare', field: intrinsic('service'), by: '=', value: 'shop' },
      { op: 'in', field: intrinsic('kind'), values: ['server', 'client'] },
      { op: 'not', of: { op: 'regex', field: intrinsic('name'), pattern: '^GET' } },
    ]),
    groupBy: [...new Set(chance.some(3, () => chance.of(fields)))],
    groupsMax: 1000,
    stepNano: chance.of([undefined, MINUTE, 5n * MINUTE]),
    quantiles: [0.5, 0.99],
    histogram: true,
  };
}

/** Counts and histograms by group and time, in an order of their own. */
function counted(result: AggregateResult | undefined) {
  const points = result?.series.flatMap((one) =>
    one.points.map(({ startNano, histogram = new Map<number, number>(), ...point }) => ({
      key: `${keyOf(one.group)} ${startNano}`,
      spans: point.spans,
      errors: point.errors,
      values: point.values,
      range: [point.min, point.max],
      histogram: [...histogram].toSorted(([a], [b]) => a - b),
    })),
  );
  return points?.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

test(`rollups, spans and brute force agree, seed ${SEED}`, async () => {
  for (let i = 0; i < 60; i++) {
    const query = randomQuery();
    const rolledUp = await fromRollups(query);
    const fromSpans = await aggregateFromSpans(await tenant.context(), query);
    expect(rolledUp?.from).toBe('rollups');
    expect(counted(rolledUp)).toEqual(counted(fromSpans));
    for (const { group, points } of aggregate(all, query)) {
      for (const result of [rolledUp, fromSpans]) {
        const same = result?.series.find((one) => keyOf(one.group) === keyOf(group));
        expect(same?.points.map((point) => point.spans)).toEqual(
          points.map((point) => point.spans),
        );
        points.forEach(({ values }, at) => {
          const point = same?.points[at];
          const sum = values.reduce((total, value) => total + value, 0);
          expect(point?.sum).toBeCloseTo(sum, 0);
          query.quantiles?.forEach((q, n) => {
            const exact = values[rankOf(q, values.length) - 1] ?? NaN;
            const error = Math.abs((point?.quantiles[n] ?? NaN) - exact);
            expect(error).toBeLessThanOrEqual((result?.quantileError ?? 0) * exact);
          });
        });
      }
    }
  }
}, 60_000);

test('exemplars are traces of the group', async () => {
  const range = { startNano: START, endNano: START + 20n * MINUTE };
  const groupBy = [intrinsic('service')];
  const result = await fromRollups({ ...randomQuery(), range, filter: undefined, groupBy });
  for (const { group, points } of result?.series ?? []) {
    for (const { exemplars } of points) {
      expect(exemplars.length).toBeGreaterThan(0);
      for (const { traceId } of exemplars) {
        const of = all.filter((span) => span.traceId === traceId);
        expect(of.map(({ service = '' }) => service)).toContain(group[0]);
      }
    }
  }
});

test.each<[string, Partial<AggregateQuery>]>([
  [
    'a range without a whole minute',
    { range: { startNano: START + 1n, endNano: START + 2n * MINUTE - 1n } },
  ],
  ['a step of seconds', { stepNano: 1_000_000_000n }],
  ['a group of something else', { groupBy: [intrinsic('status')] }],
  ['a condition on something else', { filter: { op: 'looseEquals', key: 'a', text: 'x' } }],
  ['an attribute', { value: { kind: 'attribute', scope: 'span', key: 'a' } }],
])('%s is left to the spans', async (_, change) => {
  expect(await fromRollups({ ...randomQuery(), ...change })).toBeUndefined();
});

test('few spans are asked themselves, unless whole minutes are', async () => {
  const range = { startNano: START + 1n, endNano: START + 20n * MINUTE };
  expect(await fromRollups({ ...randomQuery(), range }, 1e6)).toBeUndefined();
  const whole = { startNano: START, endNano: START + 20n * MINUTE };
  expect(await fromRollups({ ...randomQuery(), range: whole }, 1e6)).toBeDefined();
});

test('spans of a file without a rollup, or with a deletion to come, are counted themselves', async () => {
  const whole = tenant.files;
  const query = { ...randomQuery(), filter: undefined };
  const [first, ...others] = whole;
  const gone = all.find((_, i) => i % 6 === 4)?.traceId ?? '';
  for (const [deleted, change] of [
    ['', { index: undefined }],
    [gone, { deleted: new Set([gone]) }],
  ] as const) {
    tenant.files = [{ ...first!, ...change }, ...others];
    const found = await fromRollups(query);
    expect(found?.from).toBe('rollups');
    const isLeft = ({ traceId }: KnownSpan, i: number) => i % 6 !== 4 || traceId !== deleted;
    const points = (series: readonly { points: readonly { spans: number }[] }[]) =>
      series
        .map(({ points: some }) => some.map(({ spans: count }) => count).join())
        .toSorted(compareText);
    expect(points(found?.series ?? [])).toEqual(points(aggregate(all.filter(isLeft), query)));
  }
  tenant.files = whole.map((file) => ({ ...file, index: undefined }));
  expect(await fromRollups(query)).toBeUndefined();
  tenant.files = whole;
});

test('quantiles of more values than fit in memory are those of histograms', async () => {
  const query = { ...randomQuery(), filter: undefined, groupBy: [intrinsic('service')] };
  const rough = await aggregateSpans(await tenant.context(), query, 0);
  const rolledUp = await fromRollups(query);
  expect(rough.quantileError).toBe(HISTOGRAM_ERROR);
  const quantiles = ({ series }: Pick<AggregateResult, 'series'>) =>
    series.map(({ group, points }) => [keyOf(group), points.map((point) => point.quantiles)]);
  expect(quantiles(rough)).toEqual(quantiles(rolledUp!));
});
