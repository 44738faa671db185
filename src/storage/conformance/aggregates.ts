/** Aggregates: counts, errors, spread of values, by groups and in time. */

import { describe, expect, test } from 'vitest';
import type { AttributeScope, Field, Filter } from '../../filter/ast.ts';
import { countTraceConditions } from '../../filter/trace-conditions.ts';
import { intrinsic } from '../../filter/ast.ts';
import { bucketOf, HISTOGRAM_ERROR, rankOf } from '../../model/duration-histogram.ts';
import type { AggregatePoint, AggregateQuery, AggregateResult } from '../contract.ts';
import { aggregate, keyOf, type KnownPoint } from './aggregate-oracle.ts';
import type { KnownSpan } from './oracle.ts';
import { double, int, type PlainSpan, spans, text } from './plain-spans.ts';
import { Chance, randomFilter, randomSpans } from './random-spans.ts';
import type { Subject } from './subject.ts';

const START = 1_731_000_000_000_000_000n;
const MINUTE = 60_000_000_000n;
/** Begins with a minute. */
const FIRST = START - (START % MINUTE);
const RANGE = { startNano: FIRST, endNano: FIRST + 60n * MINUTE };
const EVERYTHING = { range: RANGE, groupBy: [], groupsMax: 100 };
const SEED = Number(process.env['SPOOR_CONFORMANCE_SEED'] ?? Math.floor(Date.now() / 1000));

const attribute = (key: string, scope: AttributeScope | 'any' = 'span'): Field => ({
  kind: 'attribute',
  scope,
  key,
});

/** `ms` long, `at` ms after the first minute began. */
const span = (at: number, ms: number, more: PlainSpan = {}): PlainSpan => ({
  startNano: FIRST + BigInt(at) * 1_000_000n,
  endNano: FIRST + BigInt(at + ms) * 1_000_000n,
  ...more,
});

