/** Zipkin lets a server span have its client's id. Each then gets an id of its own: the server's is
 *  the smallest number not in use, its parent the old id, and the children of the id are its own. */

import type { Span } from '../../model/trace/span.ts';

const SERVER = 2;
const CLIENT = 3;

export function splitSharedIds(spans: readonly Span[]): Span[] {
  const clients = new Set(spans.filter(({ kind }) => kind === CLIENT).map(({ spanId }) => spanId));
  const used = new Set(spans.map(({ spanId }) => spanId));
  const renamed = new Map<string, string>();
  const split = spans.map((span) => {
    if (span.kind !== SERVER || !clients.has(span.spanId)) return span;
    const spanId = renamed.get(span.spanId) ?? unusedId(used);
    renamed.set(span.spanId, spanId);
    return { ...span, spanId, parentSpanId: span.spanId };
  });
  if (renamed.size === 0) return split;
  return split.map((span) => {
    const parentSpanId = renamed.get(span.parentSpanId);
    if (parentSpanId === undefined || parentSpanId === span.spanId) return span;
    return { ...span, parentSpanId };
  });
}

function unusedId(used: Set<string>): string {
  for (let candidate = 1n; ; candidate++) {
    const id = candidate.toString(16).padStart(16, '0');
    if (used.has(id)) continue;
    used.add(id);
    return id;
  }
}
