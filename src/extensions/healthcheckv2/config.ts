import { z } from 'zod';
import { fittingTransport, httpServerShape } from '../../component/server/config.ts';
import { enabled, optionalBlock } from '../../config/kinds.ts';

const path = (suffix: string, on: boolean) =>
  z
    .strictObject({
      enabled: z.boolean().default(on).describe('Serve this path.'),
      path: z.string().startsWith('/').default(suffix).describe('Where it is served.'),
    })
    .prefault({});

export const HealthConfig = z.strictObject({
  use_v2: z.boolean().default(true).describe('Accepted; this form is the only one.'),
  http: optionalBlock(
    z
      .strictObject({
        ...httpServerShape({ endpoint: 'localhost:13133' }),
        status: path('/status', true),
        config: path('/config', false),
        enabled: enabled(),
      })
      .superRefine(fittingTransport),
  )
    .prefault({})
    .describe('Health over HTTP.'),
  grpc: z.looseObject({}).optional().describe('Accepted; health over gRPC is not served yet.'),
  component_health: z
    .strictObject({
      include_permanent_errors: z.boolean().default(true).describe('They make the answer 500.'),
      include_recoverable_errors: z.boolean().default(false).describe('They make the answer 503.'),
      recovery_duration: z.string().optional().describe('Accepted.'),
    })
    .prefault({}),
});

export type HealthConfig = z.output<typeof HealthConfig>;
