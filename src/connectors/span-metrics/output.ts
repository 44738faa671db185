/** An aggregate as OTLP requests of a bounded number of points. */
import { messagesOfBytes, type MessageBatch } from '../../component/message-batch.ts';
import { metricsCodec } from '../../wire/otlp-messages/codec.ts';
import {
  Temporality,
  type Metric,
  type MetricData,
  type Point,
  type ResourceMetrics,
} from '../../model/metrics.ts';
import type { ResourceSeries, Series } from './aggregate.ts';

const POINTS_MAX = 10_000;
const SCOPE = 'spanmetricsconnector';

export interface OutputOptions {
  readonly tenant: string;
  /** '' or with its dot. */
  readonly prefix: string;
  readonly unit: string;
  readonly isDelta: boolean;
  /** The name of the counter; undefined: there is none. */
  readonly counter: 'calls' | 'events' | undefined;
  readonly timeNano: bigint;
  /** Where changes begin. */
  readonly lastNano: bigint;
}

export function* metricBatches(
  resources: Iterable<ResourceSeries>,
  options: OutputOptions,
): Generator<MessageBatch> {
  let pending: ResourceMetrics[] = [];
  let points = 0;
  for (const { attributes, series } of resources) {
    const all = [...series.values()];
    for (let from = 0; from < all.length; from += POINTS_MAX / 2) {
      const metrics = metricsOf(all.slice(from, from + POINTS_MAX / 2), options);
      pending.push(resourceMetrics(attributes, metrics));
      points += metrics.reduce((sum, { data }) => sum + (data?.points.length ?? 0), 0);
      if (points < POINTS_MAX) continue;
      yield batchOf(pending, points, options.tenant);
      pending = [];
      points = 0;
    }
  }
  if (points > 0) yield batchOf(pending, points, options.tenant);
}

function batchOf(resources: ResourceMetrics[], count: number, tenant: string): MessageBatch {
  const bytes = metricsCodec.encode({ resources });
  return messagesOfBytes({ signal: 'metrics', count, tenant, bytes });
}

function resourceMetrics(
  attributes: ResourceSeries['attributes'],
  metrics: Metric[],
): ResourceMetrics {
  const scope = { name: SCOPE, version: '', attributes: [], droppedAttributes: 0 };
  return {
    resource: { attributes: [...attributes], droppedAttributes: 0 },
    scopes: [{ scope, items: metrics, schemaUrl: '' }],
    schemaUrl: '',
  };
}

function metricsOf(series: readonly Series[], options: OutputOptions): Metric[] {
  const { prefix, unit, isDelta, counter } = options;
  const temporality = isDelta ? Temporality.delta : Temporality.cumulative;
  const metric = (name: string, metricUnit: string, data: MetricData): Metric => ({
    name: prefix + name,
    unit: metricUnit,
    description: '',
    metadata: [],
    data,
  });
  const counted = metric(counter ?? '', '', {
    kind: 'sum',
    temporality,
    isMonotonic: true,
    points: series.map((one) => ({
      ...pointOf(one, options),
      value: BigInt(one.calls),
      exemplars: [],
    })),
  });
  const durations = durationData(series, temporality, options).map((data) =>
    metric('duration', unit, data),
  );
  return [...(counter === undefined ? [] : [counted]), ...durations];
}

/** One kind of histogram, or none. */
function durationData(
  series: readonly Series[],
  temporality: number,
  options: OutputOptions,
): MetricData[] {
  const range = { min: undefined, max: undefined };
  const explicit = series.flatMap((one) => {
    if (one.durations?.kind !== 'explicit') return [];
    const { count, sum, counts, bounds } = one.durations;
    const buckets = { bucketCounts: [...counts], bounds: [...bounds] };
    const { exemplars } = one;
    return [{ ...pointOf(one, options), ...range, ...buckets, count, sum, exemplars }];
  });
  const exponential = series.flatMap((one) => {
    if (one.durations?.kind !== 'exponential') return [];
    const { count, sum, counts, offset, scale, zeroCount } = one.durations;
    const buckets = {
      positive: { offset, counts: [...counts] },
      negative: { offset: 0, counts: [] },
      zeroThreshold: 0,
    };
    const { exemplars } = one;
    const totals = { count, sum, scale, zeroCount };
    return [{ ...pointOf(one, options), ...range, ...buckets, ...totals, exemplars }];
  });
  if (explicit.length > 0) return [{ kind: 'histogram', temporality, points: explicit }];
  if (exponential.length === 0) return [];
  return [{ kind: 'exponential_histogram', temporality, points: exponential }];
}

function pointOf(series: Series, { isDelta, timeNano, lastNano }: OutputOptions): Point {
  return {
    attributes: [...series.attributes],
    startNano: isDelta ? lastNano : series.startNano,
    timeNano,
    flags: 0,
  };
}
