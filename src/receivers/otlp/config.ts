import { z } from 'zod';
import { byteSize, enabled, endpoint, optionalBlock } from '../../config/kinds.ts';

const MIB = 1024 * 1024;

const urlPath = (path: string, signal: string) =>
  z.string().startsWith('/').default(path).describe(`Where ${signal} are posted.`);

const cors = z.strictObject({
  allowed_origins: z
    .array(z.string())
    .default([])
    .describe('Pages that may send from a browser; `*` stands for any text. None = CORS is off.'),
  allowed_headers: z
    .array(z.string())
    .default([])
    .describe('Request headers allowed besides Accept, Content-Type and X-Requested-With.'),
  exposed_headers: z.array(z.string()).default([]).describe('Answer headers a page may read.'),
  max_age: z.int().nonnegative().default(0).describe('Seconds a browser may keep the permission.'),
});

const includeMetadata = () =>
  z.boolean().default(false).describe('Accepted; no processor reads request headers yet.');

const grpc = z.strictObject({
  endpoint: endpoint().prefault('localhost:4317').describe('Address to listen on.'),
  max_recv_msg_size_mib: z
    .number()
    .nonnegative()
    .default(0)
    .transform((mib) => (mib === 0 ? 4 : mib) * MIB)
    .describe('Largest request after decompression, in MiB; 0 stands for 4.'),
  max_concurrent_streams: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Requests at a time on one connection; 0 leaves it unlimited.'),
  include_metadata: includeMetadata(),
  enabled: enabled(),
});

const http = z.strictObject({
  endpoint: endpoint().prefault('localhost:4318').describe('Address to listen on.'),
  max_request_body_size: byteSize()
    .prefault(20 * MIB)
    .transform((bytes) => (bytes === 0 ? 20 * MIB : bytes))
    .describe('Largest request, before and after decompression.'),
  traces_url_path: urlPath('/v1/traces', 'traces'),
  metrics_url_path: urlPath('/v1/metrics', 'metrics'),
  logs_url_path: urlPath('/v1/logs', 'logs'),
  cors: cors.optional(),
  include_metadata: includeMetadata(),
  enabled: enabled(),
});

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
export type CorsConfig = NonNullable<HttpConfig['cors']>;
