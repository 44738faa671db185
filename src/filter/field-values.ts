/** The values a filter's field has on a span. A field may have several (an attribute of any scope,
 *  of events, of links): the test is asked for each until it says yes. */

import { AttributeType, SPAN_KINDS, STATUS_CODES } from '../model/attribute.ts';
import { hexAt } from '../model/ids.ts';
import { bigNanoFromWords } from '../model/time.ts';
import type { AttributeTable, SpanBatch } from '../model/batch/span-batch.ts';
import { doubleFromWords, type SpanView } from '../model/batch/view.ts';
import type { AttributeScope, Field, Intrinsic, Scalar } from './ast.ts';

/** What is looked at: a span and, inside a `some`, one of its events or links. */
export interface Looked {
  span: SpanView;
  /** Rows of the batch's tables; -1 means all of the span's. */
  event: number;
  link: number;
}

export type ScalarTest = (value: Scalar) => boolean;
/** Asked with the row of the attribute table, for tests that need no value. */
export type Present = (batch: SpanBatch, table: AttributeTable, row: number) => boolean;
type AttributeField = Extract<Field, { kind: 'attribute' }>;

/** True when some value of the field passes the test. */
export function someValue(
  at: Looked,
  field: Exclude<Field, { kind: 'trace' }>,
  test: ScalarTest,
): boolean {
  if (field.kind === 'intrinsic') return someIntrinsic(at, field.name, test);
  return someAttribute(at, field, (batch, table, row) => {
    const value = readScalar(batch, table, row);
    return value !== undefined && test(value);
  });
}

/** True when some attribute of the field's key passes, whatever its type. */
export function someAttribute(at: Looked, field: AttributeField, test: Present): boolean {
  if (field.scope !== 'any') return SCOPES[field.scope](at, field.key, test);
  for (const scope of ALL_SCOPES) if (SCOPES[scope](at, field.key, test)) return true;
  return false;
}

/** True when the test says yes to some event or link: its row is passed. */
export function someElement(
  at: Looked,
  kind: 'event' | 'link',
  test: (row: number) => boolean,
): boolean {
  if (at[kind] >= 0) return test(at[kind]);
  const { batch, row } = at.span;
  const { starts } = kind === 'event' ? batch.events : batch.links;
  const end = starts[row + 1] ?? 0;
  for (let i = starts[row] ?? 0; i < end; i++) if (test(i)) return true;
  return false;
}

type ScopeSearch = (at: Looked, key: string, test: Present) => boolean;

const SCOPES: Record<AttributeScope, ScopeSearch> = {
  span: ({ span: { batch, row } }, key, test) =>
    inOwner(batch, batch.spans.attributes, { row, key, test }),
  resource: ({ span: { batch, row } }, key, test) => {
    const owner = batch.spans.columns.resources[row] ?? 0;
    return inOwner(batch, batch.resources.attributes, { row: owner, key, test });
  },
  scope: ({ span: { batch, row } }, key, test) => {
    const owner = batch.spans.columns.scopes[row] ?? 0;
    return inOwner(batch, batch.scopes.attributes, { row: owner, key, test });
  },
  event: (at, key, test) => {
    const { batch } = at.span;
    const { attributes } = batch.events;
    return someElement(at, 'event', (row) => inOwner(batch, attributes, { row, key, test }));
  },
  link: (at, key, test) => {
    const { batch } = at.span;
    const { attributes } = batch.links;
    return someElement(at, 'link', (row) => inOwner(batch, attributes, { row, key, test }));
  },
};

const ALL_SCOPES: readonly AttributeScope[] = ['span', 'resource', 'scope', 'event', 'link'];

function inOwner(
  batch: SpanBatch,
  table: AttributeTable,
  { row, key, test }: { row: number; key: string; test: Present },
): boolean {
  for (let i = table.starts[row] ?? 0; i < (table.starts[row + 1] ?? 0); i++) {
    if (batch.strings.text(table.keys[i] ?? 0) === key && test(batch, table, i)) return true;
  }
  return false;
}

