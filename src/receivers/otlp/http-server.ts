/** OTLP/HTTP: POST of protobuf or JSON to one path per signal, on plain node:http. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Signal } from '../../component/consumer.ts';
import type { ReceiverContext } from '../../component/define.ts';
import type { HttpConfig, OtlpConfig } from './config.ts';
import { Cors } from './cors.ts';
import { Decompressor } from './decompress.ts';
import type { Encoding, Exports } from './exports.ts';
import { discardRest, readBody } from './http-body.ts';
import type { InFlightBytes } from './in-flight.ts';
import { listen } from './listen.ts';
import { refusalOf, type Refusal } from './refusal.ts';
import { statusBytes, statusJson } from '../../wire/rpc-status.ts';

/** Longer than the minute after which most clients and proxies drop idle connections themselves. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS_MAX = 60_000;

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
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #signals: ReadonlyMap<string, Signal>;
  readonly #cors: Cors | undefined;
  readonly #decompressor: Decompressor;
  #server: Server | undefined;
  #isStopping = false;

  constructor(options: HttpServerOptions) {
    const { config } = options;
    this.#options = options;
    this.#signals = new Map<string, Signal>([
      [config.traces_url_path, 'traces'],
      [config.metrics_url_path, 'metrics'],
      [config.logs_url_path, 'logs'],
    ]);
    this.#cors = config.cors && new Cors(config.cors);
    this.#decompressor = new Decompressor(config.max_request_body_size);
  }

  async start(): Promise<void> {
    const { config, context } = this.#options;
    const server = createServer(
      { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS_MAX, noDelay: true },
      (request, response) => this.#handle(request, response),
    );
    this.#server = server;
    const address = await listen(server, config.endpoint);
    context.host.announce({ label: 'OTLP/HTTP', address: `http://${address}` });
  }

  /** Takes no new connection and lets requests under way finish until the deadline. */
  async stop(deadline: AbortSignal): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    this.#isStopping = true;
    const closed = new Promise((resolve) => {
      server.close(resolve);
    });
    server.closeIdleConnections();
    const cut = () => server.closeAllConnections();
    if (deadline.aborted) cut();
    deadline.addEventListener('abort', cut, { once: true });
    await closed;
    deadline.removeEventListener('abort', cut);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.#cors?.apply(request, response)) return;
    if (this.#isStopping) response.setHeader('connection', 'close');
    // A request that began before the stop keeps its connection alive: end it once answered.
    response.once('close', () => {
      if (this.#isStopping) setImmediate(() => this.#server?.closeIdleConnections());
    });
    const [path = ''] = (request.url ?? '').split('?', 1);
    const signal = this.#signals.get(path);
    if (signal === undefined) plain(request, response, { status: 404, text: 'no such path' });
    else if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      plain(request, response, { status: 405, text: 'use POST' });
    } else this.#handlePost(request, response, signal);
  }

  #handlePost(request: IncomingMessage, response: ServerResponse, signal: Signal): void {
    const encoding = encodingOf(request.headers['content-type']);
    if (encoding === undefined) {
      const text = `send ${CONTENT_TYPES.proto} or ${CONTENT_TYPES.json}`;
      plain(request, response, { status: 415, text });
      return;
    }
    const call = { request, response, signal, encoding };
    this.#accept(call).then(
      () => answer(response, 200, { encoding, body: EMPTY_ANSWERS[encoding] }),
      (error: unknown) => this.#refuse(call, error),
    );
  }

  async #accept({ request, response, signal, encoding }: Call): Promise<void> {
    const { config, exports, inFlight } = this.#options;
    const share = inFlight.open();
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    try {
      let body = await readBody(request, config.max_request_body_size, share);
      const compression = request.headers['content-encoding'];
      if (compression !== undefined && !Decompressor.isPlain(compression)) {
        body = await this.#decompressor.decompress(compression, body);
        share.add(body.length);
      }
      await exports.accept({ signal, body, encoding }, gone.signal);
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

function plain(
  request: IncomingMessage,
  response: ServerResponse,
  { status, text }: { readonly status: number; readonly text: string },
): void {
  const body = `${status} ${text}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.write(body);
  discardRest(request, () => response.end());
}
