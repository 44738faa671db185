/** Ways to send a request and learn what became of it. */

import { Agent, request } from 'node:http';
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { gzipSync, zstdCompressSync } from 'node:zlib';

export type Compression = 'none' | 'gzip' | 'zstd';

export type Outcome =
  | { readonly kind: 'acked' }
  /** The server said no, and why. */
  | { readonly kind: 'refused'; readonly reason: string; readonly retryAfterMs: number }
  /** No answer. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface Sender {
  /** On the connection of this number. */
  send(bytes: Uint8Array, connection: number): Promise<Outcome>;
  close(): void;
}

export interface SenderOptions {
  readonly endpoint: string;
  readonly compression: Compression;
  readonly connections: number;
}

/** Fast levels: load is made on the same machine more often than not. */
export function compressed(bytes: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'gzip') return gzipSync(bytes, { level: 1 });
  return compression === 'zstd' ? zstdCompressSync(bytes) : bytes;
}

const DEFAULT_RETRY_MS = 1000;
const ANSWER_MS_MAX = 30_000;

export class HttpSender implements Sender {
  readonly #url: URL;
  readonly #agents: readonly Agent[];
  readonly #headers: Record<string, string>;

  constructor({ endpoint, compression, connections }: SenderOptions) {
    this.#url = new URL('/v1/traces', endpoint.includes('://') ? endpoint : `http://${endpoint}`);
    this.#agents = Array.from({ length: connections }, () => new Agent({ keepAlive: true }));
    this.#headers = {
      'content-type': 'application/x-protobuf',
      ...(compression === 'none' ? {} : { 'content-encoding': compression }),
    };
  }

  send(bytes: Uint8Array, connection: number): Promise<Outcome> {
    const agent = this.#agents[connection % this.#agents.length];
    return new Promise((resolve) => {
      const sent = request(
        this.#url,
        {
          method: 'POST',
          headers: { ...this.#headers, 'content-length': bytes.length },
          timeout: ANSWER_MS_MAX,
          ...(agent === undefined ? {} : { agent }),
        },
        (answer) => {
          const status = answer.statusCode ?? 0;
          answer.resume();
          answer.once('end', () => resolve(httpOutcome(status, answer.headers['retry-after'])));
          answer.once('error', (error) => resolve({ kind: 'failed', reason: error.message }));
        },
      );
      sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.once('error', (error) => resolve({ kind: 'failed', reason: error.message }));
      sent.end(bytes);
    });
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }
}

function httpOutcome(status: number, retryAfter: string | undefined): Outcome {
  if (status === 200) return { kind: 'acked' };
  const seconds = Number(retryAfter);
  const retryAfterMs = seconds > 0 ? seconds * 1000 : DEFAULT_RETRY_MS;
  return { kind: 'refused', reason: `HTTP ${status}`, retryAfterMs };
}

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export class GrpcSender implements Sender {
  readonly #sessions: ClientHttp2Session[];
  readonly #origin: string;
  readonly #compression: Compression;

  constructor({ endpoint, compression, connections }: SenderOptions) {
    this.#origin = endpoint.includes('://') ? endpoint : `http://${endpoint}`;
    this.#compression = compression;
    this.#sessions = Array.from({ length: connections }, () => this.#open());
  }

  send(bytes: Uint8Array, connection: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const stream = this.#session(connection).request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: EXPORT_PATH,
        [constants.HTTP2_HEADER_TE]: 'trailers',
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        ...(this.#compression === 'none' ? {} : { 'grpc-encoding': this.#compression }),
      });
      stream.once('error', (error) => resolve({ kind: 'failed', reason: error.message }));
      stream.setTimeout(ANSWER_MS_MAX, () => stream.close(constants.NGHTTP2_CANCEL));
      readStatus(stream, resolve);
      const prefix = Buffer.alloc(5);
      prefix[0] = this.#compression === 'none' ? 0 : 1;
      prefix.writeUInt32BE(bytes.length, 1);
      stream.write(prefix);
      stream.end(bytes);
    });
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #session(connection: number): ClientHttp2Session {
    const index = connection % this.#sessions.length;
    const known = this.#sessions[index];
    if (known && !known.closed && !known.destroyed) return known;
    return (this.#sessions[index] = this.#open());
  }

  #open(): ClientHttp2Session {
    const session = connect(this.#origin);
    // The streams of a broken session report it.
    session.on('error', () => {});
    return session;
  }
}

function readStatus(stream: ClientHttp2Stream, resolve: (outcome: Outcome) => void): void {
  let status: string | undefined;
  const take = (headers: Record<string, string | string[] | undefined>) => {
    status = headers['grpc-status']?.toString() ?? status;
  };
  stream.once('response', take);
  stream.once('trailers', take);
  stream.resume();
  stream.once('close', () => {
    if (status === '0') resolve({ kind: 'acked' });
    else if (status === undefined) resolve({ kind: 'failed', reason: 'no answer' });
    else resolve({ kind: 'refused', reason: `gRPC ${status}`, retryAfterMs: DEFAULT_RETRY_MS });
  });
}
