/** The connections of an HTTP client: kept alive within their bounds, renewed with the certificate,
 *  and led through a proxy when one is configured. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions } from 'node:https';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { HttpClientConfig } from './config.ts';
import { ClientTls, type ClientContext } from './tls.ts';

/** A proxy that says nothing would keep a connection of every attempt. */
const CONNECT_MS_MAX = 20_000;

export interface Route {
  readonly agent: HttpAgent;
  /** Over what the request itself is addressed to: a proxy for plain requests. */
  readonly via:
    | { readonly hostname: string; readonly port: number; readonly path: string }
    | undefined;
  /** What the proxy asks for. */
  readonly headers: Readonly<Record<string, string>>;
}

export class HttpAgents {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;
  readonly #tls: ClientTls;
  readonly #proxy: URL | undefined;

  constructor(config: HttpClientConfig, context: ClientContext) {
    this.#proxy = config.proxy_url === undefined ? undefined : new URL(config.proxy_url);
    const options = limitsOf(config);
    this.#http = new HttpAgent(options);
    this.#https =
      this.#proxy === undefined ? new HttpsAgent(options) : new TunnelAgent(options, this.#proxy);
    // The options are part of a connection's name: old connections are not used for new requests.
    this.#tls = new ClientTls(config.tls, context, (renewed) => {
      Object.assign(this.#https.options, renewed);
    });
  }

  /** @throws PipelineError when a certificate is missing or no use */
  async start(): Promise<void> {
    Object.assign(this.#https.options, await this.#tls.start());
  }

  close(): void {
    this.#tls.stop();
    this.#http.destroy();
    this.#https.destroy();
  }

  routeTo(url: URL): Route {
    const isTls = url.protocol === 'https:';
    const agent = isTls ? this.#https : this.#http;
    if (this.#proxy === undefined || isTls) return { agent, via: undefined, headers: {} };
    const { hostname } = this.#proxy;
    const via = { hostname, port: portOf(this.#proxy), path: url.href };
    return { agent, via, headers: { host: url.host, ...proxyHeaders(this.#proxy) } };
  }
}

function limitsOf(config: HttpClientConfig): AgentOptions {
  const { max_idle_conns: idle, max_idle_conns_per_host: perHost } = config;
  const bounds = [idle, perHost].filter((bound) => bound > 0);
  const { max_conns_per_host: most, idle_conn_timeout: idleMs } = config;
  return {
    keepAlive: !config.disable_keep_alives,
    ...(bounds.length === 0 ? {} : { maxFreeSockets: Math.min(...bounds) }),
    ...(most === 0 ? {} : { maxSockets: most }),
    ...(idleMs === 0 ? {} : { timeout: idleMs }),
  };
}

/** Asks a proxy for a tunnel and speaks TLS through it. */
class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;

  constructor(options: AgentOptions, proxy: URL) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: AgentOptions & { readonly host?: string; readonly port?: number },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | undefined {
    const target = `${options.host ?? ''}:${options.port ?? 443}`;
    const asked = httpRequest({
      method: 'CONNECT',
      host: this.#proxy.hostname,
      port: portOf(this.#proxy),
      path: target,
      headers: { host: target, ...proxyHeaders(this.#proxy) },
    });
    const failed = (error: Error) => callback?.(error, new Duplex());
    asked.once('error', failed);
    asked.setTimeout(CONNECT_MS_MAX, () => {
      asked.destroy(new Error(`the proxy did not answer in ${CONNECT_MS_MAX / 1000} s`));
    });
    asked.once('connect', (response, socket) => {
      socket.setTimeout(0);
      if (response.statusCode !== 200) {
        socket.destroy();
        failed(new Error(`the proxy answered ${response.statusCode ?? 0}`));
        return;
      }
      callback?.(
        null,
        connectTls({ ...options, socket, servername: options.servername ?? options.host ?? '' }),
      );
    });
    asked.end();
    return undefined;
  }
}

function portOf({ port }: URL): number {
  return port === '' ? 80 : Number(port);
}

function proxyHeaders({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
