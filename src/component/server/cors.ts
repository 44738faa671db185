/** Cross-origin permission, for browsers that send OTLP or ask the API themselves. Off unless origins are named;
 *  `*` in an origin stands for any text. Credentials are always allowed, as in the Collector. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CorsConfig } from './config.ts';

/** Methods that servers here have. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];

/** What any page may send without being named, plus what OTLP needs. */
const ALWAYS_ALLOWED = ['accept', 'content-type', 'x-requested-with'];

export class Cors {
  readonly #origins: readonly RegExp[];
  readonly #headers: readonly string[];
  readonly #exposed: string;
  readonly #maxAge: number;

  constructor(config: CorsConfig) {
    this.#origins = config.allowed_origins.map(wildcard);
    this.#headers = config.allowed_headers.map((name) => name.toLowerCase());
    this.#exposed = config.exposed_headers.join(', ');
    this.#maxAge = config.max_age;
  }

  /** Sets the headers that a permitted origin needs. True when that was the whole request: the
   *  browser only asked whether it may. */
  apply(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers;
    const method = request.headers['access-control-request-method'];
    const isPreflight = request.method === 'OPTIONS' && method !== undefined;
    if (this.#origins.length > 0) response.setHeader('vary', 'Origin');
    if (origin !== undefined && this.#origins.some((allowed) => allowed.test(origin))) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-credentials', 'true');
      if (this.#exposed !== '') response.setHeader('access-control-expose-headers', this.#exposed);
      if (isPreflight) this.#permit(request, response);
    }
    if (isPreflight) response.writeHead(204).end();
    return isPreflight;
  }

  #permit(request: IncomingMessage, response: ServerResponse): void {
    const asked = request.headers['access-control-request-headers'] ?? '';
    const names = asked.split(',').map((name) => name.trim().toLowerCase());
    const allowed = names.filter((name) => name !== '' && this.#allows(name));
    const method = request.headers['access-control-request-method'] ?? '';
    if (METHODS.includes(method)) response.setHeader('access-control-allow-methods', method);
    if (allowed.length > 0) response.setHeader('access-control-allow-headers', allowed.join(', '));
    if (this.#maxAge > 0) response.setHeader('access-control-max-age', String(this.#maxAge));
  }

  #allows(name: string): boolean {
    return (
      ALWAYS_ALLOWED.includes(name) || this.#headers.includes(name) || this.#headers.includes('*')
    );
  }
}

function wildcard(origin: string): RegExp {
  const literal = origin.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 'i');
}
