/** The one filter language under everything that selects spans: legacy tags, the structured filter
 *  of the query API, TraceQL. A filter is true or false of ONE span with its resource, scope,
 *  events and links; a search finds the traces that have such a span.
 *
 *  Meaning, once for all backends:
 *  - Values compare within a type: int and double as numbers, string by UTF-8 byte order, bool
 *    by equality only. Across types every comparison is false, and `not` of it is true.
 *  - NaN equals nothing. An absent attribute makes every comparison false; `exists` asks for it.
 *  - An attribute of `any` scope, of events or of links may have several values: one is enough.
 *  - `looseEquals` is Jaeger's tag search: the value's text form equals `text` ("503" finds the int
 *    503, "true" the bool, "1.5" the double as JavaScript prints it; bytes, arrays and kvlists
 *    never match), in any scope. Keys `error`, `span.kind`, `span.status`, `scope.name`
 *    and `scope.version` ask for the span's own fields, as Jaeger's memory store does.
 *  - Regular expressions are RE2, unanchored unless they say so.
 *  - `some` is true when one event (or link) makes the inner filter true: inside of it, fields of
 *    events (or links) are those of that one. Outside, each field may mean another element.
 *  - Fields of kind `trace` are properties of the whole trace the span is of. A span alone cannot
 *    tell them: trace-conditions.ts takes them out before spans are asked. */

export type AttributeScope = 'span' | 'resource' | 'scope' | 'event' | 'link';

export type Intrinsic =
  | 'service'
  | 'name'
  | 'kind'
  | 'status'
  | 'statusMessage'
  | 'durationNano'
  | 'startNano'
  | 'endNano'
  | 'traceId'
  | 'spanId'
  | 'parentSpanId'
  | 'traceState'
  | 'scopeName'
  | 'scopeVersion'
  | 'scopeSchemaUrl'
  | 'resourceSchemaUrl'
  | 'eventName'
  | 'eventTimeNano'
  /** From the span's start; negative when the event was before it. */
  | 'eventSinceStartNano'
  | 'linkTraceId'
  | 'linkSpanId'
  | 'linkTraceState';

/** `durationNano`: latest end minus earliest start. The root is the earliest span without a parent,
 *  else the earliest span. */
export type TraceField = 'durationNano' | 'rootService' | 'rootName';

export type Field =
  | { readonly kind: 'intrinsic'; readonly name: Intrinsic }
  | { readonly kind: 'trace'; readonly name: TraceField }
  | { readonly kind: 'attribute'; readonly scope: AttributeScope | 'any'; readonly key: string };

/** bigint = int, number = double. `kind` and `status` compare with their lower-case names. */
export type Scalar = string | bigint | number | boolean;

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Filter =
  | { readonly op: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly op: 'not'; readonly of: Filter }
  | {
      readonly op: 'compare';
      readonly field: Field;
      readonly by: Comparison;
      readonly value: Scalar;
    }
  | { readonly op: 'in'; readonly field: Field; readonly values: readonly Scalar[] }
  | { readonly op: 'regex'; readonly field: Field; readonly pattern: string }
  | { readonly op: 'exists'; readonly field: Field }
  | { readonly op: 'some'; readonly in: 'event' | 'link'; readonly of: Filter }
  | { readonly op: 'looseEquals'; readonly key: string; readonly text: string };

/** What holds of every span, and of none. */
export const EVERY: Filter = { op: 'and', of: [] };
export const NONE: Filter = { op: 'or', of: [] };

export const intrinsic = (name: Intrinsic): Field => ({ kind: 'intrinsic', name });

/** All of the given filters; undefined ones are left out. */
export function allOf(filters: readonly (Filter | undefined)[]): Filter | undefined {
  const present = filters.filter((filter) => filter !== undefined);
  return present.length <= 1 ? present[0] : { op: 'and', of: present };
}
