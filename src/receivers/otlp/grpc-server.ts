/** OTLP/gRPC: a handler of unary calls on node:http2 and nothing more. */

import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Signal } from '../../component/consumer.ts';
import type { ReceiverContext } from '../../component/define.ts';
import { Decompressor } from '../../component/server/decompress.ts';
import { GrpcListener } from '../../component/server/grpc-listener.ts';
import type { Client } from '../../model/batch/client.ts';
import type { GrpcConfig, OtlpConfig } from './config.ts';
import type { Exports } from './exports.ts';
import { GrpcMessage } from './grpc-message.ts';
import { errorTrailers, timeoutMs } from './grpc-wire.ts';
import type { InFlightBytes, InFlightShare } from './in-flight.ts';
import { GrpcCode, OtlpError, refusalOf } from './refusal.ts';

const COLLECTOR = '/opentelemetry.proto.collector';
const SIGNALS: ReadonlyMap<string, Signal> = new Map<string, Signal>([
  [`${COLLECTOR}.trace.v1.TraceService/Export`, 'traces'],
  [`${COLLECTOR}.metrics.v1.MetricsService/Export`, 'metrics'],
  [`${COLLECTOR}.logs.v1.LogsService/Export`, 'logs'],
]);
const ENCODINGS = ['gzip', 'zstd', 'snappy', 'deflate'];
const ACCEPTED_ENCODINGS = ENCODINGS.join(',');

const HEALTH_CHECK = '/grpc.health.v1.Health/Check';

/** A length-prefixed message: empty, which is every accepted export, and `status: SERVING`. */
const EMPTY_MESSAGE = Buffer.from([0, 0, 0, 0, 0]);
const SERVING_MESSAGE = Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01]);

interface GrpcServerOptions {
  readonly config: GrpcConfig;
  readonly context: ReceiverContext<OtlpConfig>;
  readonly exports: Exports;
  readonly inFlight: InFlightBytes;
}

export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #decompressor: Decompressor;
  readonly #listener: GrpcListener;

  constructor(options: GrpcServerOptions) {
    const { config, context } = options;
    this.#options = options;
    this.#decompressor = new Decompressor(config.max_recv_msg_size_mib, ENCODINGS);
    this.#listener = new GrpcListener({
      config,
      context,
      onStream: (stream, headers, client) => this.#handle(stream, headers, client),
      onRefused: (stream, error) => void refuse(stream, error),
    });
  }

  async start(): Promise<void> {
    const address = await this.#listener.start();
    this.#options.context.host.announce({ label: 'OTLP/gRPC', address });
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#listener.stop(deadline);
  }

  #handle(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    client: Client | undefined,
  ): void {
    const path = headers[':path'] ?? '';
    const isGrpc = headers['content-type']?.startsWith('application/grpc') === true;
    if (headers[':method'] !== 'POST' || !isGrpc) {
      stream.respond({ ':status': isGrpc ? 405 : 415 }, { endStream: true });
      endUpload(stream);
      return;
    }
    const signal = SIGNALS.get(path);
    if (signal !== undefined) void this.#call(stream, headers, { signal, client });
    else if (path === HEALTH_CHECK) {
      stream.resume();
      succeed(stream, SERVING_MESSAGE);
    } else refuse(stream, new OtlpError('not_served', `no method ${path}`));
  }

  /** Never rejects. */
  async #call(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    { signal, client }: Pick<Call, 'signal' | 'client'>,
  ): Promise<void> {
    const { inFlight, context } = this.#options;
    const share = inFlight.open();
    const abort = new AbortController();
    stream.once('close', () => abort.abort(new OtlpError('cancelled', 'the client went away')));
    try {
      const limit = timeoutMs(headers['grpc-timeout']?.toString());
      const timer =
        limit === undefined
          ? undefined
          : context.clock.after(limit, () => abort.abort(new OtlpError('deadline', 'too late')));
      try {
        const call = { signal, client, share, abort };
        await unlessAborted(this.#accept(stream, headers, call), abort.signal);
      } finally {
        timer?.cancel();
      }
      succeed(stream, EMPTY_MESSAGE);
    } catch (error) {
      if (refuse(stream, error) >= GrpcCode.internal) {
        context.logger.warn({ signal, err: error }, 'refused a request');
      }
    }
  }

  /** Its bytes count as in flight until the pipelines let go of them, deadline or not. */
  async #accept(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    call: Call,
  ): Promise<void> {
    const { signal, client, share, abort } = call;
    const { config, exports } = this.#options;
    try {
      const message = new GrpcMessage(config.max_recv_msg_size_mib, share);
      let body = await readMessage(stream, message);
      if (message.isCompressed) {
        body = await this.#decompressor.decompress(encodingOf(headers), body);
        share.add(body.length);
      }
      await exports.accept({ signal, body, encoding: 'proto', client }, abort.signal);
    } finally {
      share.close();
    }
  }
}

function encodingOf(headers: IncomingHttpHeaders): string {
  const encoding = headers['grpc-encoding']?.toString();
  if (encoding !== undefined && encoding !== 'identity') return encoding;
  throw new OtlpError('bad_request', 'compressed without a grpc-encoding that says how');
}

interface Call {
  readonly signal: Signal;
  readonly client: Client | undefined;
  readonly share: InFlightShare;
  readonly abort: AbortController;
}

function readMessage(stream: ServerHttp2Stream, message: GrpcMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    stream.on('data', (piece: Buffer) => {
      try {
        message.add(piece);
      } catch (error) {
        stream.removeAllListeners('data');
        reject(error);
      }
    });
    stream.once('end', () => {
      try {
        resolve(message.finish());
      } catch (error) {
        reject(error);
      }
    });
    stream.once('close', () => reject(new OtlpError('cancelled', 'the client went away')));
  });
}

/** As `work`, but rejects when the client no longer waits: its answer is due now. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject);
  });
}

function succeed(stream: ServerHttp2Stream, message: Buffer): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-accept-encoding': ACCEPTED_ENCODINGS,
    },
    { waitForTrailers: true },
  );
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(message);
}

/** Ends the call with headers alone and returns its code. */
function refuse(stream: ServerHttp2Stream, error: unknown): number {
  const refusal = refusalOf(error);
  if (stream.destroyed || stream.closed) return 0;
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-accept-encoding': ACCEPTED_ENCODINGS,
      ...errorTrailers(refusal),
    },
    { endStream: true },
  );
  endUpload(stream);
  return refusal.grpcCode;
}

/** Tells a client that may still be sending that it need not. A reset overtakes what is queued
 *  before it, so it waits for the turn in which the answer is written. */
function endUpload(stream: ServerHttp2Stream): void {
  stream.resume();
  setImmediate(() => {
    if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}
