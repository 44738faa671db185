import { z } from 'zod';
import { fittingTransport, httpServerShape } from '../../component/server/config.ts';
import { unavailable } from '../../config/kinds.ts';

export const HealthCheckConfig = z
  .strictObject({
    ...httpServerShape({ endpoint: 'localhost:13133' }),
    path: z.string().startsWith('/').default('/').describe('Where it is served.'),
    response_body: z
      .strictObject({
        healthy: z.string().default('').describe('Answer when all is well.'),
        unhealthy: z.string().default('').describe('Answer otherwise.'),
      })
      .optional()
      .describe('Texts instead of the JSON answer.'),
    check_collector_pipeline: unavailable(
      'is not available: healthcheckv2 reports what components say of themselves',
    ),
  })
  .superRefine(fittingTransport);

export type HealthCheckConfig = z.output<typeof HealthCheckConfig>;
