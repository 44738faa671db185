/** Conditions about the events of a span. `span.*` and `resource.*` speak of the event's owner. */

import type { EventValue, SpanView } from '../../model/batch/view.ts';
import type { Context, PathMatch } from '../context.ts';
import { OttlTime, type Value } from '../value.ts';
import { attributesPath } from './resource-scope.ts';
import { SPAN_ENUMS, spanPath } from './span.ts';

export interface SpanEventItem {
  readonly event: EventValue;
  /** From 0, within the span. */
  readonly index: number;
  readonly span: SpanView;
}

export const spanEventContext: Context<SpanEventItem> = {
  name: 'spanevent',
  enums: SPAN_ENUMS,
  path(names, firstKey) {
    const name = names.join('.');
    if (name === 'attributes') return attributesPath((item) => item.event.attributes, firstKey);
    const get = FIELDS[name];
    if (get !== undefined) return { get };
    const isSpan = names[0] === 'span' && names.length > 1;
    return ofOwner(isSpan ? spanPath(names.slice(1), firstKey) : ownerPath(names, firstKey));
  },
};

const FIELDS: Readonly<Record<string, (item: SpanEventItem) => Value>> = {
  name: ({ event }) => event.name,
  time: ({ event }) => new OttlTime(event.timeNano),
  time_unix_nano: ({ event }) => BigInt.asIntN(64, event.timeNano),
  dropped_attributes_count: ({ event }) => BigInt(event.droppedAttributes),
  event_index: ({ index }) => BigInt(index),
};

function ownerPath(names: readonly string[], firstKey: string | undefined) {
  const isShared = ['resource', 'scope', 'instrumentation_scope'].includes(names[0] ?? '');
  return isShared ? spanPath(names, firstKey) : undefined;
}

function ofOwner(found: PathMatch<SpanView> | undefined): PathMatch<SpanEventItem> | undefined {
  return found && { ...found, get: ({ span }) => found.get(span) };
}

/** The events of the span the cursor is at. */
export function eventItems(span: SpanView): SpanEventItem[] {
  return span.events.map((event, index) => ({ event, index, span }));
}
