/** Spans as plain objects, to batches and back, for tests of stores. */

import type { AttributeValue } from '../../model/attribute.ts';
import { SpanBatchBuilder } from '../../model/batch/builder.ts';
import { addAttributes } from '../../model/batch/build-value.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { SpanView } from '../../model/batch/view.ts';
import { bytesFromHex } from '../../model/ids.ts';
import { writeWords } from '../../model/time.ts';

export interface PlainEvent {
  readonly timeNano?: bigint;
  readonly name?: string;
  readonly droppedAttributes?: number;
  readonly attributes?: PlainAttributes;
}

export interface PlainLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState?: string;
  readonly flags?: number;
  readonly droppedAttributes?: number;
  readonly attributes?: PlainAttributes;
}

/** Pairs, because a key may stand there twice. */
export type PlainAttributes = readonly (readonly [string, AttributeValue])[];

export interface PlainOwner {
  readonly schemaUrl?: string;
  readonly droppedAttributes?: number;
  readonly attributes?: PlainAttributes;
}

export interface PlainSpan {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly startNano?: bigint;
  readonly endNano?: bigint;
  readonly name?: string;
  /** OTLP number. */
  readonly kind?: number;
  readonly status?: number;
  readonly statusMessage?: string;
  readonly traceState?: string;
  readonly flags?: number;
  readonly droppedAttributes?: number;
  readonly droppedEvents?: number;
  readonly droppedLinks?: number;
  readonly service?: string;
  readonly resource?: PlainOwner;
  readonly scope?: PlainOwner & { readonly name?: string; readonly version?: string };
  readonly attributes?: PlainAttributes;
  readonly events?: readonly PlainEvent[];
  readonly links?: readonly PlainLink[];
}

export const text = (value: string): AttributeValue => ({ type: 'string', value });
export const int = (value: bigint | number): AttributeValue => ({
  type: 'int',
  value: BigInt(value),
});
export const double = (value: number): AttributeValue => ({ type: 'double', value });
export const bool = (value: boolean): AttributeValue => ({ type: 'bool', value });

let lastId = 0;

/** Ids that are left out are new ones; times that are left out are some of November 2023. */
export function spans(tenant: string, plain: readonly PlainSpan[]): SpanBatch {
  const builder = new SpanBatchBuilder();
  for (const span of plain) addSpan(builder, span);
  return builder.seal(tenant);
}

function addSpan(builder: SpanBatchBuilder, span: PlainSpan): void {
  const resource = addResource(builder, span);
  const scope = addScope(builder, span);
  const row = builder.openSpan();
  const { columns } = builder.spans;
  const text = (value: string | undefined) => builder.strings.internText(value ?? '');
  const id = (++lastId).toString(16);
  setId(columns.traceIds, row, span.traceId ?? id.padStart(32, '0'));
  setId(columns.spanIds, row, span.spanId ?? id.padStart(16, '0'));
  if (span.parentSpanId) setId(columns.parentSpanIds, row, span.parentSpanId);
  const start = span.startNano ?? 1_700_000_000_000_000_000n;
  writeWords(columns.startNano, row * 2, start);
  writeWords(columns.endNano, row * 2, span.endNano ?? start + 1_000_000n);
  columns.names[row] = text(span.name);
  columns.kinds[row] = span.kind ?? 0;
  columns.statusCodes[row] = span.status ?? 0;
  columns.statusMessages[row] = text(span.statusMessage);
  columns.traceStates[row] = text(span.traceState);
  columns.flags[row] = span.flags ?? 0;
  columns.droppedAttributes[row] = span.droppedAttributes ?? 0;
  columns.droppedEvents[row] = span.droppedEvents ?? 0;
  columns.droppedLinks[row] = span.droppedLinks ?? 0;
  columns.resources[row] = resource;
  columns.scopes[row] = scope;
  addAttributes(builder, builder.spans.attributes, pairs(span.attributes));
  for (const event of span.events ?? []) addEvent(builder, event);
  for (const link of span.links ?? []) addLink(builder, link);
}