export function describeAggregates(subject: Subject, rounds: number): void {
  async function ask(query: AggregateQuery): Promise<AggregateResult> {
    const { reader } = subject.backend();
    if (reader.aggregate === undefined) throw new Error('the backend has no aggregates');
    return reader.aggregate(query);
  }

  async function tenantWith(plain: readonly PlainSpan[]): Promise<string> {
    const tenant = subject.newTenant();
    await subject.backend().writer.write(spans(tenant, plain));
    return tenant;
  }

  describe('aggregates', () => {
    test('count spans and errors and measure durations', async () => {
      const tenant = await tenantWith([
        span(0, 10),
        span(1, 30, { status: 2 }),
        span(2, 20, { status: 1 }),
        span(-1, 99),
        span(3, -5),
      ]);
      const { series, warnings } = await ask({ tenant, ...EVERYTHING, quantiles: [0.5, 1] });
      expect(warnings).toEqual([]);
      expect(series).toHaveLength(1);
      const [point] = series[0]!.points;
      expect(point).toMatchObject({ startNano: FIRST, spans: 4, errors: 1, values: 4 });
      expect(point).toMatchObject({ sum: 60e6, min: 0, max: 30e6 });
      expectNear(point!.quantiles, [10e6, 30e6]);
    });

    test('a tenant without spans has no series', async () => {
      const { series } = await ask({ tenant: subject.newTenant(), ...EVERYTHING });
      expect(series).toEqual([]);
    });

    test('groups come with the most spans first and keep types apart', async () => {
      const tenant = await tenantWith([
        span(0, 1, { service: 'a', attributes: [['code', int(503)]] }),
        span(1, 1, { service: 'a', attributes: [['code', text('503')]] }),
        span(2, 1, { service: 'b', attributes: [['code', int(503)]] }),
        span(3, 1, { service: 'b', attributes: [['code', int(503)]] }),
        span(4, 1),
      ]);
      const groupBy = [attribute('code'), intrinsic('service')];
      const { series } = await ask({ tenant, ...EVERYTHING, groupBy });
      expect(series.map(({ group }) => group)).toEqual([
        [503n, 'b'],
        [undefined, ''],
        [503n, 'a'],
        ['503', 'a'],
      ]);
      expect(series.map(({ points }) => points[0]?.spans)).toEqual([2, 1, 1, 1]);
    });

    test('groups beyond the bound are counted as one, last', async () => {
      const tenant = await tenantWith(
        ['a', 'a', 'a', 'b', 'b', 'c', 'd'].map((service, i) => span(i, i + 1, { service })),
      );
      const groupBy = [intrinsic('service')];
      const { series } = await ask({ tenant, ...EVERYTHING, groupBy, groupsMax: 2 });
      expect(series.map(({ group, isRest }) => [group[0], isRest])).toEqual([
        ['a', false],
        ['b', false],
        [undefined, true],
      ]);
      expect(series[2]?.points[0]).toMatchObject({ spans: 2, sum: 13e6, min: 6e6, max: 7e6 });
    });

    test('buckets of time begin at multiples of the step', async () => {
      const tenant = await tenantWith([span(0, 1), span(59_999, 2), span(180_000, 4)]);
      const stepNano = MINUTE;
      const { series } = await ask({ tenant, ...EVERYTHING, stepNano });
      expect(series[0]?.points.map(({ startNano, spans: n }) => [startNano, n])).toEqual([
        [FIRST, 2],
        [FIRST + 3n * MINUTE, 1],
      ]);
      const range = { startNano: FIRST + 1n, endNano: FIRST + 180_000_000_000n };
      const cut = await ask({ tenant, ...EVERYTHING, range, stepNano });
      expect(cut.series[0]?.points).toMatchObject([{ startNano: FIRST, spans: 1 }]);
    });

    test('a numeric attribute is measured where it is a finite number', async () => {
      const tenant = await tenantWith([
        span(0, 1, { attributes: [['size', int(-4)]] }),
        span(1, 1, { attributes: [['size', double(1.5)]] }),
        span(2, 1, { attributes: [['size', double(Infinity)]] }),
        span(3, 1, { attributes: [['size', text('7')]] }),
        span(4, 1, { resource: { attributes: [['size', int(10)]] } }),
      ]);
      const asked = { tenant, ...EVERYTHING, quantiles: [0.5] };
      const { series } = await ask({ ...asked, value: attribute('size', 'any') });
      expect(series[0]?.points).toMatchObject([
        { spans: 5, values: 3, sum: 7.5, min: -4, max: 10, quantiles: [1.5] },
      ]);
    });

    test('a span that has just been written is counted', async () => {
      const tenant = await tenantWith([span(0, 1)]);
      for (let count = 2; count < 5; count++) {
        await subject.backend().writer.write(spans(tenant, [span(count, 1)]));
        const { series } = await ask({ tenant, ...EVERYTHING });
        expect(series[0]?.points[0]?.spans).toBe(count);
      }
    });

    test.each<[string, Partial<AggregateQuery>]>([
      ['steps of nothing', { stepNano: 0n }],
      ['too many steps', { stepNano: 1n }],
      ['no groups', { groupsMax: 0 }],
      ['a quantile beyond 1', { quantiles: [1.5] }],
      ['a group of attributes of events', { groupBy: [attribute('x', 'event')] }],
      ['a text as the value', { value: intrinsic('name') }],
      [
        'a condition on the trace',
        { filter: { op: 'exists', field: { kind: 'trace', name: 'rootName' } } },
      ],
    ])('%s is refused', async (_, wrong) => {
      const tenant = await tenantWith([span(0, 1)]);
      const asked = ask({ tenant, ...EVERYTHING, ...wrong });
      await expect(asked).rejects.toMatchObject({ code: 'invalid' });
    });

    for (let round = 0; round < rounds; round++) {
      const seed = SEED + round;
      test(`random ones are those of brute force, SPOOR_CONFORMANCE_SEED=${seed}`, async () => {
        const chance = new Chance(seed);
        const tenant = subject.newTenant();
        const options = { traces: 120, startNano: START, spreadNano: 10n * MINUTE };
        const all = randomSpans(chance, options);
        for (let i = 0; i < all.length; i += 50) {
          await subject.backend().writer.write(spans(tenant, all.slice(i, i + 50)));
        }
        for (let i = 0; i < 40; i++) await expectSame(all, randomQuery(chance, tenant));
      });
    }
  });

  async function expectSame(all: readonly KnownSpan[], query: AggregateQuery): Promise<void> {
    const known = aggregate(all, query);
    const { series, quantileError } = await ask(query);
    const question = print(query);
    expect(quantileError, question).toBeLessThanOrEqual(HISTOGRAM_ERROR);
    const key = ({ group, isRest }: { group: readonly unknown[]; isRest: boolean }) =>
      `${isRest} ${keyOf(group as never)}`;
    expect(series.map(key).toSorted(), question).toEqual(known.map(key).toSorted());
    for (const one of known) {
      const found = series.find((other) => key(other) === key(one))!;
      expect(found.points.map(countsOf), question).toEqual(one.points.map(knownCounts));
      one.points.forEach((point, i) => {
        expectSpread(found.points[i]!, point, { query, quantileError, question });
      });
    }
  }
}

