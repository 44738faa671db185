import { z } from 'zod';
import {
  fittingTransport,
  grpcServerShape,
  httpServerShape,
} from '../../component/server/config.ts';
import { byteSize, enabled, optionalBlock } from '../../config/kinds.ts';

const MIB = 1024 * 1024;

const urlPath = (path: string, signal: string) =>
  z.string().startsWith('/').default(path).describe(`Where ${signal} are posted.`);

const grpc = z
  .strictObject({ ...grpcServerShape({ endpoint: 'localhost:4317' }), enabled: enabled() })
  .superRefine(fittingTransport);

const http = z
  .strictObject({
    ...httpServerShape({ endpoint: 'localhost:4318' }),
    traces_url_path: urlPath('/v1/traces', 'traces'),
    metrics_url_path: urlPath('/v1/metrics', 'metrics'),
    logs_url_path: urlPath('/v1/logs', 'logs'),
    enabled: enabled(),
  })
  .superRefine(fittingTransport);

export const OtlpConfig = z.strictObject({
  protocols: z
    .strictObject({ grpc: optionalBlock(grpc), http: optionalBlock(http) })
    .refine(
      ({ grpc: overGrpc, http: overHttp }) => overGrpc !== undefined || overHttp !== undefined,
      {
        error: 'name grpc, http or both',
      },
    ),
  max_in_flight_size: byteSize()
    .prefault(64 * MIB)
    .describe('Bytes of requests being handled at a time; what comes on top is asked to wait.'),
});

export type OtlpConfig = z.output<typeof OtlpConfig>;
export type GrpcConfig = NonNullable<OtlpConfig['protocols']['grpc']>;
export type HttpConfig = NonNullable<OtlpConfig['protocols']['http']>;
