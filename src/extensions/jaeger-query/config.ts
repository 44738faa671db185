import { z } from 'zod';
import { fittingTransport, httpServerShape } from '../../component/server/config.ts';
import { duration } from '../../config/kinds.ts';

/** Parts of Jaeger's settings that this version reads and does not act on; a notice says so. */
const accepted = () => z.unknown().optional().describe('Accepted; has no effect in this version.');

const basePath = z
  .string()
  .default('')
  .transform((path, context) => {
    const trimmed = path.replace(/\/+$/, '');
    const isGood = trimmed === '' || /^(\/(?!\.{1,2}(\/|$))[^/\s?#]+)+$/.test(trimmed);
    if (isGood) return trimmed;
    const message = 'must start with / and have no empty, . or .. segments';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

export const QueryConfig = z.strictObject({
  storage: z.strictObject({
    traces: z.string().min(1).describe('The name of a backend in the jaeger_storage extension.'),
    traces_archive: accepted(),
    metrics: accepted(),
  }),
  base_path: basePath.describe('Put before every path, for reverse proxies: /jaeger.'),
  http: z
    .strictObject(httpServerShape({ endpoint: 'localhost:16686', bodyBytes: 2 ** 20 }))
    .superRefine(fittingTransport)
    .prefault({})
    .describe('The UI and the API.'),
  grpc: accepted(),
  ui: z
    .strictObject({
      assets_path: z.string().optional().describe('Serve the UI from this directory.'),
      config_file: accepted(),
      log_access: z.boolean().default(false).describe('Accepted; has no effect in this version.'),
    })
    .prefault({}),
  max_clock_skew_adjust: duration()
    .prefault(0)
    .describe('Move spans of skewed clocks by at most this much; 0 leaves times as they came.'),
  max_trace_size: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Refuse to return traces of more spans; 0 = no limit.'),
  multi_tenancy: z
    .object({ enabled: z.boolean().default(false) })
    .optional()
    .refine((tenancy) => tenancy?.enabled !== true, {
      message: 'tenants are not told apart by header in this version: it cannot be enabled',
    })
    .describe('Only enabled: false is accepted.'),
  bearer_token_propagation: accepted(),
  header_forwarding: accepted(),
  enable_tracing: accepted(),
  ai: accepted(),
  otlp_proxy: accepted(),
  query_interceptors: accepted(),
});

export type QueryConfig = z.output<typeof QueryConfig>;

/** What is written in the configuration and has no effect, for a notice. */
export function withoutEffect(config: QueryConfig): string[] {
  const top = (
    [
      'grpc',
      'bearer_token_propagation',
      'header_forwarding',
      'ai',
      'otlp_proxy',
      'query_interceptors',
    ] as const
  ).filter((key) => config[key] !== undefined && config[key] !== false);
  return [
    ...top,
    ...(config.storage.traces_archive === undefined ? [] : ['storage.traces_archive']),
    ...(config.storage.metrics === undefined ? [] : ['storage.metrics']),
    ...(config.ui.config_file === undefined ? [] : ['ui.config_file']),
  ];
}
