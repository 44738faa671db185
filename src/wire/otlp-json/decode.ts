/** OTLP/JSON `ExportTraceServiceRequest` (= `TracesData`) straight into a SpanBatch. Unknown fields
 *  are ignored, `null` means the default, keys may be camelCase or snake_case. What belongs to the
 *  spans of a group (resource, scope) may stand behind them: their rows get it at the group's end. */

import { AttributeType, SPAN_KINDS, STATUS_CODES } from '../../model/attribute.ts';
import { SpanBatchBuilder } from '../../model/batch/builder.ts';
import { DEFAULT_TENANT, type SpanBatch } from '../../model/batch/span-batch.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../model/ids.ts';
import { Fields } from './fields.ts';
import { readEnum, readUint32 } from './scalars.ts';
import { type Read, Target } from './target.ts';

let shared: SpanBatchBuilder | undefined;

/** Decodes one request with the process's one builder of its kind. Throws WireError. */
export function decodeTracesJson(bytes: Uint8Array, tenant: string = DEFAULT_TENANT): SpanBatch {
  const builder = (shared ??= new SpanBatchBuilder());
  try {
    const target = new Target(bytes, builder);
    target.object(REQUEST);
    target.reader.finish();
    return builder.seal(tenant);
  } catch (error) {
    builder.reset();
    throw error;
  }
}

const REQUEST = new Fields<Read>({
  resourceSpans: (to) => to.list(() => resourceSpans(to)),
});

const RESOURCE_SPANS = new Fields<Read>({
  resource: (to) => {
    openResource(to);
    to.object(RESOURCE);
  },
  scopeSpans: (to) => to.list(() => scopeSpans(to)),
  schemaUrl: (to) => {
    const { columns } = openResource(to);
    columns.schemaUrls[to.resource] = to.text(columns.schemaUrls[to.resource]);
  },
});

const RESOURCE = new Fields<Read>({
  attributes: (to) => to.attributes(to.builder.resources.attributes),
  droppedAttributesCount: (to) => {
    to.builder.resources.columns.droppedAttributes[to.resource] = readUint32(to.reader);
  },
});

const SCOPE_SPANS = new Fields<Read>({
  scope: (to) => {
    openScope(to);
    to.object(SCOPE);
  },
  spans: (to) => to.list(() => span(to)),
  schemaUrl: (to) => {
    const { columns } = openScope(to);
    columns.schemaUrls[to.scope] = to.text(columns.schemaUrls[to.scope]);
  },
});

const SCOPE = new Fields<Read>({
  name: (to) => {
    const { columns } = to.builder.scopes;
    columns.names[to.scope] = to.text(columns.names[to.scope]);
  },
  version: (to) => {
    const { columns } = to.builder.scopes;
    columns.versions[to.scope] = to.text(columns.versions[to.scope]);
  },
  attributes: (to) => to.attributes(to.builder.scopes.attributes),
  droppedAttributesCount: (to) => {
    to.builder.scopes.columns.droppedAttributes[to.scope] = readUint32(to.reader);
  },
});

const SPAN = new Fields<Read>({
  traceId: (to) => to.id(to.builder.spans.columns.traceIds, spanRow(to), TRACE_ID_BYTES),
  spanId: (to) => to.id(to.builder.spans.columns.spanIds, spanRow(to), SPAN_ID_BYTES),
  parentSpanId: (to) => to.id(to.builder.spans.columns.parentSpanIds, spanRow(to), SPAN_ID_BYTES),
  traceState: (to) => {
    const { traceStates } = to.builder.spans.columns;
    traceStates[spanRow(to)] = to.text(traceStates[spanRow(to)]);
  },
  name: (to) => {
    const { names } = to.builder.spans.columns;
    names[spanRow(to)] = to.text(names[spanRow(to)]);
  },
  kind: (to) => {
    to.builder.spans.columns.kinds[spanRow(to)] = readEnum(to.reader, 'SPAN_KIND_', SPAN_KINDS);
  },
  startTimeUnixNano: (to) => to.time(to.builder.spans.columns.startNano, spanRow(to)),
  endTimeUnixNano: (to) => to.time(to.builder.spans.columns.endNano, spanRow(to)),
  flags: (to) => {
    to.builder.spans.columns.flags[spanRow(to)] = readUint32(to.reader);
  },
  attributes: (to) => to.attributes(to.builder.spans.attributes),
  events: (to) => to.list(() => event(to)),
  links: (to) => to.list(() => link(to)),
  status: (to) => to.object(STATUS),
  droppedAttributesCount: (to) => {
    to.builder.spans.columns.droppedAttributes[spanRow(to)] = readUint32(to.reader);
  },
  droppedEventsCount: (to) => {
    to.builder.spans.columns.droppedEvents[spanRow(to)] = readUint32(to.reader);
  },
  droppedLinksCount: (to) => {
    to.builder.spans.columns.droppedLinks[spanRow(to)] = readUint32(to.reader);
  },
});

