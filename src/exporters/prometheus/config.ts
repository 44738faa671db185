import { z } from 'zod';
import { fittingTransport, httpServerShape, listenAddress } from '../../component/server/config.ts';
import { duration, unavailable } from '../../config/kinds.ts';

const NO_QUEUE = 'is not needed: points are only remembered, and that cannot fail';

const resourceConversion = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Make every resource attribute a label.'),
    exclude_service_attributes: z
      .boolean()
      .default(false)
      .describe('Leave out service.name, service.namespace and service.instance.id.'),
  })
  .prefault({});

const patterns = () => z.array(z.string().min(1)).default([]);

const resourceLabels = z
  .strictObject({
    included: patterns().describe(
      'Resource attributes that become labels; `*` is any text, `?` any character.',
    ),
    excluded: patterns().describe('Of these, the ones that do not.'),
  })
  .prefault({});

export const translationStrategies = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;

export type TranslationStrategy = (typeof translationStrategies)[number];

export const PrometheusConfig = z
  .strictObject({
    ...httpServerShape({ endpoint: 'localhost:0' }),
    endpoint: listenAddress().describe('Address to serve /metrics on.'),
    namespace: z.string().default('').describe('Put before every metric name.'),
    const_labels: z
      .record(z.string(), z.string())
      .default({})
      .describe('Labels that every series gets.'),
    send_timestamps: z
      .boolean()
      .default(false)
      .describe('Tell when each value was measured instead of leaving that to the scrape.'),
    metric_expiration: duration()
      .prefault('5m')
      .describe('Forget a series that has not been heard of for this long.'),
    enable_open_metrics: z
      .boolean()
      .default(false)
      .describe(
        'Answer in OpenMetrics where the scraper asks for it; exemplars appear only there.',
      ),
    resource_to_telemetry_conversion: resourceConversion,
    translation_strategy: z
      .enum(translationStrategies)
      .optional()
      .describe('How names become Prometheus names; the first is the default.'),
    add_metric_suffixes: z
      .boolean()
      .default(true)
      .describe('Add unit and type to names; false is UnderscoreEscapingWithoutSuffixes.'),
    without_scope_info: z.boolean().default(false).describe('Leave out the otel_scope_* labels.'),
    resource_constant_labels: resourceLabels,
    sending_queue: unavailable(NO_QUEUE),
    retry_on_failure: unavailable(NO_QUEUE),
    timeout: unavailable(NO_QUEUE),
  })
  .superRefine(fittingTransport)
  .transform(({ translation_strategy: strategy, add_metric_suffixes: suffixes, ...config }) => ({
    ...config,
    translation_strategy:
      strategy ??
      (suffixes
        ? ('UnderscoreEscapingWithSuffixes' as const)
        : 'UnderscoreEscapingWithoutSuffixes'),
  }));

export type PrometheusConfig = z.output<typeof PrometheusConfig>;
