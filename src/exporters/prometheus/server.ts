/** Serves the families at /metrics, in the format the scraper asked for. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { Readable, pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import { PipelineError } from '../../component/consumer.ts';
import { reachableAddress } from '../../lib/address.ts';
import { messageOf } from '../../lib/errors.ts';
import type { PrometheusConfig } from './config.ts';
import type { Family } from './series-store.ts';
import { textOfFamilies, type TextOptions } from './text-format.ts';

export class MetricsServer {
  readonly #config: PrometheusConfig;
  readonly #families: () => Family[];
  #server: Server | undefined;

  constructor(config: PrometheusConfig, families: () => Family[]) {
    this.#config = config;
    this.#families = families;
  }

  /** Resolves with where it listens. */
  async start(): Promise<string> {
    const {
      tls,
      read_header_timeout: headersTimeout,
      idle_timeout: keepAliveTimeout,
    } = this.#config;
    const handler = (request: IncomingMessage, response: ServerResponse) =>
      this.#answer(request, response);
    const options = { headersTimeout, keepAliveTimeout };
    const server =
      tls === undefined
        ? createServer(options, handler)
        : createTlsServer({ ...options, ...serverTls(tls) }, handler);
    this.#server = server;
    const { host, port } = this.#config.endpoint;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const bound = server.address();
    const boundPort = bound !== null && typeof bound === 'object' ? bound.port : port;
    const scheme = tls === undefined ? 'http' : 'https';
    return `${scheme}://${reachableAddress(host, boundPort)}/metrics`;
  }

  /** Reads the certificate again; connections there are keep theirs. */
  renewCertificate(): void {
    const { tls } = this.#config;
    if (tls !== undefined && this.#server instanceof TlsServer) {
      this.#server.setSecureContext(serverTls(tls));
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const closed = new Promise((resolve) => {
      server.close(resolve);
    });
    server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(this.#config.response_headers)) {
      response.setHeader(name, value);
    }
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

function serverTls(tls: NonNullable<PrometheusConfig['tls']>) {
  const clientCa = tls.client_ca_file;
  return {
    cert: pem(tls.cert_file, tls.cert_pem),
    key: pem(tls.key_file, tls.key_pem),
    minVersion: `TLSv${tls.min_version}` as const,
    ...(tls.max_version === undefined ? {} : { maxVersion: `TLSv${tls.max_version}` as const }),
    ...(clientCa === undefined
      ? {}
      : { ca: pem(clientCa, undefined), requestCert: true, rejectUnauthorized: true }),
  };
}

function pem(file: string | undefined, inline: string | undefined): Buffer {
  if (file === undefined) return Buffer.from(inline ?? '');
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new PipelineError('bad_settings', `cannot read ${file}: ${messageOf(cause)}`, { cause });
  }
}
