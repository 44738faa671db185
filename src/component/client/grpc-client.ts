/** Unary gRPC calls with ready-made bytes to one peer, on node:http2 and nothing more: grpc-js knows
 *  neither zstd nor Snappy, and keeps the certificate it began with. Failures say whether the same
 *  call may be made again. */
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { messageOf } from '../../lib/errors.ts';
import type { Client } from '../../model/batch/client.ts';
import {
  authenticatorOf,
  clientAuthentication,
  type ClientAuthenticator,
  type OutgoingHeaders,
} from '../auth/authenticator.ts';
import { PipelineError } from '../consumer.ts';
import { Decompressor } from '../server/decompress.ts';
import { compressorFor } from './compress.ts';
import { grpcTarget, type GrpcClientConfig } from './config.ts';
import { PeerError } from './error.ts';
import { GrpcConnections } from './grpc-connections.ts';
import {
  GrpcStatus,
  isRetryableStatus,
  messageText,
  statusName,
  statusOfHttp,
} from './grpc-status.ts';
import { ClientTls, type ClientContext } from './tls.ts';

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const PREFIX_BYTES = 5;
/** Of answers. */
const ENCODINGS = ['', 'gzip', 'zstd', 'snappy', 'deflate'];
const WAIT_MS = 500;

/** Reads how long to wait from `grpc-status-details-bin`. */
export type ReadDetails = (bytes: Uint8Array) => { readonly retryAfterMs?: number | undefined };

export interface GrpcCall {
  readonly path: string;
  readonly request: Uint8Array;
  /** Who sent what is sent on, for authenticators that pass it. */
  readonly client?: Client | undefined;
}

interface Answer {
  readonly message: Uint8Array;
  /** Headers and trailers. */
  readonly headers: IncomingHttpHeaders;
}

export class GrpcClient {
  readonly #config: GrpcClientConfig;
  readonly #context: ClientContext;
  readonly #readDetails: ReadDetails;
  readonly #isPlain: boolean;
  readonly #address: string;
  readonly #tls: ClientTls;
  readonly #connections: GrpcConnections;
  readonly #decompressor = new Decompressor(ANSWER_BYTES_MAX, ENCODINGS);
  #auth: ClientAuthenticator | undefined;

