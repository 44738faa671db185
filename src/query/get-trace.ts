/** One trace, or several, as people should see them: all their spans, adjusted unless asked raw. */

import type { Span } from '../model/trace/span.ts';
import { spansOf } from '../model/trace/span.ts';
import type { TraceReader, TraceRef } from '../storage/contract.ts';
import { adjust, type AdjustOptions } from './adjusters/adjust.ts';
import { QueryError } from './error.ts';

export interface TraceRequest {
  readonly tenant: string;
  readonly ref: TraceRef;
  /** As stored, without adjusters. */
  readonly raw: boolean;
  readonly adjust: AdjustOptions;
}

/** Spans by start. Throws QueryError `not_found` when the trace has none. */
export async function getTrace(
  reader: TraceReader,
  request: TraceRequest,
  signal?: AbortSignal,
): Promise<Span[]> {
  const batch = await reader.getTrace(request.tenant, request.ref, signal);
  if (batch === undefined) throw new QueryError('not_found', 'trace not found');
  const spans = spansOf(batch);
  return request.raw ? spans : adjust(spans, request.adjust);
}

/** The traces that exist, in the order asked for. */
export async function getTraces(
  reader: TraceReader,
  request: Omit<TraceRequest, 'ref'> & { readonly refs: readonly TraceRef[] },
  signal?: AbortSignal,
): Promise<Span[][]> {
  const traces: Span[][] = [];
  for await (const batch of reader.getTraces(request.tenant, request.refs, signal)) {
    const spans = spansOf(batch);
    traces.push(request.raw ? spans : adjust(spans, request.adjust));
  }
  return traces;
}
