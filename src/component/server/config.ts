/** The settings that every server shares, over HTTP and over gRPC: the Collector's `confighttp` and
 *  `configgrpc`. A component spreads a shape into its schema and adds its own keys. */
import { z } from 'zod';
import {
  byteSize,
  duration,
  parseEndpoint,
  unavailable,
  usableHeaders,
  type HostPort,
} from '../../config/kinds.ts';
import { tlsServer } from '../../config/tls.ts';
import { httpServerAuth, serverAuth } from '../auth/authenticator.ts';

const MIB = 1024 * 1024;

/** A file of the file system, or a host and port. */
export type ListenAddress = HostPort | { readonly socketPath: string };

const noMiddlewares = () => unavailable('middlewares are not available, see the processors');

/** `host:port`, or the path of a Unix socket. Put over a shape's own it makes the key required. */
export function listenAddress() {
  return z
    .string()
    .meta({ examples: ['localhost:4317', '0.0.0.0:4317', '/run/spoor.sock'] })
    .transform((written, context): ListenAddress => {
      const socketPath = /^(?:unix:(?:\/\/)?)?(\/.+)$/.exec(written)?.[1];
      if (socketPath !== undefined) return { socketPath };
      const parsed = parseEndpoint(written);
      if (parsed) return parsed;
      const message = `expected host:port like localhost:4317 or the path of a Unix socket, got "${written}"`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });
}

function whereShape(endpoint: string) {
  return {
    endpoint: listenAddress()
      .prefault(endpoint)
      .describe('Address to listen on; a path is a Unix socket.'),
    transport: z
      .enum(['tcp', 'tcp4', 'tcp6', 'unix'])
      .optional()
      .describe('Follows from the endpoint; when given it must fit.'),
    tls: tlsServer(),
    include_metadata: z
      .boolean()
      .default(false)
      .describe(
        'Let request headers travel with the data, into a queue on disk too, for those who ask for them.',
      ),
    middlewares: noMiddlewares(),
  };
}

const cors = z.strictObject({
  allowed_origins: z
    .array(z.string())
    .default([])
    .describe('Pages that may ask from a browser; `*` stands for any text. None = CORS is off.'),
  allowed_headers: z
    .array(z.string())
    .default([])
    .describe('Request headers allowed besides Accept, Content-Type and X-Requested-With.'),
  exposed_headers: z.array(z.string()).default([]).describe('Answer headers a page may read.'),
  max_age: z.int().nonnegative().default(0).describe('Seconds a browser may keep the permission.'),
});

export type CorsConfig = z.output<typeof cors>;

/** What a client may put before a body. The empty one is none. */
export const bodyEncodings = [
  '',
  'gzip',
  'zstd',
  'zlib',
  'snappy',
  'deflate',
  'lz4',
  'x-snappy-framed',
] as const;

export interface HttpDefaults {
  readonly endpoint: string;
  readonly bodyBytes?: number;
}

/** A server over HTTP. */
export function httpServerShape({ endpoint, bodyBytes = 20 * MIB }: HttpDefaults) {
  return {
    ...whereShape(endpoint),
    auth: httpServerAuth(),
    cors: cors.optional(),
    max_request_body_size: byteSize()
      .prefault(bodyBytes)
      .transform((bytes) => (bytes === 0 ? bodyBytes : bytes))
      .describe('Largest request body, before and after decompression.'),
    compression_algorithms: z
      .array(z.enum(bodyEncodings))
      .default([...bodyEncodings])
      .describe('Compressions of a request that are taken; the empty one is none.'),
    response_headers: z
      .record(z.string(), z.string())
      .superRefine(usableHeaders)
      .default({})
      .describe('Headers added to every answer.'),
    read_timeout: duration()
      .prefault('5m')
      .describe('For a whole request to arrive; 0 = no limit.'),
    read_header_timeout: duration()
      .prefault('1m')
      .describe('For the head of a request to arrive; 0 = no limit.'),
    write_timeout: duration()
      .prefault(0)
      .describe('From the head of a request to the end of its answer; 0 = no limit.'),
    idle_timeout: duration()
      .prefault('75s')
      .describe('Close a connection unused for this long; 0 = never.'),
    keep_alives_enabled: z.boolean().default(true).describe('Let connections be used again.'),
  };
}

const buffer = () =>
  byteSize().optional().describe('Accepted; the buffers grow and shrink by themselves.');

const keepalive = z.strictObject({
  server_parameters: z
    .strictObject({
      max_connection_idle: duration()
        .prefault(0)
        .describe('Say goodbye to idle connections; 0 = never.'),
      max_connection_age: duration()
        .prefault(0)
        .describe('Say goodbye to old connections; 0 = never.'),
      max_connection_age_grace: duration()
        .prefault(0)
        .describe('Cut a connection this long after goodbye; 0 = never.'),
      time: duration().prefault('2h').describe('Ask a silent client whether it is still there.'),
      timeout: duration().prefault('20s').describe('For its answer.'),
    })
    .prefault({}),
  enforcement_policy: z
    .strictObject({
      min_time: duration().prefault('5m').describe('Least time between two pings of a client.'),
      permit_without_stream: z
        .boolean()
        .default(false)
        .describe('Let clients ping when no call is under way.'),
    })
    .optional()
    .describe('Absent, clients may ping as they like.'),
});

/** A server over gRPC. */
export function grpcServerShape({ endpoint }: { readonly endpoint: string }) {
  return {
    ...whereShape(endpoint),
    auth: serverAuth(),
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
    keepalive: keepalive.optional(),
    read_buffer_size: buffer(),
    write_buffer_size: buffer(),
  };
}

const httpServer = z.strictObject(httpServerShape({ endpoint: 'localhost:0' }));
const grpcServer = z.strictObject(grpcServerShape({ endpoint: 'localhost:0' }));

export type HttpServerConfig = z.output<typeof httpServer>;
export type GrpcServerConfig = z.output<typeof grpcServer>;
export type KeepaliveConfig = z.output<typeof keepalive>;

/** A server that has no settings but its address. */
export function plainHttpServer(endpoint: HostPort): HttpServerConfig {
  return { ...httpServer.parse({}), endpoint };
}

interface Where {
  readonly endpoint: ListenAddress;
  readonly transport?: string | undefined;
}

/** For `superRefine` of the block that has one of the shapes. */
export function fittingTransport({ endpoint, transport }: Where, context: z.RefinementCtx): void {
  const isPath = 'socketPath' in endpoint;
  if (transport === undefined || (transport === 'unix') === isPath) return;
  const needed = isPath ? 'host:port' : 'the path of a socket';
  context.addIssue({
    code: 'custom',
    path: ['transport'],
    message: `the transport "${transport}" needs an endpoint that is ${needed}`,
  });
}
