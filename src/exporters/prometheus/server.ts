/** Serves the families at /metrics, in the format the scraper asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { CreateContext } from '../../component/define.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import type { PrometheusConfig } from './config.ts';
import type { Family } from './series-store.ts';
import { textOfFamilies, type TextOptions } from './text-format.ts';

type MetricsContext = Pick<CreateContext<PrometheusConfig>, 'config' | 'clock' | 'logger' | 'host'>;

export class MetricsServer {
  readonly #config: PrometheusConfig;
  readonly #families: () => Family[];
  readonly #listener: HttpListener;

  constructor(context: MetricsContext, families: () => Family[]) {
    this.#config = context.config;
    this.#families = families;
    this.#listener = new HttpListener({
      config: context.config,
      context,
      drains: false,
      onRequest: (request, response) => this.#answer(request, response),
    });
  }

  /** Resolves with where it listens. */
  async start(): Promise<string> {
    return `${await this.#listener.start()}/metrics`;
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#listener.stop(signal);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found: see /metrics\n');
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const options = optionsFor(request, this.#config);
    response.setHeader('content-type', contentType(options));
    const text = Readable.from(textOfFamilies(this.#families(), options));
    // A scraper that goes away is no event.
    const done = () => {};
    if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
      response.setHeader('content-encoding', 'gzip');
      pipeline(text, createGzip({ level: 1 }), response, done);
    } else pipeline(text, response, done);
  }
}

function optionsFor(request: IncomingMessage, config: PrometheusConfig): TextOptions {
  const accept = request.headers.accept ?? '';
  return {
    isOpenMetrics: config.enable_open_metrics && accept.includes('application/openmetrics-text'),
    allowsUtf8: accept.includes('escaping=allow-utf-8'),
    hasTimestamps: config.send_timestamps,
  };
}

function contentType({ isOpenMetrics, allowsUtf8 }: TextOptions): string {
  const escaping = allowsUtf8 ? '; escaping=allow-utf-8' : '';
  return isOpenMetrics
    ? `application/openmetrics-text; version=1.0.0; charset=utf-8${escaping}`
    : `text/plain; version=0.0.4; charset=utf-8${escaping}`;
}
