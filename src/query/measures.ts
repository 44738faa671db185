/** What people call the numbers of an aggregate: rates, shares, averages, windows of time. */

import { addCounts, quantileOf } from '../model/duration-histogram.ts';
import type { AggregatePoint, TimeRange } from '../storage/contract.ts';

const SECOND_NANO = 1e9;

/** Of a point: how long the part of its bucket is that lies in the range. Without a step the bucket is
 *  the range. */
export function secondsOf(
  { startNano }: Pick<AggregatePoint, 'startNano'>,
  range: TimeRange,
  stepNano: bigint | undefined,
): number {
  const end = stepNano === undefined ? range.endNano : startNano + stepNano;
  const from = startNano > range.startNano ? startNano : range.startNano;
  const to = end < range.endNano ? end : range.endNano;
  return Number(to - from) / SECOND_NANO;
}

export interface Window {
  readonly spans: number;
  readonly errors: number;
  /** undefined without spans. Durations, within the error of a histogram. */
  quantile(quantile: number): number | undefined;
}

/** The points with histograms that begin in the window, as one. */
export function windowOf(points: readonly AggregatePoint[], range: TimeRange): Window {
  const inside = points.filter(
    ({ startNano }) => startNano >= range.startNano && startNano < range.endNano,
  );
  const buckets = new Map<number, number>();
  let [spans, errors, min, max] = [0, 0, Infinity, 0];
  for (const point of inside) {
    spans += point.spans;
    errors += point.errors;
    min = Math.min(min, point.min ?? Infinity);
    max = Math.max(max, point.max ?? 0);
    addCounts(buckets, point.histogram ?? new Map());
  }
  return { spans, errors, quantile: (quantile) => quantileOf(buckets, quantile, { min, max }) };
}
