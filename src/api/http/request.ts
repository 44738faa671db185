/** What every route needs of a request: its query as text, and when its client has left. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { QueryError } from '../../query/error.ts';

/** The raw query, so that repeated parameters and their order are kept. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  const at = request.url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1));
}

/** Aborts when the connection closes before the answer is sent: nobody is waiting any more. */
export function signalOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client has gone'));
  });
  return controller.signal;
}

/** A path parameter. */
export function pathParam(request: FastifyRequest, name: string): string {
  const params = request.params;
  if (typeof params !== 'object' || params === null || !(name in params)) return '';
  return String(Reflect.get(params, name));
}

/** The query as a request of the contract; empty parameters count as absent. */
export function parseQuery<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  const given = [...query].filter(([, value]) => value !== '');
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw new QueryError('bad_request', z.prettifyError(parsed.error));
  return parsed.data;
}
