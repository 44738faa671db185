/** The shape of a whole configuration. The sections of components stay untyped here: each
 *  component's own schema takes its part. */
import { z } from 'zod';
import { duration, endpoint } from './kinds.ts';

const section = () => z.record(z.string(), z.unknown()).default({});

const prometheusReader = z.strictObject({
  host: z.string().default('localhost').describe('Address to serve own metrics on.'),
  port: z.int().min(0).max(65_535).default(8888).describe('Port to serve own metrics on.'),
  without_scope_info: z
    .boolean()
    .default(true)
    .describe('Accepted; scope labels are never written.'),
  without_type_suffix: z.boolean().default(true).describe('Write counters without _total.'),
  without_units: z
    .boolean()
    .default(true)
    .describe('Write names without a unit like _seconds or _bytes at their end.'),
  with_resource_constant_labels: z
    .looseObject({})
    .optional()
    .describe('Accepted; resource labels are on target_info.'),
});

const reader = z.strictObject({
  pull: z
    .strictObject({
      exporter: z.strictObject({ prometheus: prometheusReader.prefault({}) }).prefault({}),
    })
    .optional()
    .describe('Serves them to whoever asks.'),
  periodic: z.looseObject({}).optional().describe('Accepted; own metrics are not pushed yet.'),
});

const logSampling = z.strictObject({
  enabled: z.boolean().default(true).describe('Leave out most of a message that repeats itself.'),
  tick: duration().prefault('10s').describe('Count repetitions anew this often.'),
  initial: z.int().nonnegative().default(10).describe('Write this many of a message each tick.'),
  thereafter: z
    .int()
    .nonnegative()
    .default(100)
    .describe('And of the rest one in this many; 0 writes none.'),
});

/** Keys of `resource` that are no attributes. */
const aside: ReadonlySet<string> = new Set(['detection/development', 'schema_url']);

/** Written as a map of attributes, or with a list of them as in OpenTelemetry's own files. */
const resource = z
  .looseObject({
    attributes: z
      .array(z.strictObject({ name: z.string(), value: z.unknown(), type: z.string().optional() }))
      .optional()
      .describe('The other way to write them: a list of name and value.'),
    'detection/development': z
      .looseObject({})
      .optional()
      .describe('Accepted; nothing is detected.'),
    schema_url: z.string().optional().describe('Accepted; has no effect.'),
  })
  .transform(({ attributes, ...others }, context): Record<string, unknown> => {
    const map = Object.fromEntries(Object.entries(others).filter(([key]) => !aside.has(key)));
    if (attributes === undefined) return map;
    if (Object.keys(map).length > 0) {
      const message = 'give attributes as a list or as keys, not both';
      context.addIssue({ code: 'custom', message });
    }
    return Object.fromEntries(attributes.map(({ name, value }) => [name, value]));
  });

const logs = z.strictObject({
  level: z
    .string()
    .transform((level) => level.toLowerCase())
    .pipe(z.enum(['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal']))
    .prefault('info')
    .describe('Least severe line to write: debug, info, warn, error or fatal.'),
  encoding: z.enum(['console', 'json']).default('console').describe('Readable lines or JSON.'),
  development: z.boolean().default(false).describe('Accepted; has no effect.'),
  disable_caller: z.boolean().default(false).describe('Accepted; lines name no source line.'),
  disable_stacktrace: z.boolean().default(false).describe('Accepted; lines have no stack trace.'),
  sampling: logSampling.prefault({}),
  output_paths: z.array(z.string()).default(['stderr']).describe('stderr, stdout or files.'),
  error_output_paths: z
    .array(z.string())
    .default(['stderr'])
    .describe('Accepted; faults of the log itself go to stderr.'),
  initial_fields: z.record(z.string(), z.unknown()).default({}).describe('Added to every line.'),
  processors: z
    .array(z.looseObject({}))
    .optional()
    .describe('Accepted; own logs are not sent yet.'),
});

const metrics = z
  .strictObject({
    level: z
      .enum(['none', 'basic', 'normal', 'detailed'])
      .default('normal')
      .describe(
        'none serves nothing, basic leaves out the batch processor, detailed adds byte sizes.',
      ),
    readers: z
      .array(reader)
      .prefault([{ pull: { exporter: { prometheus: { host: 'localhost', port: 8888 } } } }])
      .describe(
        'Where own metrics are served: pull.exporter.prometheus with host and port. Names are as a Collector writes them, or as Jaeger does with without_units and without_type_suffix false.',
      ),
    address: endpoint().optional().describe('Older form of a reader: host:port.'),
    views: z.array(z.looseObject({})).optional().describe('Accepted; has no effect.'),
  })
  .refine((block) => block.level === 'none' || block.readers.length > 0 || block.address, {
    message: 'a level other than none needs a reader',
  });

/** `service::telemetry`. */
export const TelemetrySettings = z.strictObject({
  logs: logs.prefault({}),
  metrics: metrics.prefault({}),
  traces: z.looseObject({}).optional().describe('Accepted; own traces are not recorded yet.'),
  resource: resource.prefault({}).describe('Attributes of this process; null removes one.'),
});

const pipeline = z.strictObject({
  receivers: z.array(z.string()).default([]).describe('Where data comes from.'),
  processors: z.array(z.string()).default([]).describe('What happens to it, in order.'),
  exporters: z.array(z.string()).default([]).describe('Where it goes.'),
});

/** The parts of `service` that other sections refer to, each to be decoded on its own when the whole
 *  has a fault elsewhere. */
export const ExtensionList = z
  .array(z.string())
  .default([])
  .describe('Extensions to run, in start order.');
export const PipelineMap = z.record(z.string(), pipeline).default({});

export const ServiceSettings = z.strictObject({
  extensions: ExtensionList,
  telemetry: TelemetrySettings.prefault({}),
  pipelines: PipelineMap,
});

export const ConfigDocument = z.strictObject({
  receivers: section(),
  processors: section(),
  exporters: section(),
  connectors: section(),
  extensions: section(),
  service: ServiceSettings.prefault({}),
});

export type ConfigDocument = z.output<typeof ConfigDocument>;
export type ServiceSection = ConfigDocument['service'];
export type PipelineSection = z.output<typeof pipeline>;
export type TelemetrySection = ServiceSection['telemetry'];
