/** The same question to the rollups, to the spans, and to brute force. */

import { afterAll, beforeAll, expect, test } from 'vitest';
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

async function fromRollups(query: AggregateQuery): Promise<AggregateResult | undefined> {
  const { manifest } = await tenant.context();
  const rollups = { days: new Map(), waiting: [] };
  return aggregateFromRollups(query, {
    pin: () => ({ manifest, rollups }),
    settled: () => Promise.resolve(),
    cache: new RedCache(),
  });
}

function randomQuery(): AggregateQuery {
  const from = BigInt(chance.below(15));
  const fields = [intrinsic('service'), intrinsic('name'), intrinsic('kind')];
  return {
    tenant: 't',
    range: {
      startNano: START + from * MINUTE,
      endNano: START + (from + 1n + BigInt(chance.below(15))) * MINUTE,
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
  const query = { ...randomQuery(), filter: undefined, groupBy: [intrinsic('service')] };
  const result = await fromRollups(query);
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
    'a range that begins within a minute',
    { range: { startNano: START + 1n, endNano: START + MINUTE } },
  ],
  ['a step of seconds', { stepNano: 1_000_000_000n }],
  ['a group of something else', { groupBy: [intrinsic('status')] }],
  ['a condition on something else', { filter: { op: 'looseEquals', key: 'a', text: 'x' } }],
  ['an attribute', { value: { kind: 'attribute', scope: 'span', key: 'a' } }],
])('%s is left to the spans', async (_, change) => {
  expect(await fromRollups({ ...randomQuery(), ...change })).toBeUndefined();
});

test('a file without a rollup, or with a deletion to come, is left to the spans', async () => {
  const whole = tenant.files;
  const query = { ...randomQuery(), filter: undefined };
  const [first, ...others] = whole;
  const spoil: Partial<NonNullable<typeof first>>[] = [
    { index: undefined },
    { deleted: new Set(['a'.repeat(32)]) },
  ];
  for (const change of spoil) {
    tenant.files = [{ ...first!, ...change }, ...others];
    expect(await fromRollups(query)).toBeUndefined();
  }
  tenant.files = whole;
  expect(await fromRollups(query)).toBeDefined();
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
