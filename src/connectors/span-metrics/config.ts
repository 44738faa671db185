import { z } from 'zod';
import { duration, unavailable } from '../../config/kinds.ts';

const DEFAULT_BUCKETS =
  '2ms 4ms 6ms 8ms 10ms 50ms 100ms 200ms 400ms 800ms 1s 1400ms 2s 5s 10s 15s'.split(' ');

const dimension = z.strictObject({
  name: z.string().min(1).describe('Attribute of the span, else of its resource; `*` is any text.'),
  default: z.string().optional().describe('Value of spans without it; left out: no label.'),
});

const dimensions = () => z.array(dimension).default([]);

const histogram = z
  .strictObject({
    disable: z.boolean().default(false).describe('Count calls only.'),
    unit: z.enum(['ms', 's']).default('ms').describe('Unit of durations.'),
    dimensions: dimensions().describe('Labels of the histogram only.'),
    explicit: z
      .strictObject({
        buckets: z
          .array(duration())
          .min(1)
          .prefault(DEFAULT_BUCKETS)
          .describe('Upper bounds of the buckets, ascending.'),
      })
      .refine(
        ({ buckets }) => buckets.every((bound, i) => i === 0 || bound > (buckets[i - 1] ?? 0)),
        { message: 'buckets must ascend' },
      )
      .optional(),
    exponential: z
      .strictObject({
        max_size: z.int().min(2).max(16_384).default(160).describe('Most buckets.'),
      })
      .optional(),
  })
  .refine(({ explicit, exponential }) => explicit === undefined || exponential === undefined, {
    message: 'give explicit or exponential, not both',
  })
  .prefault({});

const exemplars = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Point from histograms to spans.'),
    max_per_data_point: z
      .int()
      .positive()
      .default(5)
      .describe('Most spans that one point refers to.'),
  })
  .prefault({});

const events = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Count the events of spans too.'),
    dimensions: dimensions().describe(
      'Labels of that counter besides those of spans: attributes of the span, else of the event, else of the resource.',
    ),
  })
  .refine(({ enabled, dimensions: labels }) => !enabled || labels.length > 0, {
    message: 'counting events needs dimensions: name an attribute of the events',
  })
  .prefault({});

export const SpanMetricsConfig = z
  .strictObject({
    histogram,
    dimensions: dimensions().describe('Labels besides the default ones.'),
    calls_dimensions: dimensions().describe('Labels of the call counter only.'),
    exclude_dimensions: z.array(z.string()).default([]).describe('Default labels to leave out.'),
    namespace: z
      .string()
      .default('traces.span.metrics')
      .describe('Put before the metric names, with a dot.'),
    metrics_flush_interval: duration().prefault('60s').describe('Send metrics this often.'),
    metrics_expiration: duration()
      .prefault('0s')
      .describe('Forget a resource not heard of for this long; 0 never does.'),
    series_expiration: duration()
      .prefault('0s')
      .describe('Forget a series not heard of for this long; 0 never does.'),
    aggregation_temporality: z
      .enum(['AGGREGATION_TEMPORALITY_CUMULATIVE', 'AGGREGATION_TEMPORALITY_DELTA'])
      .default('AGGREGATION_TEMPORALITY_CUMULATIVE')
      .describe('Totals since the start, or changes since the last time.'),
    aggregation_cardinality_limit: z
      .int()
      .nonnegative()
      .default(0)
      .describe(
        'Most series of a resource; what comes on top is counted in one. 0: 100,000 in all.',
      ),
    resource_metrics_cache_size: z
      .int()
      .positive()
      .default(1000)
      .describe('Most resources; the one not heard of for longest goes.'),
    resource_metrics_key_attributes: z
      .array(z.string())
      .default([])
      .describe('Resource attributes that tell resources apart; none given: all of them.'),
    dimensions_cache_size: z.int().optional().describe('Accepted; nothing to size here.'),
    metric_timestamp_cache_size: z.int().optional().describe('Accepted; nothing to size here.'),
    exemplars,
    events,
    include_instrumentation_scope: z
      .array(z.string())
      .default([])
      .describe(
        'Scopes whose spans get the labels span.instrumentation.scope.name and span.instrumentation.scope.version.',
      ),
    add_resource_attributes: z
      .boolean()
      .default(true)
      .describe(
        'Metrics keep the resource of their spans. false: all are of one resource without attributes, told apart by their labels alone.',
      ),
    enable_metrics_sampling_method: unavailable(
      'is not supported yet: each span counts as one, whatever its tracestate says',
    ),
  })
  .refine(({ metrics_flush_interval: interval }) => interval > 0, {
    message: 'metrics_flush_interval must be longer than 0',
  });

export type SpanMetricsConfig = z.output<typeof SpanMetricsConfig>;
export type Dimension = z.output<typeof dimension>;

/** Upper bounds in milliseconds. */
export function bucketsOf({ explicit }: SpanMetricsConfig['histogram']): readonly number[] {
  return explicit?.buckets ?? histogram.parse({ explicit: {} }).explicit?.buckets ?? [];
}