function addResource(builder: SpanBatchBuilder, { service, resource }: PlainSpan): number {
  const row = builder.resources.open();
  const { columns, attributes } = builder.resources;
  columns.schemaUrls[row] = builder.strings.internText(resource?.schemaUrl ?? '');
  columns.droppedAttributes[row] = resource?.droppedAttributes ?? 0;
  const own = pairs(resource?.attributes);
  const named =
    service === undefined ? own : [{ key: 'service.name', value: text(service) }, ...own];
  addAttributes(builder, attributes, named);
  const value = named.find(({ key }) => key === 'service.name')?.value;
  columns.services[row] = value?.type === 'string' ? builder.strings.internText(value.value) : 0;
  return row;
}

function addScope(builder: SpanBatchBuilder, { scope }: PlainSpan): number {
  const row = builder.scopes.open();
  const { columns, attributes } = builder.scopes;
  columns.names[row] = builder.strings.internText(scope?.name ?? '');
  columns.versions[row] = builder.strings.internText(scope?.version ?? '');
  columns.schemaUrls[row] = builder.strings.internText(scope?.schemaUrl ?? '');
  columns.droppedAttributes[row] = scope?.droppedAttributes ?? 0;
  addAttributes(builder, attributes, pairs(scope?.attributes));
  return row;
}

function addEvent(builder: SpanBatchBuilder, event: PlainEvent): void {
  const row = builder.events.open();
  const { columns, attributes } = builder.events;
  writeWords(columns.timeNano, row * 2, event.timeNano ?? 0n);
  columns.names[row] = builder.strings.internText(event.name ?? '');
  columns.droppedAttributes[row] = event.droppedAttributes ?? 0;
  addAttributes(builder, attributes, pairs(event.attributes));
}

function addLink(builder: SpanBatchBuilder, link: PlainLink): void {
  const row = builder.links.open();
  const { columns, attributes } = builder.links;
  setId(columns.traceIds, row, link.traceId);
  setId(columns.spanIds, row, link.spanId);
  columns.traceStates[row] = builder.strings.internText(link.traceState ?? '');
  columns.flags[row] = link.flags ?? 0;
  columns.droppedAttributes[row] = link.droppedAttributes ?? 0;
  addAttributes(builder, attributes, pairs(link.attributes));
}

function pairs(attributes: PlainAttributes | undefined) {
  return (attributes ?? []).map(([key, value]) => ({ key, value }));
}

function setId(column: Uint8Array, row: number, hex: string): void {
  const bytes = bytesFromHex(hex, hex.length / 2)!;
  column.set(bytes, row * bytes.length);
}

/** What is left of a span when all that may differ between stores is taken away: attributes have no
 *  order, and a key that stands there twice keeps all its values. */
export interface StoredSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly startNano: bigint;
  readonly text: string;
}

/** The rows of a batch, in its order, in a form that tests compare. */
export function storedSpans(batch: SpanBatch | undefined): StoredSpan[] {
  if (batch === undefined) return [];
  const view = new SpanView(batch);
  return Array.from({ length: batch.count }, (_, row) => storedSpan(view.at(row)));
}

function storedSpan(span: SpanView): StoredSpan {
  const { traceId, spanId, startNano } = span;
  const content = {
    traceId,
    spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    service: span.service,
    startNano,
    endNano: span.endNano,
    kind: span.kind,
    statusCode: span.statusCode,
    statusMessage: span.statusMessage,
    traceState: span.traceState,
    flags: span.flags,
    dropped: [span.droppedAttributes, span.droppedEvents, span.droppedLinks],
    attributes: span.attributes,
    resource: span.resource,
    scope: span.scope,
    events: span.events,
    links: span.links,
  };
  return { traceId, spanId, startNano, text: canonical(content) };
}

/** JSON with every type told apart; `attributes` sorted. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (key === 'attributes' && Array.isArray(inner)) {
      return inner.map((pair) => canonical(pair)).toSorted();
    }
    if (typeof inner === 'bigint') return `${inner}n`;
    if (inner instanceof Uint8Array) return `bytes ${Buffer.from(inner).toString('hex')}`;
    // JSON has neither of these.
    if (typeof inner === 'number' && !Number.isFinite(inner)) return String(inner);
    return Object.is(inner, -0) ? '-0' : inner;
  });
}

/** Texts in an order of their own, to compare as sets that may hold one twice. */
export function texts(spans: readonly StoredSpan[]): string[] {
  return spans.map(({ text: content }) => content).toSorted();
}
