/** The messages of metrics.proto, fields in the order of their numbers. */
import type {
  Exemplar,
  ExponentialBuckets,
  ExponentialHistogramData,
  ExponentialPoint,
  Gauge,
  HistogramData,
  HistogramPoint,
  Metric,
  MetricData,
  NumberPoint,
  QuantileValue,
  Sum,
  Summary,
  SummaryPoint,
} from '../../model/metrics.ts';
import { keyValue } from './any-value.ts';
import { many, message, one, optional, packed, type Field } from './message.ts';
import {
  bool,
  double,
  fixed64,
  id,
  nano,
  sfixed64,
  sint32,
  text,
  uint32,
  uint64,
  type Kind,
} from './scalars.ts';
import { signalMessage } from './signal.ts';

const point = () => ({ attributes: [], startNano: 0n, timeNano: 0n, flags: 0 });

/** `as_double` and `as_int`, which are one value. */
function valueFields<T extends { value: number | bigint | undefined }>(
  asDouble: number,
  asInt: number,
): Field<T>[] {
  return [
    optional<T, number>(asDouble, double, {
      get: ({ value }) => (typeof value === 'number' ? value : undefined),
      set: (target, value) => void (target.value = value),
    }),
    optional<T, bigint>(asInt, sfixed64, {
      get: ({ value }) => (typeof value === 'bigint' ? value : undefined),
      set: (target, value) => void (target.value = value),
    }),
  ];
}

function sum<T extends { sum: number | undefined }>(number: number): Field<T> {
  return optional(number, double, {
    get: (source) => source.sum,
    set: (target, value) => void (target.sum = value),
  });
}

function range<T extends { min: number | undefined; max: number | undefined }>(
  first: number,
): Field<T>[] {
  return [
    optional(first, double, {
      get: (source) => source.min,
      set: (target, value) => void (target.min = value),
    }),
    optional(first + 1, double, {
      get: (source) => source.max,
      set: (target, value) => void (target.max = value),
    }),
  ];
}

const exemplar = message<Exemplar>({
  name: 'Exemplar',
  empty: () => ({
    timeNano: 0n,
    value: undefined,
    spanId: new Uint8Array(0),
    traceId: new Uint8Array(0),
    attributes: [],
  }),
  fields: [
    one(2, 'timeNano', nano),
    one(4, 'spanId', id(8)),
    one(5, 'traceId', id(16)),
    ...valueFields<Exemplar>(3, 6),
    many(7, keyValue, ({ attributes }) => attributes),
  ],
});

const numberPoint = message<NumberPoint>({
  name: 'NumberDataPoint',
  empty: () => ({ ...point(), value: undefined, exemplars: [] }),
  fields: [
    one(2, 'startNano', nano),
    one(3, 'timeNano', nano),
    many(5, exemplar, ({ exemplars }) => exemplars),
    ...valueFields<NumberPoint>(4, 6),
    many(7, keyValue, ({ attributes }) => attributes),
    one(8, 'flags', uint32),
  ],
});

const histogramPoint = message<HistogramPoint>({
  name: 'HistogramDataPoint',
  empty: () => ({
    ...point(),
    count: 0,
    sum: undefined,
    bucketCounts: [],
    bounds: [],
    exemplars: [],
    min: undefined,
    max: undefined,
  }),
  fields: [
    one(2, 'startNano', nano),
    one(3, 'timeNano', nano),
    one(4, 'count', fixed64),
    sum(5),
    packed(6, fixed64, ({ bucketCounts }) => bucketCounts),
    packed(7, double, ({ bounds }) => bounds),
    many(8, exemplar, ({ exemplars }) => exemplars),
    many(9, keyValue, ({ attributes }) => attributes),
    one(10, 'flags', uint32),
    ...range<HistogramPoint>(11),
  ],
});

const buckets = message<ExponentialBuckets>({
  name: 'Buckets',
  empty: () => ({ offset: 0, counts: [] }),
  fields: [one(1, 'offset', sint32), packed(2, uint64, ({ counts }) => counts)],
});

