/** Jaeger's api_v3 over HTTP: OTLP JSON out, RFC 3339 times in. Errors are
 *  `{"error":{"httpCode","message"}}` as text/plain. */

import type { FastifyInstance, FastifyReply } from 'fastify';
import { messageOf } from '../../lib/errors.ts';
import { batchOf, type Span } from '../../model/trace/span.ts';
import { QueryError } from '../../query/error.ts';
import { getTrace, getTraces } from '../../query/get-trace.ts';
import type { TracePage, TraceSummary } from '../../storage/contract.ts';
import { encodeTraces } from '../../wire/otlp-json/encode.ts';
import { statusOf } from '../status.ts';
import { parseTraceId } from '../trace-id.ts';
import { parseSpanKind } from './legacy-params.ts';
import { type QueryServerOptions, traceRequest } from './options.ts';
import { pathParam, queryOf, signalOf } from './request.ts';
import {
  isTrue,
  malformed,
  parseV3Range,
  parseV3Search,
  pick,
  type V3Search,
} from './v3-params.ts';

export function v3Routes(routes: FastifyInstance, options: QueryServerOptions): void {
  const { reader, tenant } = options;
  routes.setErrorHandler((error, _request, reply) => sendError(reply, error, options));

  routes.get('/services', async (_request, reply) => {
    const services = await reader.getServices(tenant, signalOf(reply));
    return sendJson(reply, JSON.stringify(services.length > 0 ? { services } : {}));
  });

  routes.get('/operations', async (request, reply) => {
    const query = queryOf(request);
    const kind = parseSpanKind(pick(query, ['spanKind', 'span_kind']) ?? '');
    const service = pick(query, ['service']) ?? '';
    const found = await reader.getOperations(tenant, { service, kind }, signalOf(reply));
    const operations = found.map((operation) => ({
      name: operation.name,
      spanKind: operation.kind === 'unspecified' ? 'internal' : operation.kind,
    }));
    return sendJson(reply, JSON.stringify(operations.length > 0 ? { operations } : {}));
  });

  routes.get('/traces/:traceId', async (request, reply) => {
    const query = queryOf(request);
    const text = pathParam(request, 'traceId');
    const traceId = parseTraceId(text);
    if (traceId === undefined) throw malformed('trace_id', `"${text}" is no trace id`);
    const ref = { traceId, range: parseV3Range(query) };
    const raw = isTrue(query, ['rawTraces', 'raw_traces']);
    const spans = await getTrace(reader, { ...traceRequest(options, raw), ref }, signalOf(reply));
    return sendJson(reply, `{"result":${encodeTraces([batchOf(tenant, spans)])}}`);
  });

  routes.get('/traces', async (request, reply) => {
    const signal = signalOf(reply);
    const search = parseV3Search(queryOf(request));
    const page = await findPage(options, search, signal);
    const refs = page.traces.map(refOf);
    const traces = await getTraces(reader, { ...traceRequest(options, search.raw), refs }, signal);
    if (traces.length === 0) throw new QueryError('not_found', 'No traces found');
    const batches = traces.map((spans: readonly Span[]) => batchOf(tenant, spans));
    return sendJson(reply, `{"result":${encodeTraces(batches)}}`);
  });

  routes.get('/trace-summaries', async (request, reply) => {
    const page = await findPage(options, parseV3Search(queryOf(request)), signalOf(reply));
    const summaries = page.traces.map(encodeSummary);
    return sendJson(reply, JSON.stringify(summaries.length > 0 ? { summaries } : {}));
  });
}

function findPage(
  { reader, tenant }: QueryServerOptions,
  { filter, range, limit }: V3Search,
  signal: AbortSignal,
): Promise<TracePage> {
  return reader.findTraces({ tenant, range, filter, limit }, signal);
}

function refOf({ traceId, startNano, endNano }: TraceSummary) {
  return { traceId, range: { startNano, endNano: endNano + 1n } };
}

/** Zero and empty fields are left out, as protobuf's JSON has it. */
function encodeSummary(summary: TraceSummary): object {
  return withoutZeros({
    traceId: summary.traceId,
    rootServiceName: summary.rootService,
    rootOperationName: summary.rootName,
    minStartTimeUnixNano: summary.startNano.toString(),
    maxEndTimeUnixNano: summary.endNano.toString(),
    spanCount: summary.spanCount,
    errorSpanCount: summary.errorCount,
    orphanSpanCount: summary.orphanCount,
    services: summary.services.map(({ name, spans, errors }) =>
      withoutZeros({ name, spanCount: spans, errorSpanCount: errors }),
    ),
  });
}

function withoutZeros(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== 0 && value !== '' && value !== '0'),
  );
}

function sendJson(reply: FastifyReply, body: string): FastifyReply {
  return reply.type('application/json').send(body);
}

function sendError(reply: FastifyReply, error: unknown, options: QueryServerOptions): FastifyReply {
  const httpCode = statusOf(error);
  if (httpCode >= 500) options.log.warn({ err: error }, 'query failed');
  const body = { error: { httpCode, message: messageOf(error) } };
  return reply
    .code(httpCode)
    .type('text/plain; charset=utf-8')
    .send(`${JSON.stringify(body)}\n`);
}