/** undefined for types no filter compares. */
function readScalar(batch: SpanBatch, table: AttributeTable, i: number): Scalar | undefined {
  const low = table.values[i * 2] ?? 0;
  const high = table.values[i * 2 + 1] ?? 0;
  switch (table.types[i]) {
    case AttributeType.string:
      return batch.strings.text(low);
    case AttributeType.bool:
      return low !== 0;
    case AttributeType.int:
      return BigInt.asIntN(64, bigNanoFromWords(low, high));
    case AttributeType.double:
      return doubleFromWords(low, high);
    default:
      return undefined;
  }
}

function someIntrinsic(at: Looked, name: Intrinsic, test: ScalarTest): boolean {
  if (isIn(OF_SPANS, name)) return test(OF_SPANS[name](at.span));
  if (isIn(OF_EVENTS, name)) {
    return someElement(at, 'event', (row) => test(OF_EVENTS[name](at.span, row)));
  }
  return someElement(at, 'link', (row) => test(OF_LINKS[name](at.span, row)));
}

function isIn<T extends object>(table: T, name: PropertyKey): name is keyof T {
  return name in table;
}

type EventIntrinsic = 'eventName' | 'eventTimeNano' | 'eventSinceStartNano';
type LinkIntrinsic = 'linkTraceId' | 'linkSpanId' | 'linkTraceState';
type SpanIntrinsic = Exclude<Intrinsic, EventIntrinsic | LinkIntrinsic>;

const OF_EVENTS: Record<EventIntrinsic, (span: SpanView, row: number) => Scalar> = {
  eventName: ({ batch }, row) => batch.strings.text(batch.events.columns.names[row] ?? 0),
  eventTimeNano: ({ batch }, row) => eventTime(batch, row),
  // Modulo 2^64 and signed, as durations are.
  eventSinceStartNano: (span, row) =>
    BigInt.asIntN(64, eventTime(span.batch, row) - span.startNano),
};

function eventTime({ events }: SpanBatch, row: number): bigint {
  const times = events.columns.timeNano;
  return bigNanoFromWords(times[row * 2] ?? 0, times[row * 2 + 1] ?? 0);
}

const OF_LINKS: Record<LinkIntrinsic, (span: SpanView, row: number) => Scalar> = {
  linkTraceId: ({ batch }, row) => hexAt(batch.links.columns.traceIds, row * 16, 16),
  linkSpanId: ({ batch }, row) => hexAt(batch.links.columns.spanIds, row * 8, 8),
  linkTraceState: ({ batch }, row) => batch.strings.text(batch.links.columns.traceStates[row] ?? 0),
};

/** Numbers that have no name (a newer OTLP) read as the zero value's. */
const OF_SPANS: Record<SpanIntrinsic, (span: SpanView) => Scalar> = {
  service: (span) => span.service,
  name: (span) => span.name,
  kind: (span) => SPAN_KINDS[span.kind] ?? SPAN_KINDS[0],
  status: (span) => STATUS_CODES[span.statusCode] ?? STATUS_CODES[0],
  statusMessage: (span) => span.statusMessage,
  // Modulo 2^64 and signed, as stores keep it: an end before the start gives a negative duration.
  durationNano: (span) => BigInt.asIntN(64, span.endNano - span.startNano),
  startNano: (span) => span.startNano,
  endNano: (span) => span.endNano,
  traceId: (span) => span.traceId,
  spanId: (span) => span.spanId,
  parentSpanId: (span) => span.parentSpanId,
  traceState: (span) => span.traceState,
  scopeName: (span) => scopeText(span, 'names'),
  scopeVersion: (span) => scopeText(span, 'versions'),
  scopeSchemaUrl: (span) => scopeText(span, 'schemaUrls'),
  resourceSchemaUrl: ({ batch, row }) => {
    const owner = batch.spans.columns.resources[row] ?? 0;
    return batch.strings.text(batch.resources.columns.schemaUrls[owner] ?? 0);
  },
};

type ScopeColumn = 'names' | 'versions' | 'schemaUrls';

function scopeText({ batch, row }: SpanView, column: ScopeColumn): string {
  const owner = batch.spans.columns.scopes[row] ?? 0;
  return batch.strings.text(batch.scopes.columns[column][owner] ?? 0);
}
