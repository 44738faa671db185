/** Conditions about spans. The item is a cursor over a batch, so nothing is copied per span. */

import { SPAN_KINDS, STATUS_CODES } from '../../model/attribute.ts';
import type { SpanView } from '../../model/batch/view.ts';
import type { Context, PathMatch } from '../context.ts';
import { mapOf, OttlTime, type Value, valueOf } from '../value.ts';
import { attributesPath, type Owner, resourceOrScopePath } from './resource-scope.ts';

export const SPAN_ENUMS: Readonly<Record<string, bigint>> = Object.fromEntries([
  ...SPAN_KINDS.map((kind, i) => [`SPAN_KIND_${kind.toUpperCase()}`, BigInt(i)]),
  ...STATUS_CODES.map((code, i) => [`STATUS_CODE_${code.toUpperCase()}`, BigInt(i)]),
]);

const OWNER: Owner<SpanView> = {
  resource: (span) => span.resource,
  scope: (span) => span.scope,
};

export const spanContext: Context<SpanView> = {
  name: 'span',
  enums: SPAN_ENUMS,
  path: spanPath,
  functions: {
    IsRootSpan: { parameters: [], call: (_, { item }) => item.parentSpanId === '' },
  },
};

/** Paths of a span without `span.` in front. */
export function spanPath(
  names: readonly string[],
  firstKey: string | undefined,
): PathMatch<SpanView> | undefined {
  const name = names.join('.');
  if (name === 'attributes') return spanAttributes(firstKey);
  if (name === 'trace_state' && firstKey !== undefined) {
    return { get: (span) => traceStateMember(span.traceState, firstKey), usedKey: true };
  }
  const get = FIELDS[name];
  return get === undefined ? resourceOrScopePath(names, firstKey, OWNER) : { get };
}

/** One attribute is read without the others. */
function spanAttributes(firstKey: string | undefined): PathMatch<SpanView> {
  if (firstKey === undefined) return attributesPath((span) => span.attributes, undefined);
  return {
    usedKey: true,
    get: (span) => {
      const value = span.attribute(firstKey);
      return value === undefined ? null : valueOf(value);
    },
  };
}

const FIELDS: Readonly<Record<string, (span: SpanView) => Value>> = {
  trace_id: (span) => idBytes(span.traceId),
  'trace_id.string': (span) => span.traceId,
  span_id: (span) => idBytes(span.spanId),
  'span_id.string': (span) => span.spanId,
  parent_span_id: (span) => idBytes(span.parentSpanId),
  'parent_span_id.string': (span) => span.parentSpanId,
  trace_state: (span) => span.traceState,
  name: (span) => span.name,
  kind: (span) => BigInt(span.kind),
  'kind.string': (span) => capitalized(SPAN_KINDS[span.kind] ?? ''),
  'kind.deprecated_string': (span) => `SPAN_KIND_${(SPAN_KINDS[span.kind] ?? '').toUpperCase()}`,
  start_time: (span) => new OttlTime(span.startNano),
  start_time_unix_nano: (span) => BigInt.asIntN(64, span.startNano),
  end_time: (span) => new OttlTime(span.endNano),
  end_time_unix_nano: (span) => BigInt.asIntN(64, span.endNano),
  status: (span) => BigInt(span.statusCode),
  'status.code': (span) => BigInt(span.statusCode),
  'status.message': (span) => span.statusMessage,
  events: (span) =>
    span.events.map(({ name: event, timeNano, attributes }) =>
      fields([
        ['name', event],
        ['time_unix_nano', BigInt.asIntN(64, timeNano)],
        ['attributes', mapOf(attributes)],
      ]),
    ),
  links: (span) =>
    span.links.map(({ traceId, spanId, traceState, attributes }) =>
      fields([
        ['trace_id', traceId],
        ['span_id', spanId],
        ['trace_state', traceState],
        ['attributes', mapOf(attributes)],
      ]),
    ),
  flags: (span) => BigInt(span.flags),
  dropped_attributes_count: (span) => BigInt(span.droppedAttributes),
  dropped_events_count: (span) => BigInt(span.droppedEvents),
  dropped_links_count: (span) => BigInt(span.droppedLinks),
};

function fields(entries: readonly (readonly [string, Value])[]): Value {
  return new Map(entries);
}

/** An id that is not there is nil, which equals empty bytes. */
function idBytes(hex: string): Value {
  return /^0*$/.test(hex) ? null : Uint8Array.from(Buffer.from(hex, 'hex'));
}

function traceStateMember(traceState: string, key: string): Value {
  for (const member of traceState.split(',')) {
    const equals = member.indexOf('=');
    if (equals >= 0 && member.slice(0, equals).trim() === key)
      return member.slice(equals + 1).trim();
  }
  return null;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
