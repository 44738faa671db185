/** A TraceReader over spans in an array: slow, obvious, for tests of the API alone. */

import { compileFilter } from '../../filter/evaluate.ts';
import { SPAN_KINDS, STATUS_ERROR } from '../../model/attribute.ts';
import { SpanView } from '../../model/batch/view.ts';
import { batchOf, serviceOf, type Span } from '../../model/trace/span.ts';
import type { TraceQuery, TraceReader, TraceSummary } from '../../storage/contract.ts';

export function readerOf(spans: readonly Span[]): TraceReader {
  const byTrace = Map.groupBy(spans, ({ traceId }) => traceId);
  const trace = (traceId: string) => {
    const found = byTrace.get(traceId);
    return found && batchOf('default', found);
  };
  return {
    getTrace: async (_tenant, { traceId }) => trace(traceId),
    async *getTraces(_tenant, refs) {
      for (const { traceId } of refs) {
        const batch = trace(traceId);
        if (batch !== undefined) yield batch;
      }
    },
    findTraces: async (query) => {
      const found = [...byTrace.values()].filter((of) => of.some((span) => matches(span, query)));
      const traces = found.map(summaryOf).toSorted((a, b) => Number(b.startNano - a.startNano));
      const isMore = traces.length > query.limit;
      return {
        traces: traces.slice(0, query.limit),
        ...(isMore ? { cursor: 'next' } : {}),
        warnings: [],
      };
    },
    getServices: async () => [...new Set(spans.map(serviceOf))].toSorted(),
    getOperations: async (_tenant, { service, kind }) =>
      spans
        .filter((span) => serviceOf(span) === service)
        .map((span) => ({ name: span.name, kind: SPAN_KINDS[span.kind] ?? 'unspecified' }))
        .filter((operation) => kind === undefined || operation.kind === kind),
    getAttributeKeys: async () => [{ scope: 'span', key: 'http.route', types: ['string'] }],
    getAttributeValues: async ({ prefix = '' }) =>
      ['/cart', '/checkout', '/product'].flatMap((value, i) =>
        value.startsWith(prefix) ? [{ value, count: 3 - i }] : [],
      ),
    getDependencies: async () => [
      { parent: 'web', child: 'db', callCount: 3 },
      { parent: 'web', child: 'mail', callCount: 1 },
    ],
  };
}

function matches(span: Span, { filter, range }: TraceQuery): boolean {
  if (span.startNano < range.startNano || span.startNano >= range.endNano) return false;
  return filter === undefined || compileFilter(filter)(new SpanView(batchOf('default', [span])));
}

function summaryOf(spans: readonly Span[]): TraceSummary {
  const starts = spans.map(({ startNano }) => startNano).toSorted((a, b) => Number(a - b));
  const ends = spans.map(({ endNano }) => endNano).toSorted((a, b) => Number(b - a));
  const root = spans.find(({ parentSpanId }) => parentSpanId === '') ?? spans[0]!;
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const services = [...Map.groupBy(spans, serviceOf)].map(([name, of]) => ({
    name,
    spans: of.length,
    errors: of.filter(({ statusCode }) => statusCode === STATUS_ERROR).length,
  }));
  return {
    traceId: root.traceId,
    startNano: starts[0]!,
    endNano: ends[0]!,
    spanCount: spans.length,
    errorCount: services.reduce((sum, { errors }) => sum + errors, 0),
    orphanCount: spans.filter(({ parentSpanId: id }) => id !== '' && !ids.has(id)).length,
    rootService: serviceOf(root),
    rootName: root.name,
    services,
  };
}
