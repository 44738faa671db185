/** Attributes by key and events by name, so that answers read the same every time. */

import type { KeyValue } from '../../model/attribute.ts';
import type { Span } from '../../model/trace/span.ts';

export function sortCollections(span: Span): Span {
  return {
    ...span,
    attributes: byKey(span.attributes),
    events: span.events
      .map((event) => ({ ...event, attributes: byKey(event.attributes) }))
      .toSorted((a, b) => order(a.name, b.name)),
    links: span.links.map((link) => ({ ...link, attributes: byKey(link.attributes) })),
  };
}

function byKey(attributes: readonly KeyValue[]): KeyValue[] {
  return attributes.toSorted((a, b) => order(a.key, b.key));
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