  constructor(config: GrpcClientConfig, context: ClientContext, readDetails: ReadDetails) {
    const target = grpcTarget(config.endpoint);
    this.#config = config;
    this.#context = context;
    this.#readDetails = readDetails;
    this.#address = target?.address ?? '';
    this.#isPlain = target?.isPlain ?? config.tls?.insecure === true;
    this.#tls = new ClientTls(this.#isPlain ? undefined : config.tls, context);
    this.#connections = new GrpcConnections({
      address: this.#address,
      tls: () => (this.#isPlain ? undefined : this.#tls.options),
      config,
      clock: context.clock,
    });
  }

  /** Reads certificates and finds the authenticator; connects when the first call is made.
   *  @throws PipelineError `bad_settings` */
  async start(): Promise<void> {
    this.#auth = authenticatorOf(clientAuthentication, this.#config, this.#context.host);
    if (this.#auth?.needsTls === true && this.#isPlain) {
      const name = this.#config.auth?.authenticator ?? '';
      throw new PipelineError('bad_settings', `"${name}" shows a secret and needs TLS`, {
        hint: 'configure tls instead of insecure, or use another authenticator',
      });
    }
    await this.#tls.start();
  }

  close(): void {
    this.#tls.stop();
    this.#connections.close();
  }

  /** The bytes of the answer; rejects with a PeerError. */
  async call(call: GrpcCall, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const { compression, compression_params: params } = this.#config;
    const compress = compressorFor(compression);
    const body = compress ? await compress(call.request, params.level) : call.request;
    const headers = await this.#headers(call);
    const stream = await this.#open(headers, signal);
    return this.#answered(stream, framed(body, compress !== undefined), signal);
  }

  async #headers({ path, client }: GrpcCall): Promise<OutgoingHeaders> {
    const { authority, compression, headers, user_agent: agent = 'spoor' } = this.#config;
    const own: OutgoingHeaders = {};
    for (const [name, value] of Object.entries(headers)) own[name.toLowerCase()] = value;
    await this.#auth?.authorize(own, client);
    const { host, ...rest } = own;
    const isUnix = this.#address.startsWith('unix:');
    return {
      'user-agent': agent,
      ...rest,
      ':method': 'POST',
      ':path': path,
      ':scheme': this.#isPlain ? 'http' : 'https',
      ':authority': authority ?? host ?? (isUnix ? 'localhost' : this.#address),
      te: 'trailers',
      'content-type': 'application/grpc',
      'grpc-accept-encoding': ENCODINGS.slice(1).join(','),
      ...(compression === 'none' || compression === '' ? {} : { 'grpc-encoding': compression }),
    };
  }

  async #open(headers: OutgoingHeaders, signal: AbortSignal): Promise<ClientHttp2Stream> {
    for (;;) {
      try {
        return await unlessAborted(this.#connections.request(headers), signal);
      } catch (error) {
        if (signal.aborted || !this.#config.wait_for_ready) throw error;
        await this.#context.clock.sleep(WAIT_MS, signal);
      }
    }
  }

  async #answered(
    stream: ClientHttp2Stream,
    request: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const answer = await this.#exchange(stream, request);
      const failure = this.#failureIn(answer.headers);
      if (failure !== undefined) throw failure;
      return await this.#messageIn(answer);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #exchange(stream: ClientHttp2Stream, request: Uint8Array): Promise<Answer> {
    const pieces: Buffer[] = [];
    let length = 0;
    let headers: IncomingHttpHeaders = {};
    return new Promise((resolve, reject) => {
      let cause: unknown;
      stream.on('response', (given) => (headers = { ...headers, ...given }));
      stream.on('trailers', (given) => (headers = { ...headers, ...given }));
      stream.on('data', (piece: Buffer) => {
        length += piece.length;
        if (length <= ANSWER_BYTES_MAX + PREFIX_BYTES) pieces.push(piece);
        else stream.close(constants.NGHTTP2_CANCEL);
      });
      stream.on('error', (error) => (cause = error));
      stream.once('close', () => {
        if (isAnswered(headers, stream.rstCode))
          resolve({ message: Buffer.concat(pieces), headers });
        else reject(this.#cutOff(cause));
      });
      stream.end(request);
    });
  }

  #cutOff(cause: unknown): PeerError {
    const why = cause === undefined ? 'the connection ended' : messageOf(cause);
    return new PeerError('unreachable', `no answer from ${this.#config.endpoint}: ${why}`, {
      retryable: true,
      cause,
    });
  }

  #failureIn(headers: IncomingHttpHeaders): PeerError | undefined {
    const written = headers['grpc-status'];
    const httpStatus = Number(headers[':status'] ?? 0);
    const code = written === undefined ? statusOfHttp(httpStatus) : Number(written);
    if (code === 0) return undefined;
    const retryAfterMs = this.#retryAfterIn(headers);
    const isRetryable = isRetryableStatus(code, retryAfterMs !== undefined);
    const isReached = code !== GrpcStatus.unavailable;
    const reason = isRetryable ? (isReached ? 'busy' : 'unreachable') : 'rejected';
    const details =
      written === undefined
        ? `HTTP status ${httpStatus}`
        : messageText(headers['grpc-message']?.toString() ?? '');
    const said = `${statusName(code)}: ${details}`;
    return new PeerError(reason, `${this.#config.endpoint} answered ${said}`, {
      retryable: isRetryable,
      retryAfterMs,
    });
  }

  #retryAfterIn(headers: IncomingHttpHeaders): number | undefined {
    const details = headers['grpc-status-details-bin']?.toString();
    return details === undefined
      ? undefined
      : this.#readDetails(Buffer.from(details, 'base64')).retryAfterMs;
  }

  async #messageIn({ message, headers }: Answer): Promise<Uint8Array> {
    if (message.length < PREFIX_BYTES) return new Uint8Array(0);
    const body = message.subarray(PREFIX_BYTES);
    if (message[0] === 0) return body;
    return this.#decompressor.decompress(headers['grpc-encoding']?.toString(), body);
  }
}

/** A status given before the stream was reset counts: the server had decided. Headers of success
 *  alone do not when the connection broke before the status came. */
function isAnswered(headers: IncomingHttpHeaders, resetCode: number | undefined): boolean {
  if (headers['grpc-status'] !== undefined) return true;
  const httpStatus = headers[':status'];
  const isWhole = resetCode === undefined || resetCode === constants.NGHTTP2_NO_ERROR;
  return httpStatus !== undefined && (Number(httpStatus) !== 200 || isWhole);
}

function framed(body: Uint8Array, isCompressed: boolean): Uint8Array {
  const message = Buffer.allocUnsafe(PREFIX_BYTES + body.length);
  message[0] = isCompressed ? 1 : 0;
  message.writeUInt32BE(body.length, 1);
  message.set(body, PREFIX_BYTES);
  return message;
}

/** A stream that comes too late is closed. */
function unlessAborted(
  opening: Promise<ClientHttp2Stream>,
  signal: AbortSignal,
): Promise<ClientHttp2Stream> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    opening
      .then((stream) => {
        if (signal.aborted) stream.close(constants.NGHTTP2_CANCEL);
        resolve(stream);
      }, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