const STATUS = new Fields<Read>({
  code: (to) => {
    const { statusCodes } = to.builder.spans.columns;
    statusCodes[spanRow(to)] = readEnum(to.reader, 'STATUS_CODE_', STATUS_CODES);
  },
  message: (to) => {
    const { statusMessages } = to.builder.spans.columns;
    statusMessages[spanRow(to)] = to.text(statusMessages[spanRow(to)]);
  },
});

const EVENT = new Fields<Read>({
  timeUnixNano: (to) => to.time(to.builder.events.columns.timeNano, eventRow(to)),
  name: (to) => {
    const { names } = to.builder.events.columns;
    names[eventRow(to)] = to.text(names[eventRow(to)]);
  },
  attributes: (to) => to.attributes(to.builder.events.attributes),
  droppedAttributesCount: (to) => {
    to.builder.events.columns.droppedAttributes[eventRow(to)] = readUint32(to.reader);
  },
});

const LINK = new Fields<Read>({
  traceId: (to) => to.id(to.builder.links.columns.traceIds, linkRow(to), TRACE_ID_BYTES),
  spanId: (to) => to.id(to.builder.links.columns.spanIds, linkRow(to), SPAN_ID_BYTES),
  traceState: (to) => {
    const { traceStates } = to.builder.links.columns;
    traceStates[linkRow(to)] = to.text(traceStates[linkRow(to)]);
  },
  flags: (to) => {
    to.builder.links.columns.flags[linkRow(to)] = readUint32(to.reader);
  },
  attributes: (to) => to.attributes(to.builder.links.attributes),
  droppedAttributesCount: (to) => {
    to.builder.links.columns.droppedAttributes[linkRow(to)] = readUint32(to.reader);
  },
});

function resourceSpans(to: Target): void {
  to.resource = -1;
  const { spans } = to.builder;
  const first = spans.count;
  to.object(RESOURCE_SPANS);
  const { columns } = openResource(to);
  columns.services[to.resource] = serviceOf(to);
  spans.columns.resources.fill(to.resource, first, spans.count);
  if (spans.count === first) to.builder.hasUnused = true;
}

function scopeSpans(to: Target): void {
  to.scope = -1;
  const { spans } = to.builder;
  const first = spans.count;
  to.object(SCOPE_SPANS);
  openScope(to);
  spans.columns.scopes.fill(to.scope, first, spans.count);
  if (spans.count === first) to.builder.hasUnused = true;
}

function openResource(to: Target) {
  if (to.resource < 0) to.resource = to.builder.resources.open();
  return to.builder.resources;
}

function openScope(to: Target) {
  if (to.scope < 0) to.scope = to.builder.scopes.open();
  return to.builder.scopes;
}

function span(to: Target): void {
  to.builder.openSpan();
  to.object(SPAN);
  to.checkSize();
}

function event(to: Target): void {
  to.builder.events.open();
  to.checkSize();
  to.object(EVENT);
}

function link(to: Target): void {
  to.builder.links.open();
  to.checkSize();
  to.object(LINK);
}

function spanRow(to: Target): number {
  return to.builder.spans.count - 1;
}

function eventRow(to: Target): number {
  return to.builder.events.count - 1;
}

function linkRow(to: Target): number {
  return to.builder.links.count - 1;
}

/** String id of service.name; 0 when it is missing or no text. */
function serviceOf(to: Target): number {
  const { strings, resources } = to.builder;
  const { starts, count, keys, types, values } = resources.attributes;
  for (let i = starts[to.resource] ?? 0; i < count; i++) {
    if (strings.text(keys[i] ?? 0) !== 'service.name') continue;
    return types[i] === AttributeType.string ? (values[i * 2] ?? 0) : 0;
  }
  return 0;
}
