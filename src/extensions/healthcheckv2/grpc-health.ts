/** grpc.health.v1: Check answers once, Watch at every change. A service is a pipeline's id; '' is the
 *  whole process. The messages have one field each, so they are read and written here. */

import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Clock } from '../../lib/clock.ts';

export type Serving = 'serving' | 'not_serving' | 'unknown';

export interface GrpcHealthOptions {
  /** undefined: there is no such service. */
  readonly serving: (service: string) => boolean | undefined;
  readonly clock: Clock;
}

const CHECK = '/grpc.health.v1.Health/Check';
const WATCH = '/grpc.health.v1.Health/Watch';
const REQUEST_BYTES_MAX = 4096;
const WATCH_MS = 500;

const OK = 0;
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
export const UNAUTHENTICATED = 16;

/** HealthCheckResponse.ServingStatus */
const STATUS: Readonly<Record<Serving, number>> = { serving: 1, not_serving: 2, unknown: 3 };

export async function answerHealth(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: GrpcHealthOptions,
): Promise<void> {
  const path = headers[constants.HTTP2_HEADER_PATH];
  if (path !== CHECK && path !== WATCH) return end(stream, UNIMPLEMENTED, 'no such method');
  const service = await readService(stream);
  if (service === undefined) return end(stream, INVALID_ARGUMENT, 'no HealthCheckRequest');
  if (path === WATCH) return watch(stream, service, options);
  const isServing = options.serving(service);
  if (isServing === undefined) return end(stream, NOT_FOUND, `no service ${service}`);
  open(stream);
  stream.write(response(isServing ? 'serving' : 'not_serving'));
  stream.end();
}

/** Ends a call before it has begun to be answered. */
export function end(stream: ServerHttp2Stream, code: number, message: string): void {
  if (stream.destroyed) return;
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(code),
      'grpc-message': encodeURIComponent(message),
    },
    { endStream: true },
  );
}

/** Until the client leaves or the server stops. */
function watch(stream: ServerHttp2Stream, service: string, options: GrpcHealthOptions): void {
  let told: Serving | undefined;
  const tell = () => {
    const isServing = options.serving(service);
    const now = isServing === undefined ? 'unknown' : isServing ? 'serving' : 'not_serving';
    if (now !== told) stream.write(response(now));
    told = now;
  };
  open(stream);
  tell();
  const timer = options.clock.every(WATCH_MS, tell);
  stream.once('close', () => timer.cancel());
  // The server says goodbye: nothing more will come.
  stream.session?.once('goaway', () => stream.end());
}

function open(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(OK) }));
}

/** Flag, length, then `status`, field 1. */
function response(serving: Serving): Buffer {
  return Buffer.from([0, 0, 0, 0, 2, 0x08, STATUS[serving]]);
}

/** undefined when it is no HealthCheckRequest. */
async function readService(stream: ServerHttp2Stream): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) return undefined;
    size += chunk.length;
    if (size > REQUEST_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  // Not compressed: no client compresses so little.
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5)
    return undefined;
  const message = body.subarray(5);
  if (message.length === 0) return '';
  // `service`, field 1; a name has less than 128 bytes.
  const isService = message[0] === 0x0a && message[1] === message.length - 2;
  return isService ? message.subarray(2).toString() : undefined;
}
