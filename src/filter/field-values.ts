/** The values a filter's field has on a span. A field may have several (an attribute of any scope,
 *  of events, of links): the test is asked for each until it says yes. */

import { AttributeType, SPAN_KINDS, STATUS_CODES } from '../model/attribute.ts';
import { bigNanoFromWords } from '../model/time.ts';
import type { AttributeTable, SpanBatch } from '../model/batch/span-batch.ts';
import { doubleFromWords, type SpanView } from '../model/batch/view.ts';
import type { AttributeScope, Field, Intrinsic, Scalar } from './ast.ts';

export type ScalarTest = (value: Scalar) => boolean;
/** Asked with the row of the attribute table, for tests that need no value. */
export type Present = (batch: SpanBatch, table: AttributeTable, row: number) => boolean;
type AttributeField = Extract<Field, { kind: 'attribute' }>;

/** True when some value of the field passes the test. */
export function someValue(span: SpanView, field: Field, test: ScalarTest): boolean {
  if (field.kind === 'intrinsic') return someIntrinsic(span, field.name, test);
  return someAttribute(span, field, (batch, table, row) => {
    const value = readScalar(batch, table, row);
    return value !== undefined && test(value);
  });
}

/** True when some attribute of the field's key passes, whatever its type. */
export function someAttribute(span: SpanView, field: AttributeField, test: Present): boolean {
  if (field.scope !== 'any') return SCOPES[field.scope](span, field.key, test);
  for (const scope of ALL_SCOPES) if (SCOPES[scope](span, field.key, test)) return true;
  return false;
}

type ScopeSearch = (span: SpanView, key: string, test: Present) => boolean;

const SCOPES: Record<AttributeScope, ScopeSearch> = {
  span: ({ batch, row }, key, test) => inOwner(batch, batch.spans.attributes, { row, key, test }),
  resource: ({ batch, row }, key, test) => {
    const owner = batch.spans.columns.resources[row] ?? 0;
    return inOwner(batch, batch.resources.attributes, { row: owner, key, test });
  },
  scope: ({ batch, row }, key, test) => {
    const owner = batch.spans.columns.scopes[row] ?? 0;
    return inOwner(batch, batch.scopes.attributes, { row: owner, key, test });
  },
  event: ({ batch, row }, key, test) => {
    const { starts, attributes } = batch.events;
    for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
      if (inOwner(batch, attributes, { row: i, key, test })) return true;
    }
    return false;
  },
  link: ({ batch, row }, key, test) => {
    const { starts, attributes } = batch.links;
    for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
      if (inOwner(batch, attributes, { row: i, key, test })) return true;
    }
    return false;
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

function someIntrinsic(span: SpanView, name: Intrinsic, test: ScalarTest): boolean {
  if (name !== 'eventName') return test(INTRINSICS[name](span));
  const { batch, row } = span;
  const { starts, columns } = batch.events;
  for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
    if (test(batch.strings.text(columns.names[i] ?? 0))) return true;
  }
  return false;
}

/** Numbers that have no name (a newer OTLP) read as the zero value's. */
const INTRINSICS: Record<Exclude<Intrinsic, 'eventName'>, (span: SpanView) => Scalar> = {
  service: (span) => span.service,
  name: (span) => span.name,
  kind: (span) => SPAN_KINDS[span.kind] ?? SPAN_KINDS[0],
  status: (span) => STATUS_CODES[span.statusCode] ?? STATUS_CODES[0],
  statusMessage: (span) => span.statusMessage,
  // Modulo 2^64 and signed, as stores keep it: an end before the start gives a negative duration.
  durationNano: (span) => BigInt.asIntN(64, span.endNano - span.startNano),
  startNano: (span) => span.startNano,
  traceId: (span) => span.traceId,
  spanId: (span) => span.spanId,
  parentSpanId: (span) => span.parentSpanId,
  traceState: (span) => span.traceState,
  scopeName: ({ batch, row }) => batch.strings.text(scopeColumn(batch, row, 'names')),
  scopeVersion: ({ batch, row }) => batch.strings.text(scopeColumn(batch, row, 'versions')),
};

function scopeColumn(batch: SpanBatch, row: number, column: 'names' | 'versions'): number {
  return batch.scopes.columns[column][batch.spans.columns.scopes[row] ?? 0] ?? 0;
}