/** One without conditions on the trace as a whole. */
function spanFilter(chance: Chance): Filter {
  for (;;) {
    const filter = randomFilter(chance);
    if (countTraceConditions(filter) === 0) return filter;
  }
}

function randomQuery(chance: Chance, tenant: string): AggregateQuery {
  const isWhole = chance.isHit(0.5);
  const startNano = isWhole ? FIRST : START + BigInt(chance.below(300)) * 1_000_000_007n;
  const fields = [
    intrinsic('service'),
    intrinsic('name'),
    intrinsic('kind'),
    intrinsic('status'),
    intrinsic('scopeName'),
    attribute('http.status'),
    attribute('a', 'any'),
    attribute('ключ', 'resource'),
  ];
  return {
    tenant,
    range: { startNano, endNano: startNano + (isWhole ? 12n * MINUTE : 300_000_000_000n) },
    filter: chance.isHit(0.5) ? undefined : spanFilter(chance),
    value: chance.isHit(0.7) ? undefined : attribute('http.status', 'any'),
    groupBy: [...new Set(chance.some(2, () => chance.of(fields)))],
    groupsMax: 1000,
    stepNano: chance.of([undefined, MINUTE, 5n * MINUTE, 7_000_000_000n]),
    quantiles: chance.of([[], [0.5, 0.99], [0, 1]]),
    histogram: chance.isHit(0.3),
  };
}

function countsOf({ startNano, spans: count, errors, values }: AggregatePoint) {
  return { startNano, count, errors, values };
}

function knownCounts({ startNano, spans: count, errors, values }: KnownPoint) {
  return { startNano, count, errors, values: values.length };
}

function expectSpread(
  found: AggregatePoint,
  { values }: KnownPoint,
  {
    query: { quantiles = [], histogram },
    quantileError,
    question,
  }: { query: AggregateQuery; quantileError: number; question: string },
): void {
  const sum = values.reduce((total, value) => total + value, 0);
  const size = values.reduce((total, value) => total + Math.abs(value), 0);
  expect(Math.abs(found.sum - sum), question).toBeLessThanOrEqual(1e-9 * size);
  expect([found.min, found.max], question).toEqual([values[0], values.at(-1)]);
  const exact =
    values.length === 0 ? [] : quantiles.map((q) => values[rankOf(q, values.length) - 1]!);
  expectNear(found.quantiles, exact, { error: quantileError, question });
  if (histogram !== true) return;
  const buckets = Map.groupBy(values, bucketOf);
  const known = new Map([...buckets].map(([bucket, same]) => [bucket, same.length]));
  expect(new Map(found.histogram), question).toEqual(known);
}

function expectNear(
  found: readonly number[],
  exact: readonly number[],
  { error = HISTOGRAM_ERROR, question = '' } = {},
): void {
  expect(found.length, question).toBe(exact.length);
  exact.forEach((value, i) => {
    expect(Math.abs(found[i]! - value), question).toBeLessThanOrEqual(error * Math.abs(value));
  });
}

function print(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner}n` : inner,
  );
}
