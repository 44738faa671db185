/** Jaeger's legacy HTTP API, which Jaeger UI up to 2.14, Grafana and Kiali speak. Times are unix
 *  microseconds (milliseconds for dependencies). Every answer is an envelope; errors are the same
 *  envelope as text/plain, as Go's http.Error sends them. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../../lib/errors.ts';
import type { Span } from '../../model/trace/span.ts';
import { getTrace, getTraces } from '../../query/get-trace.ts';
import { withAllNames } from '../../filter/conventions.ts';
import { searchFilter } from '../../query/search-filter.ts';
import type { DependencyLink, TimeRange } from '../../storage/contract.ts';
import { encodeJaegerTrace, jaegerTraceId } from '../../wire/jaeger-json/encode.ts';
import { statusOf } from '../status.ts';
import { metricFamily, MIN_STEP_MS } from './legacy-metrics.ts';
import {
  badRequest,
  type LegacySearch,
  parseLegacySearch,
  parseMillis,
  parseRangeHint,
  parseBoolean,
  parseSpanKind,
  requireTraceId,
} from './legacy-params.ts';
import { type QueryServerOptions, traceRequest } from './options.ts';
import { pathParam, queryOf, signalOf } from './request.ts';

interface EnvelopeError {
  readonly code: number;
  readonly msg: string;
  readonly traceID?: string;
}

interface Answer {
  readonly data: unknown;
  readonly total?: number;
  readonly errors?: readonly EnvelopeError[];
}

type Handler = (
  query: URLSearchParams,
  request: FastifyRequest,
  signal: AbortSignal,
) => Promise<Answer>;

const DAY_MS = 24 * 3600 * 1000;

export function legacyRoutes(routes: FastifyInstance, options: QueryServerOptions): void {
  const { reader, tenant } = options;
  const route = (path: string, handler: Handler): void => {
    routes.get(path, async (request, reply) => {
      const query = queryOf(request);
      const answer = await handler(query, request, signalOf(reply));
      return sendJson(reply, envelope(answer), isPretty(query));
    });
  };
  routes.setErrorHandler((error, _request, reply) => sendError(reply, error, options));
  routes.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n'),
  );

  route('/services', async (_query, _request, signal) =>
    list(await reader.getServices(tenant, signal)),
  );

  route('/services/:service/operations', async (_query, request, signal) => {
    const service = pathParam(request, 'service');
    const operations = await reader.getOperations(tenant, { service }, signal);
    return list([...new Set(operations.map(({ name }) => name))]);
  });

  route('/operations', async (query, _request, signal) => {
    const service = query.get('service') ?? '';
    if (service === '') throw badRequest("parameter 'service' is required");
    const kind = parseSpanKind(query.get('spanKind') ?? '');
    const operations = await reader.getOperations(tenant, { service, kind }, signal);
    return list(operations.map(({ name, kind: spanKind }) => ({ name, spanKind })));
  });

  route('/traces', async (query, _request, signal) => {
    const search = parseLegacySearch(query, options.now());
    return search.traceIds.length > 0
      ? fetchTraces(search, options, signal)
      : searchTraces(search, options, signal);
  });

  route('/traces/:traceId', async (query, request, signal) => {
    const ref = {
      traceId: requireTraceId(pathParam(request, 'traceId')),
      range: parseRangeHint(query),
    };
    const spans = await getTrace(
      reader,
      { ...traceRequest(options, parseBoolean(query, 'raw')), ref },
      signal,
    );
    return { data: [encodeJaegerTrace(spans)] };
  });

  metricsRoutes(routes, options);
  route('/metrics/minstep', async () => ({ data: MIN_STEP_MS }));

  route('/dependencies', async (query, _request, signal) => {
    const links = await reader.getDependencies(
      tenant,
      dependencyRange(query, options.now()),
      signal,
    );
    const service = query.get('service') ?? '';
    const isAsked = ({ parent, child }: DependencyLink): boolean =>
      service === '' || parent === service || child === service;
    return { data: links.filter(isAsked) };
  });
}

function metricsRoutes(routes: FastifyInstance, options: QueryServerOptions): void {
  const { reader, tenant } = options;
  for (const metric of ['latencies', 'calls', 'errors'] as const) {
    routes.get(`/metrics/${metric}`, async (request, reply) => {
      const query = queryOf(request);
      const context = { reader, tenant, nowMs: options.now(), signal: signalOf(reply) };
      return sendJson(reply, await metricFamily(metric, query, context), isPretty(query));
    });
  }
}

async function searchTraces(
  search: LegacySearch,
  options: QueryServerOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const { reader, tenant } = options;
  const asked = searchFilter(search.fields);
  const filter = asked !== undefined && search.isAllNames ? withAllNames(asked) : asked;
  const page = await reader.findTraces(
    { tenant, range: search.range, filter, limit: search.limit },
    signal,
  );
  const refs = page.traces.map(({ traceId, startNano, endNano }) => ({
    traceId,
    range: { startNano, endNano: endNano + 1n },
  }));
  const traces = await getTraces(reader, { ...traceRequest(options, search.raw), refs }, signal);
  return { data: traces.map(encodeJaegerTrace), total: traces.length };
}

async function fetchTraces(
  search: LegacySearch,
  options: QueryServerOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const refs = search.traceIds.map((traceId) => ({ traceId }));
  const request = { ...traceRequest(options, search.raw), refs };
  const traces = await getTraces(options.reader, request, signal);
  const found = new Set(traces.map(firstTraceId));
  const errors = search.traceIds
    .filter((traceId) => !found.has(traceId))
    .map((traceId) => ({ code: 404, msg: 'trace not found', traceID: jaegerTraceId(traceId) }));
  const data = traces.map(encodeJaegerTrace);
  return { data, total: data.length, ...(errors.length > 0 ? { errors } : {}) };
}

function firstTraceId(spans: readonly Span[]): string {
  return spans[0]?.traceId ?? '';
}

function dependencyRange(query: URLSearchParams, nowMs: number): TimeRange {
  const endMs = parseMillis(query, 'endTs', nowMs);
  const lookbackMs = parseMillis(query, 'lookback', DAY_MS);
  return {
    startNano: BigInt(Math.max(0, endMs - lookbackMs)) * 1_000_000n,
    endNano: BigInt(endMs) * 1_000_000n + 1n,
  };
}

function list(items: readonly unknown[]): Answer {
  return { data: items, total: items.length };
}

function envelope({ data, total = 0, errors }: Answer) {
  return { data, total, limit: 0, offset: 0, errors: errors ?? null };
}

function isPretty(query: URLSearchParams): boolean {
  const value = query.get('prettyPrint');
  return value !== null && value !== '' && value !== 'false';
}

function sendJson(reply: FastifyReply, body: unknown, pretty: boolean): FastifyReply {
  return reply.type('application/json').send(JSON.stringify(body, null, pretty ? 4 : undefined));
}

function sendError(reply: FastifyReply, error: unknown, options: QueryServerOptions): FastifyReply {
  const code = statusOf(error);
  if (code >= 500) options.log.warn({ err: error }, 'query failed');
  const body = envelope({ data: null, errors: [{ code, msg: messageOf(error) }] });
  return reply
    .code(code)
    .type('text/plain; charset=utf-8')
    .send(`${JSON.stringify(body)}\n`);
}