const exponentialPoint = message<ExponentialPoint>({
  name: 'ExponentialHistogramDataPoint',
  empty: () => ({
    ...point(),
    count: 0,
    sum: undefined,
    scale: 0,
    zeroCount: 0,
    positive: { offset: 0, counts: [] },
    negative: { offset: 0, counts: [] },
    exemplars: [],
    min: undefined,
    max: undefined,
    zeroThreshold: 0,
  }),
  fields: [
    many(1, keyValue, ({ attributes }) => attributes),
    one(2, 'startNano', nano),
    one(3, 'timeNano', nano),
    one(4, 'count', fixed64),
    sum(5),
    one(6, 'scale', sint32),
    one(7, 'zeroCount', fixed64),
    one(8, 'positive', buckets),
    one(9, 'negative', buckets),
    one(10, 'flags', uint32),
    many(11, exemplar, ({ exemplars }) => exemplars),
    ...range<ExponentialPoint>(12),
    one(14, 'zeroThreshold', double),
  ],
});

const quantile = message<QuantileValue>({
  name: 'ValueAtQuantile',
  empty: () => ({ quantile: 0, value: 0 }),
  fields: [one(1, 'quantile', double), one(2, 'value', double)],
});

const summaryPoint = message<SummaryPoint>({
  name: 'SummaryDataPoint',
  empty: () => ({ ...point(), count: 0, sum: 0, quantiles: [] }),
  fields: [
    one(2, 'startNano', nano),
    one(3, 'timeNano', nano),
    one(4, 'count', fixed64),
    one(5, 'sum', double),
    many(6, quantile, ({ quantiles }) => quantiles),
    many(7, keyValue, ({ attributes }) => attributes),
    one(8, 'flags', uint32),
  ],
});

const gauge = message<Gauge>({
  name: 'Gauge',
  empty: () => ({ kind: 'gauge', points: [] }),
  fields: [many(1, numberPoint, ({ points }) => points)],
});

const sumData = message<Sum>({
  name: 'Sum',
  empty: () => ({ kind: 'sum', points: [], temporality: 0, isMonotonic: false }),
  fields: [
    many(1, numberPoint, ({ points }) => points),
    one(2, 'temporality', uint32),
    one(3, 'isMonotonic', bool),
  ],
});

const histogram = message<HistogramData>({
  name: 'Histogram',
  empty: () => ({ kind: 'histogram', points: [], temporality: 0 }),
  fields: [many(1, histogramPoint, ({ points }) => points), one(2, 'temporality', uint32)],
});

const exponentialHistogram = message<ExponentialHistogramData>({
  name: 'ExponentialHistogram',
  empty: () => ({ kind: 'exponential_histogram', points: [], temporality: 0 }),
  fields: [many(1, exponentialPoint, ({ points }) => points), one(2, 'temporality', uint32)],
});

const summary = message<Summary>({
  name: 'Summary',
  empty: () => ({ kind: 'summary', points: [] }),
  fields: [many(1, summaryPoint, ({ points }) => points)],
});

/** One of the five, in the field of its own number. */
function data<D extends MetricData>(
  number: number,
  kind: Kind<D>,
  is: (data: MetricData) => data is D,
): Field<Metric> {
  return optional<Metric, D>(number, kind, {
    get: (source) => (source.data && is(source.data) ? source.data : undefined),
    set: (target, value) => void (target.data = value),
  });
}

const metric = message<Metric>({
  name: 'Metric',
  empty: () => ({ name: '', description: '', unit: '', metadata: [], data: undefined }),
  fields: [
    one(1, 'name', text),
    one(2, 'description', text),
    one(3, 'unit', text),
    data(5, gauge, (value) => value.kind === 'gauge'),
    data(7, sumData, (value) => value.kind === 'sum'),
    data(9, histogram, (value) => value.kind === 'histogram'),
    data(10, exponentialHistogram, (value) => value.kind === 'exponential_histogram'),
    data(11, summary, (value) => value.kind === 'summary'),
    many(12, keyValue, ({ metadata }) => metadata),
  ],
});

export const metricsMessage = signalMessage({
  groups: 'ResourceMetrics',
  scopes: 'ScopeMetrics',
  request: 'ExportMetricsServiceRequest',
  item: metric,
});
