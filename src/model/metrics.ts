/** An OTLP metrics request as JavaScript objects, for the few components that look into metrics:
 *  those that only pass metrics on never make these. Times and integer values are exact (bigint);
 *  counts are numbers, exact below 2^53. */
import type { KeyValue } from './attribute.ts';
import {
  mapChanged,
  type Measure,
  type ResourceGroup,
  type SignalMessage,
} from './signal-message.ts';

export type MetricsMessage = SignalMessage<Metric>;
export type ResourceMetrics = ResourceGroup<Metric>;

export interface Metric {
  name: string;
  description: string;
  unit: string;
  metadata: KeyValue[];
  /** Undefined where the sender named a metric and gave nothing. */
  data: MetricData | undefined;
}

export type MetricData = Gauge | Sum | HistogramData | ExponentialHistogramData | Summary;

export const Temporality = { unspecified: 0, delta: 1, cumulative: 2 } as const;

export interface Gauge {
  kind: 'gauge';
  points: NumberPoint[];
}

export interface Sum {
  kind: 'sum';
  points: NumberPoint[];
  temporality: number;
  isMonotonic: boolean;
}

export interface HistogramData {
  kind: 'histogram';
  points: HistogramPoint[];
  temporality: number;
}

export interface ExponentialHistogramData {
  kind: 'exponential_histogram';
  points: ExponentialPoint[];
  temporality: number;
}

export interface Summary {
  kind: 'summary';
  points: SummaryPoint[];
}

/** What points of every kind have. */
export interface Point {
  attributes: KeyValue[];
  startNano: bigint;
  timeNano: bigint;
  flags: number;
}

/** Flag of a point: the series has ended, there is no value. */
export const NO_RECORDED_VALUE = 1;

export interface NumberPoint extends Point {
  /** A bigint where an integer was sent; undefined where nothing was. */
  value: number | bigint | undefined;
  exemplars: Exemplar[];
}

export interface HistogramPoint extends Point {
  count: number;
  sum: number | undefined;
  /** One more than `bounds`, or none. */
  bucketCounts: number[];
  bounds: number[];
  exemplars: Exemplar[];
  min: number | undefined;
  max: number | undefined;
}

export interface ExponentialBuckets {
  offset: number;
  counts: number[];
}

export interface ExponentialPoint extends Point {
  count: number;
  sum: number | undefined;
  scale: number;
  zeroCount: number;
  positive: ExponentialBuckets;
  negative: ExponentialBuckets;
  exemplars: Exemplar[];
  min: number | undefined;
  max: number | undefined;
  zeroThreshold: number;
}

export interface QuantileValue {
  quantile: number;
  value: number;
}

export interface SummaryPoint extends Point {
  count: number;
  sum: number;
  quantiles: QuantileValue[];
}

export interface Exemplar {
  timeNano: bigint;
  value: number | bigint | undefined;
  /** Raw bytes, empty when absent. */
  spanId: Uint8Array;
  traceId: Uint8Array;
  attributes: KeyValue[];
}

export type PointEdit = <P extends Point>(point: P) => P | undefined;

/** The data with `edit` done to every point, those left out for which it gives undefined; the same
 *  data when nothing changed. */
export function mapPoints(data: MetricData, edit: PointEdit): MetricData {
  switch (data.kind) {
    case 'gauge':
      return edited(data, edit);
    case 'sum':
      return edited(data, edit);
    case 'histogram':
      return edited(data, edit);
    case 'exponential_histogram':
      return edited(data, edit);
    case 'summary':
      return edited(data, edit);
  }
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- ties the points to their data
function edited<P extends Point, Data extends { points: P[] }>(data: Data, edit: PointEdit): Data {
  const points = mapChanged(data.points, (point) => edit(point));
  return points === data.points ? data : { ...data, points };
}

/** A metric counts as its points, and is cut between them. */
export const METRIC_MEASURE: Measure<Metric> = {
  size: ({ data }) => data?.points.length ?? 0,
  split(metric, at) {
    if (metric.data === undefined) return [metric, metric];
    return [withPoints(metric, metric.data, 0, at), withPoints(metric, metric.data, at)];
  },
};

// oxlint-disable-next-line max-params -- a range
function withPoints(metric: Metric, data: MetricData, from: number, to?: number): Metric {
  let at = 0;
  const end = to ?? Number.POSITIVE_INFINITY;
  const kept = mapPoints(data, (point) => {
    const index = at++;
    return index >= from && index < end ? point : undefined;
  });
  return { ...metric, data: kept };
}
