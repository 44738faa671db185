import { z } from 'zod';
import {
  fittingTransport,
  grpcServerShape,
  httpServerShape,
} from '../../component/server/config.ts';
import { duration, enabled, optionalBlock } from '../../config/kinds.ts';

const http = z
  .strictObject({
    ...httpServerShape({ endpoint: 'localhost:13133' }),
    status: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Serve this path.'),
        path: z.string().startsWith('/').default('/status').describe('Where it is served.'),
      })
      .prefault({}),
    config: z
      .strictObject({
        enabled: z
          .boolean()
          .default(false)
          .refine((isOn) => !isOn, {
            message: 'the configuration is not served: see spoor print-config',
          })
          .describe('The configuration is not served.'),
        path: z.string().startsWith('/').default('/config').describe('Accepted; has no effect.'),
      })
      .prefault({}),
    enabled: enabled(),
  })
  .superRefine(fittingTransport);

const grpc = z
  .strictObject({ ...grpcServerShape({ endpoint: 'localhost:13132' }), enabled: enabled() })
  .superRefine(fittingTransport);

export const HealthConfig = z.strictObject({
  use_v2: z
    .boolean()
    .default(true)
    .refine((isOn) => isOn, { message: 'for the older form name the extension health_check' })
    .describe('Accepted; the older form is the extension health_check.'),
  http: optionalBlock(http).prefault({}).describe('Health over HTTP.'),
  grpc: optionalBlock(grpc)
    .optional()
    .describe('Health over gRPC (grpc.health.v1); off unless given.'),
  component_health: z
    .strictObject({
      include_permanent_errors: z
        .boolean()
        .default(false)
        .describe('A component that has failed for good makes its pipelines unhealthy.'),
      include_recoverable_errors: z
        .boolean()
        .default(false)
        .describe('So does one in trouble that may pass, after recovery_duration.'),
      recovery_duration: duration()
        .prefault('1m')
        .describe('How long trouble that may pass counts as healthy.'),
    })
    .prefault({}),
});

export type HealthConfig = z.output<typeof HealthConfig>;
