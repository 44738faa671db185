/** Our own API, which the UI reads: paged search, a trace as columns, one span in full. Requests
 *  and answers are described in `contract.ts`. */

import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { messageOf, SpoorError } from '../../lib/errors.ts';
import { encodeTraceColumns, traceColumns } from '../../model/trace/columns.ts';
import { type Span, spansOf } from '../../model/trace/span.ts';
import { QueryError } from '../../query/error.ts';
import { findInTrace } from '../../query/find-in-trace.ts';
import { searchFilter } from '../../query/search-filter.ts';
import type { TraceSummary } from '../../storage/contract.ts';
import {
  type AttributeKeysResponse,
  type ErrorResponse,
  FindRequest,
  type FindResponse,
  SearchRequest,
  type SearchResponse,
  type SpanResponse,
  type TraceSummary as SummaryAnswer,
} from '../contract.ts';
import { statusOf } from '../status.ts';
import {
  badRequest,
  duration,
  parseRangeHint,
  parseTags,
  requireTraceId,
} from './legacy-params.ts';
import type { QueryServerOptions } from './options.ts';
import { pathParam, queryOf, signalOf } from './request.ts';
import { spanDetail } from './span-detail.ts';

const HOUR_MS = 3600 * 1000;

export function ownRoutes(routes: FastifyInstance, options: QueryServerOptions): void {
  const { reader, tenant } = options;
  routes.setErrorHandler((error, _request, reply) => sendError(reply, error, options));

  routes.get('/search', async (request, reply) => {
    const query = queryOf(request);
    const search = parse(SearchRequest, query);
    const page = await reader.findTraces(
      { tenant, ...searchQuery(search, query, options.now()) },
      signalOf(reply),
    );
    const answer: SearchResponse = {
      traces: page.traces.map(encodeSummary),
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
      warnings: [...page.warnings],
    };
    return answer;
  });

  routes.get('/attribute-keys', async (_request, reply) => {
    const keys = await reader.getAttributeKeys(tenant, signalOf(reply));
    const answer: AttributeKeysResponse = {
      keys: keys.map(({ scope, key, types }) => ({ scope, key, types: [...types] })),
    };
    return answer;
  });

  routes.get('/traces/:traceId', async (request, reply) => {
    const traceId = requireTraceId(pathParam(request, 'traceId'));
    const ref = { traceId, range: parseRangeHint(queryOf(request)) };
    const batch = await reader.getTrace(tenant, ref, signalOf(reply));
    if (batch === undefined) throw notFound(traceId);
    const bytes = encodeTraceColumns(traceColumns(batch));
    return reply
      .type('application/vnd.spoor.trace-columns')
      .header('cache-control', 'no-cache')
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });

  routes.get('/traces/:traceId/spans/:spanId', async (request, reply) => {
    const spanId = pathParam(request, 'spanId').toLowerCase();
    const spans = await fetchSpans(options, pathParam(request, 'traceId'), signalOf(reply));
    const [span, ...others] = spans.filter((candidate) => candidate.spanId === spanId);
    if (span === undefined) {
      throw new QueryError('not_found', `the trace has no span ${spanId}`);
    }
    const answer: SpanResponse = { span: spanDetail(span), others: others.map(spanDetail) };
    return answer;
  });

  routes.get('/traces/:traceId/find', async (request, reply) => {
    const { q } = parse(FindRequest, queryOf(request));
    const spans = await fetchSpans(options, pathParam(request, 'traceId'), signalOf(reply));
    const answer: FindResponse = { spanIds: findInTrace(spans, q) };
    return answer;
  });
}

function searchQuery(search: SearchRequest, query: URLSearchParams, nowMs: number) {
  return {
    filter: searchFilter({
      service: search.service,
      operation: search.operation,
      tags: parseTags(search.tags ?? ''),
      minDurationNano: duration(query, 'minDuration'),
      maxDurationNano: duration(query, 'maxDuration'),
    }),
    range: {
      startNano: nanoOf(search.start) ?? BigInt(nowMs - HOUR_MS) * 1_000_000n,
      endNano: (nanoOf(search.end) ?? BigInt(nowMs) * 1_000_000n) + 1_000n,
    },
    limit: search.limit,
    order: search.order,
    cursor: search.cursor,
  };
}

function nanoOf(micros: string | undefined): bigint | undefined {
  return micros === undefined ? undefined : BigInt(micros) * 1_000n;
}

async function fetchSpans(
  { reader, tenant }: QueryServerOptions,
  text: string,
  signal: AbortSignal,
): Promise<Span[]> {
  const traceId = requireTraceId(text);
  const batch = await reader.getTrace(tenant, { traceId }, signal);
  if (batch === undefined) throw notFound(traceId);
  return spansOf(batch);
}

function encodeSummary(summary: TraceSummary): SummaryAnswer {
  return {
    traceId: summary.traceId,
    startNano: summary.startNano.toString(),
    durationNano: Number(summary.endNano - summary.startNano),
    spanCount: summary.spanCount,
    errorCount: summary.errorCount,
    orphanCount: summary.orphanCount,
    rootService: summary.rootService,
    rootName: summary.rootName,
    services: summary.services.map((service) => ({ ...service })),
  };
}

function parse<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  const given = [...query].filter(([, value]) => value !== '');
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw badRequest(z.prettifyError(parsed.error));
  return parsed.data;
}

function notFound(traceId: string): QueryError {
  return new QueryError('not_found', `no trace ${traceId}`, {
    hint: 'it may be older than the retention, not sent yet, or belong to another server',
  });
}

function sendError(reply: FastifyReply, error: unknown, options: QueryServerOptions): FastifyReply {
  const status = statusOf(error);
  if (status >= 500) options.log.warn({ err: error }, 'query failed');
  const hint = error instanceof SpoorError ? error.hint : undefined;
  const answer: ErrorResponse = {
    error: {
      code: error instanceof SpoorError ? error.code : 'internal',
      message: messageOf(error),
      ...(hint === undefined ? {} : { hint }),
    },
  };
  return reply.code(status).send(answer);
}
