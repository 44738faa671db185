/** A span as one object with everything in it: for API answers and adjusters, which touch a trace
 *  at a time. The ingest path never makes these. */

import type { KeyValue } from '../attribute.ts';
import {
  type EventValue,
  type LinkValue,
  type ResourceValue,
  type ScopeValue,
  readResource,
  readScope,
  SpanView,
} from '../batch/view.ts';
import type { SpanBatch } from '../batch/span-batch.ts';
import { SpanBatchBuilder } from '../batch/builder.ts';
import { addAttributes } from '../batch/build-value.ts';
import { bytesFromHex } from '../ids.ts';
import { writeWords } from '../time.ts';

export interface Span {
  traceId: string;
  spanId: string;
  /** '' for a root. */
  parentSpanId: string;
  name: string;
  /** OTLP number. */
  kind: number;
  startNano: bigint;
  endNano: bigint;
  statusCode: number;
  statusMessage: string;
  traceState: string;
  flags: number;
  droppedAttributes: number;
  droppedEvents: number;
  droppedLinks: number;
  attributes: readonly KeyValue[];
  events: readonly EventValue[];
  links: readonly LinkValue[];
  /** Shared by the spans of one resource: compare by identity to group. */
  resource: ResourceValue;
  scope: ScopeValue;
  /** What adjusters found; never stored. */
  warnings: readonly string[];
}

/** service.name of a span's resource; '' when absent. */
export function serviceOf(span: Span): string {
  const found = span.resource.attributes.find(({ key }) => key === 'service.name');
  return found?.value.type === 'string' ? found.value.value : '';
}

export function spansOf(batch: SpanBatch): Span[] {
  const resources = new Map<number, ResourceValue>();
  const scopes = new Map<number, ScopeValue>();
  const { columns } = batch.spans;
  const view = new SpanView(batch);
  return Array.from({ length: batch.count }, (_, row) => {
    const resource = columns.resources[row] ?? 0;
    const scope = columns.scopes[row] ?? 0;
    return spanAt(view.at(row), {
      resource: remember(resources, resource, () => readResource(batch, resource)),
      scope: remember(scopes, scope, () => readScope(batch, scope)),
    });
  });
}

/** One row as an object. */
export function spanAt(
  view: SpanView,
  { resource, scope }: { resource: ResourceValue; scope: ScopeValue } = view,
): Span {
  return {
    traceId: view.traceId,
    spanId: view.spanId,
    parentSpanId: view.parentSpanId,
    name: view.name,
    kind: view.kind,
    startNano: view.startNano,
    endNano: view.endNano,
    statusCode: view.statusCode,
    statusMessage: view.statusMessage,
    traceState: view.traceState,
    flags: view.flags,
    droppedAttributes: view.droppedAttributes,
    droppedEvents: view.droppedEvents,
    droppedLinks: view.droppedLinks,
    attributes: view.attributes,
    events: view.events,
    links: view.links,
    resource,
    scope,
    warnings: [],
  };
}

/** The spans as a batch again, warnings left out. */
export function batchOf(tenant: string, spans: readonly Span[]): SpanBatch {
  const builder = new SpanBatchBuilder();
  const resources = new Map<ResourceValue, number>();
  const scopes = new Map<ScopeValue, number>();
  for (const span of spans) {
    const resource = remember(resources, span.resource, () => addResource(builder, span.resource));
    const scope = remember(scopes, span.scope, () => addScope(builder, span.scope));
    addSpan(builder, span, { resource, scope });
  }
  return builder.seal(tenant);
}

function addResource(builder: SpanBatchBuilder, value: ResourceValue): number {
  const row = builder.resources.open();
  const { columns } = builder.resources;
  const service = value.attributes.find(({ key }) => key === 'service.name')?.value;
  columns.services[row] =
    service?.type === 'string' ? builder.strings.internText(service.value) : 0;
  columns.schemaUrls[row] = builder.strings.internText(value.schemaUrl);
  columns.droppedAttributes[row] = value.droppedAttributes;
  addAttributes(builder, builder.resources.attributes, value.attributes);
  return row;
}

function addScope(builder: SpanBatchBuilder, value: ScopeValue): number {
  const row = builder.scopes.open();
  const { columns } = builder.scopes;
  columns.names[row] = builder.strings.internText(value.name);
  columns.versions[row] = builder.strings.internText(value.version);
  columns.schemaUrls[row] = builder.strings.internText(value.schemaUrl);
  columns.droppedAttributes[row] = value.droppedAttributes;
  addAttributes(builder, builder.scopes.attributes, value.attributes);
  return row;
}

function addSpan(
  builder: SpanBatchBuilder,
  span: Span,
  refs: { readonly resource: number; readonly scope: number },
): void {
  const row = builder.openSpan();
  const { columns } = builder.spans;
  const { strings } = builder;
  putId(columns.traceIds, row, span.traceId);
  putId(columns.spanIds, row, span.spanId);
  if (span.parentSpanId !== '') putId(columns.parentSpanIds, row, span.parentSpanId);
  writeWords(columns.startNano, row * 2, span.startNano);
  writeWords(columns.endNano, row * 2, span.endNano);
  columns.names[row] = strings.internText(span.name);
  columns.kinds[row] = span.kind;
  columns.statusCodes[row] = span.statusCode;
  columns.statusMessages[row] = strings.internText(span.statusMessage);
  columns.traceStates[row] = strings.internText(span.traceState);
  columns.flags[row] = span.flags;
  columns.droppedAttributes[row] = span.droppedAttributes;
  columns.droppedEvents[row] = span.droppedEvents;
  columns.droppedLinks[row] = span.droppedLinks;
  columns.resources[row] = refs.resource;
  columns.scopes[row] = refs.scope;
  addAttributes(builder, builder.spans.attributes, span.attributes);
  for (const event of span.events) addEvent(builder, event);
  for (const link of span.links) addLink(builder, link);
}

function addEvent(builder: SpanBatchBuilder, event: EventValue): void {
  const row = builder.events.open();
  const { columns } = builder.events;
  writeWords(columns.timeNano, row * 2, event.timeNano);
  columns.names[row] = builder.strings.internText(event.name);
  columns.droppedAttributes[row] = event.droppedAttributes;
  addAttributes(builder, builder.events.attributes, event.attributes);
}

function addLink(builder: SpanBatchBuilder, link: LinkValue): void {
  const row = builder.links.open();
  const { columns } = builder.links;
  putId(columns.traceIds, row, link.traceId);
  putId(columns.spanIds, row, link.spanId);
  columns.traceStates[row] = builder.strings.internText(link.traceState);
  columns.flags[row] = link.flags;
  columns.droppedAttributes[row] = link.droppedAttributes;
  addAttributes(builder, builder.links.attributes, link.attributes);
}

function putId(column: Uint8Array, row: number, hex: string): void {
  const length = hex.length / 2;
  const bytes = bytesFromHex(hex, length);
  if (bytes === undefined) throw new RangeError(`span: '${hex}' is no id`);
  column.set(bytes, row * length);
}

function remember<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}
