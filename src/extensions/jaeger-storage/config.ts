import { z } from 'zod';
import { duration } from '../../config/kinds.ts';

/** What every engine's own schema has. */
export interface EngineConfig {
  readonly directory: string;
}

const MemoryConfig = z.strictObject({
  max_traces: z
    .int()
    .positive()
    .default(100_000)
    .describe('The oldest traces are removed when there are more.'),
});

const BadgerConfig = z.strictObject({
  ephemeral: z.boolean().default(true).describe('Keep the data in a temporary directory.'),
  directories: z
    .strictObject({
      keys: z.string().optional().describe('Accepted; everything lies under values.'),
      values: z.string().optional().describe('Where the data lies.'),
    })
    .prefault({}),
  ttl: z
    .strictObject({ spans: duration().prefault('72h').describe('As retention.max_age.') })
    .prefault({}),
  consistency: z.boolean().default(false).describe('Accepted; every write is durable.'),
  maintenance_interval: duration().optional().describe('Accepted; the store looks after itself.'),
  metrics_update_interval: duration()
    .optional()
    .describe('Accepted; own metrics are read when asked for.'),
  read_only: z
    .boolean()
    .default(false)
    .refine((isOn) => !isOn, { message: 'a store cannot be opened for reading alone' })
    .describe('Only false is accepted.'),
});

/** Backends that Jaeger knows and this version does not have. */
const missing = ['grpc', 'cassandra', 'elasticsearch', 'opensearch', 'clickhouse'] as const;
const known = ['embedded', 'memory', 'badger'] as const;

const absent = () => z.unknown().optional().describe('Not available in this version.');

const named = (embedded: z.ZodType<EngineConfig>) =>
  z
    .strictObject({
      embedded: embedded.optional().describe('Durable columnar storage on this machine.'),
      memory: MemoryConfig.optional().describe('The embedded engine in a temporary directory.'),
      badger: BadgerConfig.optional().describe('Settings of Badger, carried over to embedded.'),
      grpc: absent(),
      cassandra: absent(),
      elasticsearch: absent(),
      opensearch: absent(),
      clickhouse: absent(),
    })
    .superRefine((backend, context) => {
      const unavailable = missing.filter((type) => backend[type] !== undefined);
      const chosen = known.filter((type) => backend[type] !== undefined);
      for (const type of unavailable) {
        const message = `the backend ${type} is not available in this version, use embedded`;
        context.addIssue({ code: 'custom', message });
      }
      if (unavailable.length === 0 && chosen.length !== 1) {
        const message = `name exactly one backend of ${known.join(', ')}`;
        context.addIssue({ code: 'custom', message });
      }
      if (backend.badger?.ephemeral === false && backend.badger.directories.values === undefined) {
        const message = 'badger with ephemeral: false needs directories.values';
        context.addIssue({ code: 'custom', message });
      }
    });

/** The schema of the extension around that of the engine. */
export const storageConfig = (embedded: z.ZodType<EngineConfig>) =>
  z
    .strictObject({
      backends: z
        .record(z.string(), named(embedded))
        .default({})
        .describe('Trace storage by name.'),
      metric_backends: z
        .record(z.string(), z.unknown())
        .default({})
        .describe('Not available in this version.'),
    })
    .refine(({ metric_backends: metric }) => Object.keys(metric).length === 0, {
      message: 'metric_backends are not available in this version',
    });

export type BackendConfig = z.output<ReturnType<typeof named>>;
export type StorageConfig = z.output<ReturnType<typeof storageConfig>>;
