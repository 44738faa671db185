/** One trace for the UI: its waterfall as columns, a span in full, text search in it. The waterfall
 *  reads no more than it shows. The first question about a span reads the whole trace, and further
 *  ones are answered from that reading, so a large trace is not put together for each click; what
 *  that reading does not have is read anew. */

import type { FastifyInstance } from 'fastify';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { SpanView } from '../../model/batch/view.ts';
import { bytesFromHex, hexAt, SPAN_ID_BYTES } from '../../model/ids.ts';
import { encodeTraceColumns, traceColumns } from '../../model/trace/columns.ts';
import { type Span, spanAt } from '../../model/trace/span.ts';
import { QueryError } from '../../query/error.ts';
import { findInTrace } from '../../query/find-in-trace.ts';
import type { TraceRef } from '../../storage/contract.ts';
import { FindRequest, type FindResponse, type SpanResponse } from '../contract.ts';
import { parseRangeHint, requireTraceId } from './legacy-params.ts';
import type { QueryServerOptions } from './options.ts';
import type { RecentTraces } from './recent-traces.ts';
import { parseQuery, pathParam, queryOf, signalOf } from './request.ts';
import { spanDetail } from './span-detail.ts';

export function traceRoutes(
  routes: FastifyInstance,
  options: QueryServerOptions,
  recent: RecentTraces,
): void {
  const read = async (ref: TraceRef, signal: AbortSignal): Promise<SpanBatch> => {
    const before = recent.forgettings;
    const batch = await options.reader.getTrace(options.tenant, ref, signal);
    if (batch === undefined) throw noTrace(ref.traceId);
    if (recent.forgettings === before) recent.put(ref.traceId, batch);
    return batch;
  };

  routes.get('/traces/:traceId', async (request, reply) => {
    const traceId = requireTraceId(pathParam(request, 'traceId'));
    const range = parseRangeHint(queryOf(request));
    const ref = { traceId, range, columns: 'waterfall' as const };
    const batch = await options.reader.getTrace(options.tenant, ref, signalOf(reply));
    if (batch === undefined) throw noTrace(traceId);
    const bytes = encodeTraceColumns(traceColumns(batch));
    return reply
      .type('application/vnd.spoor.trace-columns')
      .header('cache-control', 'no-cache')
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });

  routes.get('/traces/:traceId/spans/:spanId', async (request, reply) => {
    const traceId = requireTraceId(pathParam(request, 'traceId'));
    const spanId = pathParam(request, 'spanId').toLowerCase();
    const known = recent.get(traceId);
    const seen = known === undefined ? [] : spansWithId(known, spanId);
    const found =
      seen.length > 0 ? seen : spansWithId(await read({ traceId }, signalOf(reply)), spanId);
    const [span, ...others] = found;
    if (span === undefined) throw new QueryError('not_found', `the trace has no span ${spanId}`);
    const answer: SpanResponse = { span: spanDetail(span), others: others.map(spanDetail) };
    return answer;
  });

  routes.get('/traces/:traceId/find', async (request, reply) => {
    const traceId = requireTraceId(pathParam(request, 'traceId'));
    const { q } = parseQuery(FindRequest, queryOf(request));
    const batch = recent.get(traceId) ?? (await read({ traceId }, signalOf(reply)));
    const { spanIds } = batch.spans.columns;
    const answer: FindResponse = {
      spanIds: findInTrace(batch, q).map((row) =>
        hexAt(spanIds, row * SPAN_ID_BYTES, SPAN_ID_BYTES),
      ),
    };
    return answer;
  });
}

/** In the order of the batch; several where spans share the id. */
function spansWithId(batch: SpanBatch, spanId: string): Span[] {
  const wanted = bytesFromHex(spanId, SPAN_ID_BYTES);
  if (wanted === undefined) return [];
  const ids = batch.spans.columns.spanIds;
  const view = new SpanView(batch);
  const spans: Span[] = [];
  for (let row = 0; row < batch.count; row++) {
    const isIt = wanted.every((byte, i) => ids[row * SPAN_ID_BYTES + i] === byte);
    if (isIt) spans.push(spanAt(view.at(row)));
  }
  return spans;
}

function noTrace(traceId: string): QueryError {
  return new QueryError('not_found', `no trace ${traceId}`, {
    hint: 'it may be older than the retention, not sent yet, or belong to another server',
  });
}
