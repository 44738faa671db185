/** One HotROD service: a node:http server with a handful of routes. The OpenTelemetry SDK sees
 *  node:http and fetch by itself; the only line here that is there for tracing names the server
 *  span after its route, which a web framework's instrumentation would do. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { SpanStatusCode, trace } from '@opentelemetry/api';
import { z } from 'zod';

import { announce, onStop, switches, SwitchesSchema, tell, type Switches } from './process.ts';

const BODY_BYTES_MAX = 16 * 1024;

export class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Call = { readonly url: URL; readonly body: string };
export type Answer = { readonly type: string; readonly body: string };
export type Routes = Readonly<Record<string, (call: Call) => Answer | Promise<Answer>>>;

export function json(value: unknown): Answer {
  return { type: 'application/json', body: JSON.stringify(value) };
}

/** A number from the query string, or 400 naming the parameter. */
export function numberParam(url: URL, name: string): number {
  const text = url.searchParams.get(name);
  const value = text === null || text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new HttpError(400, `${name} must be a number`);
  return value;
}

/** Asks another service and parses its JSON; anything but 200 becomes a 502 that says who. */
export async function ask<T>(
  url: string,
  parse: (value: unknown) => T,
  request: RequestInit = {},
): Promise<T> {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(15_000) });
  const body = await response.text();
  if (!response.ok) {
    throw new HttpError(502, `${new URL(url).pathname} answered ${response.status}: ${body}`);
  }
  return parse(JSON.parse(body));
}

const switchRoutes: Routes = {
  'GET /switches': () => json(switches),
  'PUT /switches': ({ body }) => json(setSwitches(body)),
};

export function startService(routes: Routes, stop: () => void = () => {}): void {
  const server = createServer((request, response) => {
    void handle({ ...switchRoutes, ...routes }, { request, response });
  });
  const port = Number(process.env['PORT'] ?? 0);
  server.on('error', (error) => {
    const isTaken = 'code' in error && error.code === 'EADDRINUSE';
    tell({
      failed: isTaken ? `port ${port} is taken; --port N starts at another` : error.message,
    });
    process.exitCode = 1;
    if (process.connected) process.disconnect();
  });
  server.listen(port, '127.0.0.1', () => announce(server.address()));
  onStop(() => {
    server.close(stop);
    server.closeIdleConnections();
  });
}

/** Sets some of the switches of this service; answers with all of them. */
export function setSwitches(body: string): Switches {
  const wanted = SwitchesSchema.partial().safeParse(parseJson(body));
  if (!wanted.success) throw new HttpError(400, z.prettifyError(wanted.error));
  return Object.assign(switches, wanted.data);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'the body must be JSON, such as {"lookups":true}');
  }
}

async function handle(
  routes: Routes,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://service');
  const path = `${request.method} ${url.pathname}`;
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  try {
    if (route === undefined) throw new HttpError(404, `no route ${path}`);
    trace.getActiveSpan()?.updateName(path).setAttribute('http.route', url.pathname);
    const answer = await route({ url, body: await readBody(request) });
    send(response, 200, answer);
  } catch (error) {
    const status = error instanceof HttpError ? error.status : 500;
    const message = error instanceof Error ? error.message : String(error);
    if (status >= 500) {
      const span = trace.getActiveSpan();
      span?.recordException(error instanceof Error ? error : message);
      span?.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    send(response, status, json({ error: message }));
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) throw new HttpError(413, `body over ${BODY_BYTES_MAX} bytes`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, status: number, { type, body }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}
