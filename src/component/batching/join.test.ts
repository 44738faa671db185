import { describe, expect, test } from 'vitest';
import type { Batch } from '../consumer.ts';
import type { Metric } from '../../model/metrics.ts';
import { makeAttributes } from '../../model/trace/span.fixture.ts';
import { logsCodec, metricsCodec } from '../../wire/otlp-messages/codec.ts';
import {
  batchOf,
  logRecord,
  logsBatch,
  messageOf,
  metric,
  metricsBatch,
  metricsIn,
  point,
  recordsIn,
} from '../messages.fixture.ts';
import { cut, join } from './join.ts';

const points = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => point([], BigInt(from + i)));
const pointsOf = ({ data }: Metric): readonly unknown[] => data?.points ?? [];
const shape = (batch: Batch | undefined) =>
  metricsIn(batch)
    .map(({ name, data }) => `${name}:${data?.points.length ?? 0}`)
    .join(' ');

describe('metrics are cut between data points', () => {
  const batch = metricsBatch([
    metric('a', points(3)),
    metric('b', { kind: 'sum', temporality: 2, isMonotonic: true, points: points(4, 10) }),
    metric('none', []),
    metric('c', points(1, 20)),
  ]);

  test.each([
    [1, 'a:1', 'a:2 b:4 none:0 c:1'],
    [3, 'a:3', 'b:4 none:0 c:1'],
    [5, 'a:3 b:2', 'b:2 none:0 c:1'],
    [7, 'a:3 b:4 none:0', 'c:1'],
  ])('after %d', (count, first, rest) => {
    const halves = cut(batch, count);
    expect(halves?.map(shape)).toEqual([first, rest]);
    expect(halves?.map((half) => half.count)).toEqual([count, 8 - count]);
    const values = halves?.flatMap(metricsIn).flatMap(pointsOf);
    expect(values).toEqual(metricsIn(batch).flatMap(pointsOf));
    const sum = halves?.flatMap(metricsIn).filter(({ name }) => name === 'b');
    expect(sum?.every(({ data }) => data?.kind === 'sum' && data.isMonotonic)).toBe(true);
  });

  test('and not where there is nothing to cut', () => {
    expect(cut(batch, 8)).toBeUndefined();
    expect(cut(batch, 0)).toBeUndefined();
  });
});

test('log records are cut over scopes and resources, which keep what they are', () => {
  const group = (name: string, count: number) =>
    messageOf(
      Array.from({ length: count }, (_, i) => logRecord({ eventName: `${name}${i}` })),
      { resource: makeAttributes({ name }), scope: { name, version: '' } },
    ).resources;
  const message = { resources: [...group('a', 2), ...group('b', 3)] };
  const halves = cut(batchOf(logsCodec, message), 3);
  const [first, rest] = halves?.map((half) =>
    'payload' in half ? logsCodec.decode(half.payload.bytes).resources : [],
  ) ?? [[], []];
  expect(first?.map(({ scopes }) => scopes[0]?.items.map(({ eventName }) => eventName))).toEqual([
    ['a0', 'a1'],
    ['b0'],
  ]);
  expect(rest?.map(({ scopes }) => scopes[0]?.items.map(({ eventName }) => eventName))).toEqual([
    ['b1', 'b2'],
  ]);
  expect(rest?.[0]?.resource.attributes).toEqual(makeAttributes({ name: 'b' }));
  expect(rest?.[0]?.scopes[0]?.scope.name).toBe('b');
});

test('what was cut and joined again is what it was', () => {
  const records = Array.from({ length: 10 }, (_, i) => logRecord({ eventName: `${i}` }));
  const halves = cut(logsBatch(records), 4) ?? [];
  expect(recordsIn(join(halves))).toEqual(records);
  const metrics = metricsBatch([metric('a', points(5))]);
  const again = join(cut(metrics, 2) ?? []);
  expect(again.count).toBe(5);
  expect('payload' in again && metricsCodec.count(again.payload.message(metricsCodec))).toBe(5);
});
