/** The one HTTP server: TLS and its renewal, time limits, response headers, CORS and authentication,
 *  before the component that owns it sees a request. The order, outer first: response headers, CORS
 *  (a browser asks before it authenticates), authentication, the component. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { messageOf } from '../../lib/errors.ts';
import type { Client } from '../../model/batch/client.ts';
import {
  AuthError,
  authenticatorOf,
  serverAuthentication,
  type RequestHeaders,
  type ServerAuthenticator,
} from '../auth/authenticator.ts';
import type { CreateContext } from '../define.ts';
import { TlsRenewal } from '../tls/renewal.ts';
import { answerPlain } from './answer.ts';
import type { HttpServerConfig } from './config.ts';
import { Cors } from './cors.ts';
import { listen } from './listen.ts';
import { requestClient } from './request-client.ts';
import { requestTarget } from './target.ts';

/** A component's own keys may stand beside those. */
export type HttpListenerConfig = Pick<
  HttpServerConfig,
  'endpoint' | 'tls' | 'auth' | 'cors' | 'include_metadata' | 'response_headers'
> &
  Pick<
    HttpServerConfig,
    | 'read_timeout'
    | 'read_header_timeout'
    | 'write_timeout'
    | 'idle_timeout'
    | 'keep_alives_enabled'
  >;

export interface HttpListenerOptions {
  readonly config: HttpListenerConfig;
  readonly context: Pick<CreateContext<unknown>, 'clock' | 'logger' | 'host'>;
  /** Requests under way may finish until the deadline; else they are cut at once. */
  readonly drains: boolean;
  /** `client` is there with `include_metadata` or authentication. */
  onRequest(request: IncomingMessage, response: ServerResponse, client: Client | undefined): void;
}

export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #cors: Cors | undefined;
  readonly #responseHeaders: readonly (readonly [string, string])[];
  #auth: ServerAuthenticator | undefined;
  #renewal: TlsRenewal | undefined;
  #server: Server | undefined;
  #isStopping = false;

  constructor(options: HttpListenerOptions) {
    const { cors, response_headers: headers } = options.config;
    this.#options = options;
    this.#cors = cors && new Cors(cors);
    this.#responseHeaders = Object.entries(headers);
  }

  /** Resolves with where it listens: `https://localhost:4318`.
   *  @throws PipelineError for a certificate or an authenticator that is not there */
  async start(): Promise<string> {
    const { config, context } = this.#options;
    this.#auth = authenticatorOf(serverAuthentication, config, context.host);
    const server = await this.#create();
    this.#server = server;
    const address = await listen(server, config.endpoint, (error) => {
      context.logger.error({ problem: messageOf(error) }, 'a connection could not be taken');
    });
    return `${config.tls === undefined ? 'http' : 'https'}://${address}`;
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#renewal?.stop();
    const server = this.#server;
    if (!server?.listening) return;
    this.#isStopping = true;
    const closed = new Promise((resolve) => {
      server.close(resolve);
    });
    const cut = () => server.closeAllConnections();
    if (deadline.aborted || !this.#options.drains) cut();
    else server.closeIdleConnections();
    deadline.addEventListener('abort', cut, { once: true });
    await closed;
    deadline.removeEventListener('abort', cut);
  }

  async #create(): Promise<Server> {
    const { config, context } = this.#options;
    const handler = (request: IncomingMessage, response: ServerResponse) =>
      this.#handle(request, response);
    const limits = limitsOf(config);
    if (config.tls === undefined) return createServer(limits, handler);
    const renewal = new TlsRenewal(config.tls, context, (renewed) => {
      if (this.#server instanceof TlsServer) this.#server.setSecureContext(renewed);
    });
    this.#renewal = renewal;
    const isMutual = config.tls.client_ca_file !== undefined;
    const tls = { ...(await renewal.start()), requestCert: isMutual, rejectUnauthorized: isMutual };
    const server = createTlsServer({ ...limits, ...tls }, handler);
    server.on('tlsClientError', (error) => {
      context.logger.debug({ problem: messageOf(error) }, 'a TLS handshake failed');
    });
    return server;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of this.#responseHeaders) response.setHeader(name, value);
    if (this.#cors?.apply(request, response)) return;
    const isLast = this.#isStopping || !this.#options.config.keep_alives_enabled;
    if (isLast) response.setHeader('connection', 'close');
    // A request that began before the stop keeps its connection alive: end it once answered.
    response.once('close', () => {
      if (this.#isStopping) setImmediate(() => this.#server?.closeIdleConnections());
    });
    this.#limitAnswer(response);
    if (this.#auth === undefined) this.#pass(request, response, undefined);
    else void this.#authenticated(this.#auth, request, response);
  }

  #pass(
    request: IncomingMessage,
    response: ServerResponse,
    auth: ReadonlyMap<string, string> | undefined,
  ): void {
    const { include_metadata } = this.#options.config;
    const asked = { include_metadata, auth };
    const client = requestClient(request.headers, request.socket.remoteAddress, asked);
    try {
      this.#options.onRequest(request, response, client);
    } catch (error) {
      this.#fault(request, response, error);
    }
  }

  /** A fault of ours in one request is the end of that request, not of the process. */
  #fault(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.#options.context.logger.error({ err: error }, 'a request could not be answered');
    if (response.headersSent) response.destroy();
    else answerPlain(request, response, { status: 500, text: 'internal error, see the log' });
  }

  /** Never rejects. */
  async #authenticated(
    auth: ServerAuthenticator,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    let found: ReadonlyMap<string, string>;
    try {
      found = await auth.authenticate(this.#credentialsOf(request));
    } catch (error) {
      const isBusy = error instanceof AuthError && error.code === 'busy';
      if (isBusy) response.setHeader('retry-after', '1');
      else response.setHeader('www-authenticate', auth.challenge);
      const text = error instanceof AuthError ? error.message : 'not authenticated';
      answerPlain(request, response, { status: isBusy ? 503 : 401, text });
      return;
    }
    if (!response.destroyed) this.#pass(request, response, found);
  }

  #credentialsOf(request: IncomingMessage): RequestHeaders {
    const { headers } = request;
    const names = this.#options.config.auth?.request_params ?? [];
    if (names.length === 0) return headers;
    const query = requestTarget(request).searchParams;
    const given = names.flatMap((name) => {
      const value = query.get(name);
      return value === null ? [] : [[name.toLowerCase(), value] as const];
    });
    return { ...headers, ...Object.fromEntries(given) };
  }

  #limitAnswer(response: ServerResponse): void {
    const { config, context } = this.#options;
    if (config.write_timeout === 0) return;
    const timer = context.clock.after(config.write_timeout, () => response.destroy());
    response.once('close', () => timer.cancel());
  }
}

/** Node wants the head of a request no later than the whole of it. */
function limitsOf(config: HttpListenerConfig): ServerOptions {
  const { read_timeout: whole, read_header_timeout: head } = config;
  return {
    noDelay: true,
    requestTimeout: whole,
    headersTimeout: whole > 0 ? Math.min(head === 0 ? whole : head, whole) : head,
    keepAliveTimeout: config.idle_timeout,
  };
}
