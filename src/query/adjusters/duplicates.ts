/** The same span sent twice appears once. The embedded store sees to that itself; others may not. */

import type { Span } from '../../model/trace/span.ts';

export function collapseDuplicates(spans: readonly Span[]): Span[] {
  const byId = Map.groupBy(spans, ({ spanId }) => spanId);
  if (byId.size === spans.length) return [...spans];
  const seen = new Set<string>();
  return spans.filter((span) => {
    if (byId.get(span.spanId)?.length === 1) return true;
    const content = contentOf(span);
    const isNew = !seen.has(content);
    seen.add(content);
    return isNew;
  });
}

function contentOf(span: Span): string {
  return JSON.stringify(span, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}
