/** Our own API, which the UI reads: paged search, attribute keys and, in `trace.ts`, one trace.
 *  Requests and answers are described in `contract.ts`. */

import type { FastifyInstance, FastifyReply } from 'fastify';
import { messageOf, SpoorError } from '../../lib/errors.ts';
import { allOf, type Filter } from '../../filter/ast.ts';
import { withAllNames } from '../../filter/conventions.ts';
import { parseStructuredFilter } from '../../query/structured-filter/parse.ts';
import { searchFilter } from '../../query/search-filter.ts';
import type { TimeRange, TraceSummary } from '../../storage/contract.ts';
import {
  type AttributeKeysResponse,
  AttributeValuesRequest,
  type AttributeValuesResponse,
  type ErrorResponse,
  SearchRequest,
  type SearchResponse,
  type TraceSummary as SummaryAnswer,
} from '../contract.ts';
import { statusOf } from '../status.ts';
import { duration, parseTags } from './legacy-params.ts';
import type { QueryServerOptions } from './options.ts';
import { metricsRoutes, typeOf } from './own-metrics.ts';
import { storeRoutes } from './own-store.ts';
import { RecentTraces } from './recent-traces.ts';
import { parseQuery, queryOf, signalOf } from './request.ts';
import { traceRoutes } from './trace.ts';

const HOUR_MS = 3600 * 1000;

export function ownRoutes(routes: FastifyInstance, options: QueryServerOptions): void {
  const { reader, tenant } = options;
  routes.setErrorHandler((error, _request, reply) => sendError(reply, error, options));

  routes.get('/search', async (request, reply) => {
    const query = queryOf(request);
    const search = parseQuery(SearchRequest, query);
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

  routes.get('/attribute-values', async (request, reply) => {
    const query = parseQuery(AttributeValuesRequest, queryOf(request));
    const values = await reader.getAttributeValues({ tenant, ...query }, signalOf(reply));
    const answer: AttributeValuesResponse = {
      values: values.map(({ value, count }) => ({
        value: String(value),
        type: typeOf(value),
        count,
      })),
    };
    return answer;
  });

  metricsRoutes(routes, options, {
    filterOf,
    rangeOf: (asked) => rangeOf(asked, options.now()),
  });
  const recent = new RecentTraces(options.now);
  traceRoutes(routes, options, recent);
  const onDeleted = () => recent.forgetAll();
  void routes.register(async (scope) => storeRoutes(scope, options, onDeleted), {
    prefix: '/store',
  });
}

function searchQuery(search: SearchRequest, query: URLSearchParams, nowMs: number) {
  return {
    filter: filterOf(search, query),
    range: rangeOf(search, nowMs),
    limit: search.limit,
    order: search.order,
    cursor: search.cursor,
  };
}

type Conditions = Omit<SearchRequest, 'limit' | 'order' | 'cursor'>;

function filterOf(search: Conditions, query: URLSearchParams): Filter | undefined {
  const fields = searchFilter({
    service: search.service,
    operation: search.operation,
    tags: parseTags(search.tags ?? ''),
    minDurationNano: duration(query, 'minDuration'),
    maxDurationNano: duration(query, 'maxDuration'),
  });
  const structured = search.filter === undefined ? undefined : parseStructuredFilter(search.filter);
  const filter = allOf([fields, structured]);
  return filter !== undefined && search.allNames ? withAllNames(filter) : filter;
}

/** The last hour where nothing else is said. */
function rangeOf({ start, end }: Pick<SearchRequest, 'start' | 'end'>, nowMs: number): TimeRange {
  return {
    startNano: nanoOf(start) ?? BigInt(nowMs - HOUR_MS) * 1_000_000n,
    endNano: (nanoOf(end) ?? BigInt(nowMs) * 1_000_000n) + 1_000n,
  };
}

function nanoOf(micros: string | undefined): bigint | undefined {
  return micros === undefined ? undefined : BigInt(micros) * 1_000n;
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
  const retryAfterMs = error instanceof SpoorError ? error.retryAfterMs : undefined;
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
  return reply.code(status).send(answer);
}
