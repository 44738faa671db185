/** The settings that every client to a network peer shares. */
import { z } from 'zod';
import { opaque, unavailable } from '../../config/kinds.ts';
import { tlsClient } from '../../config/tls.ts';

const accepted = () => z.unknown().optional().describe('Accepted; has no effect here.');

const headers = z
  .record(z.string(), opaque())
  .default({})
  .describe('Sent with every request; values are secrets.');

const noAuth = unavailable('client authentication by extension is not available, use headers');

/** A client over gRPC. */
export const grpcClientShape = {
  endpoint: z
    .string()
    .min(1)
    .refine((text) => grpcTarget(text) !== undefined, {
      message: 'expected host:port like otel:4317',
    })
    .describe('host:port; http:// in front means plain text, https:// TLS.'),
  tls: tlsClient(),
  headers,
  compression: z.enum(['gzip', 'none', '']).default('gzip').describe('Of what is sent.'),
  auth: noAuth,
  keepalive: accepted(),
  wait_for_ready: z.boolean().default(false).describe('Wait for a connection instead of failing.'),
  balancer_name: z.string().optional().describe('Accepted; addresses take turns.'),
  authority: z.string().optional().describe('Name the server by this instead of its address.'),
  read_buffer_size: accepted(),
  write_buffer_size: accepted(),
};

/** A client over HTTP. */
export const httpClientShape = {
  tls: tlsClient(),
  headers,
  compression: z
    .enum(['gzip', 'zstd', 'deflate', 'none', ''])
    .default('gzip')
    .describe('Of what is sent.'),
  auth: noAuth,
  proxy_url: unavailable('proxies are not available in this version'),
  max_idle_conns: accepted(),
  max_idle_conns_per_host: accepted(),
  max_conns_per_host: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Connections at a time; 0 = no bound.'),
  idle_conn_timeout: accepted(),
  read_buffer_size: accepted(),
  write_buffer_size: accepted(),
};

export interface GrpcTarget {
  readonly address: string;
  /** What the address itself says; undefined leaves it to `tls`. */
  readonly isPlain: boolean | undefined;
}

export function grpcTarget(endpoint: string): GrpcTarget | undefined {
  const [, scheme, rest = ''] = /^(https?:\/\/)?(.*?)\/?$/.exec(endpoint) ?? [];
  const address = rest.replace(/^dns:\/{2,3}/, '');
  if (!/^(?:unix:.+|(?:\[[^\]]+\]|[^:/\s]+):\d{1,5})$/.test(address)) return undefined;
  return { address, isPlain: scheme === undefined ? undefined : scheme === 'http://' };
}
