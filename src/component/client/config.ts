/** The settings that every client to a network peer shares: the Collector's `configgrpc` and
 *  `confighttp` clients. A component spreads a shape into its schema and adds its own keys. */
import { z } from 'zod';
import { byteSize, duration, opaque, unavailable, usableHeaders } from '../../config/kinds.ts';
import { tlsClient } from '../../config/tls.ts';
import { clientAuth } from '../auth/authenticator.ts';
import { grpcCompressions, httpCompressions, levelProblem, type Compression } from './compress.ts';

const headers = z
  .record(z.string(), opaque())
  .superRefine(usableHeaders)
  .default({})
  .describe('Sent with every request; values are secrets.');

const buffer = () =>
  byteSize().optional().describe('Accepted; the buffers grow and shrink by themselves.');

const compressionParams = z
  .strictObject({
    level: z
      .int()
      .optional()
      .transform((level) => (level === 0 || level === -1 ? undefined : level))
      .describe('gzip, zlib and deflate 1 to 9, zstd 1 to 22; 0 = the usual.'),
  })
  .prefault({});

const keepalive = z
  .strictObject({
    time: duration().prefault('10s').describe('Ask a silent server whether it is still there.'),
    timeout: duration().prefault('20s').describe('For its answer.'),
    permit_without_stream: z
      .boolean()
      .default(false)
      .describe('Ask also when no call is under way.'),
  })
  .optional();

const noMiddlewares = () => unavailable('middlewares are not available, see the processors');

/** A client over gRPC. */
export const grpcClientShape = {
  endpoint: z
    .string()
    .min(1)
    .refine((text) => grpcTarget(text) !== undefined, {
      message: 'expected host:port like otel:4317',
    })
    .describe('host:port; http:// in front means plain text, https:// TLS; or unix:/path.'),
  tls: tlsClient(),
  headers,
  compression: z.enum(grpcCompressions).default('gzip').describe('Of what is sent.'),
  compression_params: compressionParams,
  auth: clientAuth(),
  keepalive,
  wait_for_ready: z.boolean().default(false).describe('Wait for a connection instead of failing.'),
  balancer_name: z
    .enum(['round_robin', 'pick_first'])
    .default('round_robin')
    .describe('All addresses of the name take turns, or the first that answers.'),
  authority: z.string().optional().describe('Name the server by this instead of its address.'),
  user_agent: z.string().optional().describe('How we name ourselves.'),
  read_buffer_size: buffer(),
  write_buffer_size: buffer(),
  middlewares: noMiddlewares(),
};

const http2 = () => duration().optional().describe('Accepted; requests go over HTTP/1.1.');

/** A client over HTTP. */
export const httpClientShape = {
  tls: tlsClient(),
  headers,
  compression: z.enum(httpCompressions).default('gzip').describe('Of what is sent.'),
  compression_params: compressionParams,
  auth: clientAuth(),
  proxy_url: opaque()
    .refine((text) => URL.canParse(text) && text.startsWith('http:'), {
      message: 'expected a URL like http://proxy:3128',
    })
    .optional()
    .describe('Send through this proxy; its user and password may stand in the URL.'),
  max_idle_conns: z
    .int()
    .nonnegative()
    .default(100)
    .describe('Idle connections kept; 0 = no bound.'),
  max_idle_conns_per_host: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Of these, to one host; 0 = no bound of its own.'),
  max_conns_per_host: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Connections at a time; 0 = no bound.'),
  idle_conn_timeout: duration().prefault('90s').describe('Close idle connections; 0 = never.'),
  disable_keep_alives: z.boolean().default(false).describe('Use each connection once.'),
  force_attempt_http2: z.boolean().optional().describe('Accepted; requests go over HTTP/1.1.'),
  http2_read_idle_timeout: http2(),
  http2_ping_timeout: http2(),
  cookies: z
    .looseObject({ enabled: z.boolean().default(false) })
    .optional()
    .refine((cookies) => cookies?.enabled !== true, { message: 'cookies are not kept' })
    .describe('Only enabled: false is accepted.'),
  read_buffer_size: buffer(),
  write_buffer_size: buffer(),
  middlewares: noMiddlewares(),
};

const grpcClient = z.strictObject(grpcClientShape);
const httpClient = z.strictObject(httpClientShape);

export type GrpcClientConfig = z.output<typeof grpcClient>;
export type HttpClientConfig = z.output<typeof httpClient>;

interface Compressing {
  readonly compression: Compression;
  readonly compression_params: { readonly level?: number | undefined };
}

/** For `superRefine` of the block that has one of the shapes. */
export function fittingLevel(
  { compression, compression_params: { level = 0 } }: Compressing,
  context: z.RefinementCtx,
): void {
  const message = levelProblem(compression, level);
  if (message === undefined) return;
  context.addIssue({ code: 'custom', path: ['compression_params', 'level'], message });
}

export interface GrpcTarget {
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** What the address itself says; undefined leaves it to `tls`. */
  readonly isPlain: boolean | undefined;
}

export function grpcTarget(endpoint: string): GrpcTarget | undefined {
  const [, scheme, rest = ''] = /^(https?:\/\/)?(.*?)\/?$/.exec(endpoint) ?? [];
  const address = rest
    .replace(/^(?:dns|passthrough):\/{2,3}/, '')
    .replace(/^unix:\/\/\//, 'unix:/');
  if (!/^(?:unix:.+|(?:\[[^\]]+\]|[^:/\s]+):\d{1,5})$/.test(address)) return undefined;
  return { address, isPlain: scheme === undefined ? undefined : scheme === 'http://' };
}
