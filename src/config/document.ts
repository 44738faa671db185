/** The shape of a whole configuration. The sections of components stay untyped here: each
 *  component's own schema takes its part. */
import { z } from 'zod';
import { endpoint } from './kinds.ts';

const section = () => z.record(z.string(), z.unknown()).default({});

const prometheusReader = z.strictObject({
  host: z.string().default('localhost').describe('Address to serve own metrics on.'),
  port: z.int().min(0).max(65_535).default(8888).describe('Port to serve own metrics on.'),
  without_scope_info: z.boolean().optional().describe('Accepted; scope labels are never written.'),
  without_type_suffix: z
    .boolean()
    .optional()
    .describe('Accepted; names are as listed in the docs.'),
  without_units: z.boolean().optional().describe('Accepted; names are as listed in the docs.'),
  with_resource_constant_labels: z
    .looseObject({})
    .optional()
    .describe('Accepted; resource labels are on target_info.'),
});

const reader = z.strictObject({
  pull: z.strictObject({
    exporter: z.strictObject({ prometheus: prometheusReader.prefault({}) }).prefault({}),
  }),
});

const logs = z.strictObject({
  level: z
    .string()
    .transform((level) => level.toLowerCase())
    .pipe(z.enum(['debug', 'info', 'warn', 'error']))
    .prefault('info')
    .describe('Least severe line to write.'),
  encoding: z.enum(['console', 'json']).default('console').describe('Readable lines or JSON.'),
  development: z.boolean().default(false).describe('Accepted.'),
  disable_caller: z.boolean().default(false).describe('Accepted.'),
  disable_stacktrace: z.boolean().default(false).describe('Accepted.'),
  sampling: z.looseObject({}).optional().describe('Accepted; lines are not sampled.'),
  output_paths: z.array(z.string()).default(['stderr']).describe('stderr, stdout or files.'),
  error_output_paths: z.array(z.string()).default(['stderr']).describe('Accepted.'),
  initial_fields: z.record(z.string(), z.unknown()).default({}).describe('Added to every line.'),
});

const metrics = z
  .strictObject({
    level: z
      .enum(['none', 'basic', 'normal', 'detailed'])
      .default('normal')
      .describe('How much is measured; none serves nothing.'),
    readers: z
      .array(reader)
      .default([{ pull: { exporter: { prometheus: { host: 'localhost', port: 8888 } } } }])
      .describe('Where own metrics are served.'),
    address: endpoint().optional().describe('Older form of a reader: host:port.'),
    views: z.array(z.looseObject({})).optional().describe('Accepted.'),
  })
  .refine((block) => block.level === 'none' || block.readers.length > 0 || block.address, {
    message: 'a level other than none needs a reader',
  });

/** `service::telemetry`. */
export const TelemetrySettings = z.strictObject({
  logs: logs.prefault({}),
  metrics: metrics.prefault({}),
  traces: z.looseObject({}).optional().describe('Accepted; own traces are not recorded yet.'),
  resource: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Attributes of this process; null removes one.'),
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

export const ConfigDocument = z.strictObject({
  receivers: section(),
  processors: section(),
  exporters: section(),
  connectors: section(),
  extensions: section(),
  service: z
    .strictObject({
      extensions: ExtensionList,
      telemetry: TelemetrySettings.prefault({}),
      pipelines: PipelineMap,
    })
    .prefault({}),
});

export type ConfigDocument = z.output<typeof ConfigDocument>;
export type ServiceSection = ConfigDocument['service'];
export type PipelineSection = z.output<typeof pipeline>;
export type TelemetrySection = ServiceSection['telemetry'];
