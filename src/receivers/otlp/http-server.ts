/** OTLP/HTTP: POST of protobuf or JSON to one path per signal, on plain node:http. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Signal } from '../../component/consumer.ts';
import type { ReceiverContext } from '../../component/define.ts';
import { answerPlain, discardRest } from '../../component/server/answer.ts';
import { Decompressor } from '../../component/server/decompress.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import type { Client } from '../../model/batch/client.ts';
import type { HttpConfig, OtlpConfig } from './config.ts';
import type { Encoding, Exports } from './exports.ts';
import { readBody } from './http-body.ts';
import type { InFlightBytes } from './in-flight.ts';
import { refusalOf, type Refusal } from './refusal.ts';
import { statusBytes, statusJson } from '../../wire/rpc-status.ts';

const CONTENT_TYPES: Record<Encoding, string> = {
  proto: 'application/x-protobuf',
  json: 'application/json',
};
const EMPTY_ANSWERS: Record<Encoding, string> = { proto: '', json: '{}' };

interface HttpServerOptions {
  readonly config: HttpConfig;
  readonly context: ReceiverContext<OtlpConfig>;
  readonly exports: Exports;
  readonly inFlight: InFlightBytes;
}

/** A request that got as far as having a signal and an encoding. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly client: Client | undefined;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #signals: ReadonlyMap<string, Signal>;
  readonly #decompressor: Decompressor;
  readonly #listener: HttpListener;

  constructor(options: HttpServerOptions) {
    const { config, context } = options;
    this.#options = options;
    this.#signals = new Map<string, Signal>([
      [config.traces_url_path, 'traces'],
      [config.metrics_url_path, 'metrics'],
      [config.logs_url_path, 'logs'],
    ]);
    this.#decompressor = new Decompressor(
      config.max_request_body_size,
      config.compression_algorithms,
    );
    this.#listener = new HttpListener({
      config,
      context,
      drains: true,
      onRequest: (request, response, client) => this.#handle(request, response, client),
    });
  }

  async start(): Promise<void> {
    const address = await this.#listener.start();
    this.#options.context.host.announce({ label: 'OTLP/HTTP', address });
  }

  /** Takes no new connection and lets requests under way finish until the deadline. */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#listener.stop(deadline);
  }

  #handle(request: IncomingMessage, response: ServerResponse, client: Client | undefined): void {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const signal = this.#signals.get(path);
    if (signal === undefined) answerPlain(request, response, { status: 404, text: 'no such path' });
    else if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      answerPlain(request, response, { status: 405, text: 'use POST' });
    } else this.#handlePost(request, response, { signal, client });
  }

  #handlePost(
    request: IncomingMessage,
    response: ServerResponse,
    { signal, client }: Pick<Call, 'signal' | 'client'>,
  ): void {
    const encoding = encodingOf(request.headers['content-type']);
    if (encoding === undefined) {
      const text = `send ${CONTENT_TYPES.proto} or ${CONTENT_TYPES.json}`;
      answerPlain(request, response, { status: 415, text });
      return;
    }
    const call = { request, response, signal, encoding, client };
    this.#accept(call).then(
      () => answer(response, 200, { encoding, body: EMPTY_ANSWERS[encoding] }),
      (error: unknown) => this.#refuse(call, error),
    );
  }

  async #accept({ request, response, signal, encoding, client }: Call): Promise<void> {
    const { config, exports, inFlight } = this.#options;
    const share = inFlight.open();
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    try {
      const sent = await readBody(request, config.max_request_body_size, share);
      const coding = request.headers['content-encoding'];
      const body = await this.#decompressor.decompress(coding, sent.bytes);
      const isPlain = body === sent.bytes;
      if (!isPlain) {
        sent.release();
        share.add(body.length);
      }
      const release = isPlain ? sent.release : undefined;
      await exports.accept({ signal, body, encoding, client, release }, gone.signal);
    } finally {
      share.close();
    }
  }

  #refuse({ request, response, encoding, signal }: Call, error: unknown): void {
    const refusal = refusalOf(error);
    const { context } = this.#options;
    if (response.destroyed) {
      context.logger.debug({ signal }, 'a client went away before its answer');
      return;
    }
    if (refusal.retryAfterMs !== undefined) {
      response.setHeader(
        'retry-after',
        String(Math.max(1, Math.ceil(refusal.retryAfterMs / 1000))),
      );
    }
    if (refusal.httpStatus >= 500) context.logger.warn({ signal, err: error }, 'refused a request');
    const body = errorBody(refusal, encoding);
    if (request.complete) answer(response, refusal.httpStatus, { encoding, body });
    else answerEarly(request, response, { status: refusal.httpStatus, encoding, body });
  }
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  const [type = ''] = (contentType ?? '').split(';', 1);
  switch (type.trim().toLowerCase()) {
    case 'application/x-protobuf':
    case 'application/protobuf':
      return 'proto';
    case 'application/json':
      return 'json';
    default:
      return undefined;
  }
}

function errorBody(refusal: Refusal, encoding: Encoding): string | Uint8Array {
  return encoding === 'json' ? statusJson(refusal) : statusBytes(refusal);
}

interface Answer {
  readonly encoding: Encoding;
  readonly body: string | Uint8Array;
}

function answer(response: ServerResponse, status: number, { encoding, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': CONTENT_TYPES[encoding],
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** Answers while the body is still coming: whole at once, and the connection ends afterwards. */
function answerEarly(
  request: IncomingMessage,
  response: ServerResponse,
  { status, encoding, body }: Answer & { readonly status: number },
): void {
  response.writeHead(status, {
    'content-type': CONTENT_TYPES[encoding],
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.write(body);
  discardRest(request, () => response.end());
}
