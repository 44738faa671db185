/** One trace, or several, as people should see them: all their spans, adjusted unless asked raw. */

import type { SpanBatch } from '../model/batch/span-batch.ts';
import type { Span } from '../model/trace/span.ts';
import { spansOf } from '../model/trace/span.ts';
import type { TraceReader, TraceRef } from '../storage/contract.ts';
import { adjust, type AdjustOptions } from './adjusters/adjust.ts';
import { QueryError } from './error.ts';

type Shown = Pick<TraceRequest, 'raw' | 'adjust' | 'spansMax'>;

export interface TraceRequest {
  readonly tenant: string;
  readonly ref: TraceRef;
  /** As stored, without adjusters. */
  readonly raw: boolean;
  readonly adjust: AdjustOptions;
  /** More spans than this are cut off, with a warning on the first; 0 = no cap. */
  readonly spansMax: number;
}

/** Spans by start. Throws QueryError `not_found` when the trace has none. */
export async function getTrace(
  reader: TraceReader,
  request: TraceRequest,
  signal?: AbortSignal,
): Promise<Span[]> {
  const lacks = new Set<string>();
  const ref: TraceRef = { ...request.ref, onWarning: (warning) => lacks.add(warning) };
  const batch = await reader.getTrace(request.tenant, ref, signal);
  if (batch === undefined) throw new QueryError('not_found', 'trace not found');
  return withWarnings(shown(batch, request), [...lacks]);
}

/** The traces that exist, in the order asked for. */
export async function getTraces(
  reader: TraceReader,
  request: Omit<TraceRequest, 'ref'> & { readonly refs: readonly TraceRef[] },
  signal?: AbortSignal,
): Promise<Span[][]> {
  const traces: Span[][] = [];
  for await (const batch of reader.getTraces(request.tenant, request.refs, signal)) {
    traces.push(shown(batch, request));
  }
  return traces;
}

function shown(batch: SpanBatch, { raw, adjust: options, spansMax }: Shown): Span[] {
  const spans = spansOf(batch);
  const kept = spansMax > 0 && spans.length > spansMax ? truncate(spans, spansMax) : spans;
  return raw ? kept : adjust(kept, options);
}

/** On the first span, where Jaeger's UI shows them. */
function withWarnings(spans: Span[], warnings: readonly string[]): Span[] {
  if (warnings.length === 0) return spans;
  return spans.map((span, i) =>
    i === 0 ? { ...span, warnings: [...span.warnings, ...warnings] } : span,
  );
}

function truncate(spans: readonly Span[], spansMax: number): Span[] {
  const warning = `trace has ${spans.length} spans: only the first ${spansMax} are shown (max_trace_size)`;
  return spans
    .slice(0, spansMax)
    .map((span, i) => (i === 0 ? { ...span, warnings: [...span.warnings, warning] } : span));
}
