/** Conditions about data points. `metric.*`, `scope.*` and `resource.*` speak of what is around. A
 *  path that points of the kind do not have is nil. */

import type {
  ExponentialBuckets,
  ExponentialPoint,
  HistogramPoint,
  NumberPoint,
  Point,
  SummaryPoint,
} from '../../model/metrics.ts';
import type { Context } from '../context.ts';
import { OttlTime, type Value } from '../value.ts';
import { METRIC_ENUMS, metricPath, type MetricItem } from './metric.ts';
import { attributesPath } from './resource-scope.ts';

export interface DatapointItem extends MetricItem {
  readonly point: Point;
}

export const datapointContext: Context<DatapointItem> = {
  name: 'datapoint',
  enums: { ...METRIC_ENUMS, FLAG_NONE: 0n, FLAG_NO_RECORDED_VALUE: 1n },
  path(names, firstKey) {
    const name = names.join('.');
    if (name === 'attributes') return attributesPath(({ point }) => point.attributes, firstKey);
    const read = FIELDS[name];
    if (read !== undefined) return { get: ({ point }) => read(point) };
    if (names[0] === 'metric' && names.length > 1) return metricPath(names.slice(1), firstKey);
    const isAround = ['resource', 'scope', 'instrumentation_scope'].includes(names[0] ?? '');
    return isAround ? metricPath(names, firstKey) : undefined;
  },
};

/** A point may be of any kind: its fields are there or not. */
type AnyPoint = Point &
  Partial<
    Pick<NumberPoint, 'value'> &
      Pick<HistogramPoint, 'count' | 'sum' | 'bucketCounts' | 'bounds' | 'exemplars'> &
      Pick<ExponentialPoint, 'scale' | 'zeroCount' | 'positive' | 'negative' | 'zeroThreshold'> &
      Pick<SummaryPoint, 'quantiles'>
  >;

const FIELDS: Readonly<Record<string, (point: AnyPoint) => Value>> = {
  start_time: ({ startNano }) => new OttlTime(startNano),
  start_time_unix_nano: ({ startNano }) => BigInt.asIntN(64, startNano),
  time: ({ timeNano }) => new OttlTime(timeNano),
  time_unix_nano: ({ timeNano }) => BigInt.asIntN(64, timeNano),
  flags: ({ flags }) => BigInt(flags),
  // As in the Collector, the value of the other type reads as zero.
  value_double: (point) =>
    'value' in point ? (typeof point.value === 'number' ? point.value : 0) : null,
  value_int: (point) =>
    'value' in point ? (typeof point.value === 'bigint' ? point.value : 0n) : null,
  exemplars: ({ exemplars }) =>
    exemplars?.map(({ value, timeNano }) => {
      const fields: [string, Value][] = [
        ['value', value ?? null],
        ['time_unix_nano', BigInt.asIntN(64, timeNano)],
      ];
      return new Map(fields);
    }) ?? null,
  count: ({ count }) => whole(count),
  sum: ({ sum }) => sum ?? null,
  bucket_counts: ({ bucketCounts }) => bucketCounts?.map(BigInt) ?? null,
  explicit_bounds: ({ bounds }) => bounds ?? null,
  scale: ({ scale }) => whole(scale),
  zero_count: ({ zeroCount }) => whole(zeroCount),
  zero_threshold: ({ zeroThreshold }) => zeroThreshold ?? null,
  ...buckets('positive'),
  ...buckets('negative'),
  quantile_values: ({ quantiles }) =>
    quantiles?.map(({ quantile, value }) => new Map(Object.entries({ quantile, value }))) ?? null,
};

function buckets(side: 'positive' | 'negative'): Record<string, (point: AnyPoint) => Value> {
  const counts = (of: ExponentialBuckets): Value => of.counts.map(BigInt);
  return {
    [side]: (point) => {
      const of = point[side];
      if (of === undefined) return null;
      const fields: [string, Value][] = [
        ['offset', BigInt(of.offset)],
        ['bucket_counts', counts(of)],
      ];
      return new Map(fields);
    },
    [`${side}.offset`]: (point) => whole(point[side]?.offset),
    [`${side}.bucket_counts`]: (point) => {
      const of = point[side];
      return of === undefined ? null : counts(of);
    },
  };
}

function whole(value: number | undefined): Value {
  return value === undefined ? null : BigInt(value);
}
