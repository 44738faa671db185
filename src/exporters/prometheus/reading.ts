/** The last known value of a series, of whatever kind, and how a newer point changes it. */
import {
  Temporality,
  type Exemplar,
  type ExponentialPoint,
  type HistogramPoint,
  type MetricData,
  type NumberPoint,
  type SummaryPoint,
} from '../../model/metrics.ts';
import { type Exponential, sumOf } from './native-histogram.ts';

export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary';

export interface Times {
  readonly startNano: bigint;
  readonly timeNano: bigint;
}

export type Reading = Times &
  (
    | {
        readonly kind: 'number';
        readonly value: number;
        /** Added to what was there when a sum of changes goes on. */
        readonly exemplars: readonly Exemplar[];
      }
    | {
        readonly kind: 'histogram';
        readonly count: number;
        readonly sum: number | undefined;
        readonly bucketCounts: readonly number[];
        readonly bounds: readonly number[];
        readonly exemplars: readonly Exemplar[];
      }
    | (Exponential & {
        readonly kind: 'exponential';
        readonly count: number;
        readonly sum: number | undefined;
        readonly exemplars: readonly Exemplar[];
      })
    | {
        readonly kind: 'summary';
        readonly count: number;
        readonly sum: number;
        readonly quantiles: SummaryPoint['quantiles'];
      }
  );

/** What Prometheus calls it; undefined where it has no place for it. */
export function familyType(data: MetricData): FamilyType | undefined {
  switch (data.kind) {
    case 'gauge':
      return 'gauge';
    case 'summary':
      return 'summary';
    case 'histogram':
    case 'exponential_histogram':
      return data.temporality === Temporality.unspecified ? undefined : 'histogram';
    case 'sum':
      if (data.temporality === Temporality.unspecified) return undefined;
      if (data.isMonotonic) return 'counter';
      return data.temporality === Temporality.cumulative ? 'gauge' : undefined;
  }
}

export type AnyPoint = NumberPoint | HistogramPoint | ExponentialPoint | SummaryPoint;

export function readingOf(point: AnyPoint): Reading {
  const { startNano, timeNano } = point;
  if ('quantiles' in point) {
    const { count, sum, quantiles } = point;
    return { kind: 'summary', startNano, timeNano, count, sum, quantiles };
  }
  if ('value' in point) {
    const { exemplars } = point;
    return { kind: 'number', startNano, timeNano, value: Number(point.value ?? 0), exemplars };
  }
  const { count, sum, exemplars } = point;
  if ('scale' in point) {
    const { scale, zeroCount, zeroThreshold, positive, negative } = point;
    const buckets = { scale, zeroCount, zeroThreshold, positive, negative };
    return { kind: 'exponential', startNano, timeNano, count, sum, exemplars, ...buckets };
  }
  const { bucketCounts, bounds } = point;
  return { kind: 'histogram', startNano, timeNano, count, sum, bucketCounts, bounds, exemplars };
}

/** The reading after a point of changes that goes on where the last one ended. */
export function added(last: Reading, next: Reading): Reading {
  const { startNano } = last;
  if (last.kind === 'number' && next.kind === 'number') {
    return { ...next, startNano, value: last.value + next.value };
  }
  if (last.kind === 'exponential' && next.kind === 'exponential') {
    const buckets = sumOf(last, next);
    if (buckets === undefined) return next;
    const count = last.count + next.count;
    return { ...next, ...buckets, startNano, count, sum: sumOfSums(last.sum, next.sum) };
  }
  if (last.kind !== 'histogram' || next.kind !== 'histogram') return next;
  if (!sameBounds(last.bounds, next.bounds)) return next;
  return {
    ...next,
    startNano,
    count: last.count + next.count,
    sum: sumOfSums(last.sum, next.sum),
    bucketCounts: next.bucketCounts.map((count, i) => count + (last.bucketCounts[i] ?? 0)),
  };
}

function sumOfSums(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function sameBounds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

/** About what it takes in memory. */
export function readingBytes(reading: Reading): number {
  if (reading.kind === 'number') return 100 + reading.exemplars.length * 200;
  if (reading.kind === 'summary') return 100 + reading.quantiles.length * 40;
  if (reading.kind === 'exponential') {
    const buckets = reading.positive.counts.length + reading.negative.counts.length;
    return 250 + buckets * 8 + reading.exemplars.length * 200;
  }
  return 150 + reading.bounds.length * 16 + reading.exemplars.length * 200;
}
