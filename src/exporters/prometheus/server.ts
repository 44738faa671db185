/** Serves the families at /metrics, in the format the scraper asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable, pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { CreateContext } from '../../component/define.ts';
import { HttpListener } from '../../component/server/http-listener.ts';
import type { PrometheusConfig } from './config.ts';
import type { Family } from './series-store.ts';
import { type ProtobufOptions, protobufOfFamilies } from './protobuf-format.ts';
import { textOfFamilies } from './text-format.ts';

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
    const { format, options } = answerFor(request, this.#config);
    response.setHeader('content-type', contentType(format, options));
    const families = this.#families();
    const body = Readable.from(
      format === 'protobuf'
        ? protobufOfFamilies(families, options)
        : textOfFamilies(families, { ...options, isOpenMetrics: format === 'openmetrics' }),
    );
    // A scraper that goes away is no event.
    const done = () => {};
    if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
      response.setHeader('content-encoding', 'gzip');
      pipeline(body, createGzip({ level: 1 }), response, done);
    } else pipeline(body, response, done);
  }
}

type Format = 'protobuf' | 'openmetrics' | 'text';

function answerFor(request: IncomingMessage, config: PrometheusConfig) {
  const accept = request.headers.accept ?? '';
  return {
    format: preferred(accept, config.enable_open_metrics),
    options: {
      allowsUtf8: accept.includes('escaping=allow-utf-8'),
      hasTimestamps: config.send_timestamps,
    },
  };
}

/** What the scraper would rather have of what there is. */
function preferred(accept: string, hasOpenMetrics: boolean): Format {
  let best: { readonly format: Format; readonly weight: number } = { format: 'text', weight: 0 };
  for (const entry of accept.split(',')) {
    const format = formatOf(entry);
    if (format === undefined || (format === 'openmetrics' && !hasOpenMetrics)) continue;
    const weight = Number(/;\s*q=([\d.]+)/.exec(entry)?.[1] ?? 1);
    if (weight > best.weight) best = { format, weight };
  }
  return best.format;
}

function formatOf(entry: string): Format | undefined {
  const [type = '', ...parameters] = entry.split(';').map((part) => part.trim());
  if (type === 'application/openmetrics-text') return 'openmetrics';
  if (type === 'text/plain') return 'text';
  const isDelimited = ['proto=io.prometheus.client.MetricFamily', 'encoding=delimited'].every(
    (parameter) => parameters.includes(parameter),
  );
  return type === 'application/vnd.google.protobuf' && isDelimited ? 'protobuf' : undefined;
}

function contentType(format: Format, { allowsUtf8 }: ProtobufOptions): string {
  const escaping = allowsUtf8 ? '; escaping=allow-utf-8' : '';
  switch (format) {
    case 'protobuf':
      return `application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited${escaping}`;
    case 'openmetrics':
      return `application/openmetrics-text; version=1.0.0; charset=utf-8${escaping}`;
    case 'text':
      return `text/plain; version=0.0.4; charset=utf-8${escaping}`;
  }
}
