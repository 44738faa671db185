/** Spans as OTLP JSON (TracesData): ids in hex, enums as integers, 64-bit integers as strings, other
 *  bytes in base64, zero and empty fields left out (opentelemetry-proto, JSON mapping). */

import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import {
  type EventValue,
  type LinkValue,
  readResource,
  readScope,
  type ScopeValue,
  SpanView,
} from '../../model/batch/view.ts';

/** `{"resourceSpans":[…]}`: one entry a resource and batch, its spans in their order by scope. */
export function encodeTraces(batches: readonly SpanBatch[]): string {
  return JSON.stringify({ resourceSpans: batches.flatMap(encodeBatch) });
}

function encodeBatch(batch: SpanBatch): object[] {
  const { resources, scopes } = batch.spans.columns;
  const rows = Array.from({ length: batch.count }, (_, row) => row);
  const view = new SpanView(batch);
  return [...Map.groupBy(rows, (row) => resources[row] ?? 0)].map(([resource, ofResource]) => {
    const { attributes, droppedAttributes, schemaUrl } = readResource(batch, resource);
    return withoutDefaults({
      resource: withoutDefaults({
        attributes: attributes.map(encodeKeyValue),
        droppedAttributesCount: droppedAttributes,
      }),
      scopeSpans: [...Map.groupBy(ofResource, (row) => scopes[row] ?? 0)].map(([scope, ofScope]) =>
        encodeScopeSpans(
          readScope(batch, scope),
          ofScope.map((row) => encodeSpan(view.at(row))),
        ),
      ),
      schemaUrl,
    });
  });
}

function encodeScopeSpans(scope: ScopeValue, spans: readonly object[]): object {
  const { name, version, attributes, droppedAttributes, schemaUrl } = scope;
  return withoutDefaults({
    scope: withoutDefaults({
      name,
      version,
      attributes: attributes.map(encodeKeyValue),
      droppedAttributesCount: droppedAttributes,
    }),
    spans,
    schemaUrl,
  });
}

function encodeSpan(span: SpanView): object {
  return withoutDefaults({
    traceId: span.traceId,
    spanId: span.spanId,
    traceState: span.traceState,
    parentSpanId: span.parentSpanId,
    flags: span.flags,
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: span.startNano.toString(),
    endTimeUnixNano: span.endNano.toString(),
    attributes: span.attributes.map(encodeKeyValue),
    droppedAttributesCount: span.droppedAttributes,
    events: span.events.map(encodeEvent),
    droppedEventsCount: span.droppedEvents,
    links: span.links.map(encodeLink),
    droppedLinksCount: span.droppedLinks,
    status: withoutDefaults({ message: span.statusMessage, code: span.statusCode }),
  });
}

function encodeEvent(event: EventValue): object {
  return withoutDefaults({
    timeUnixNano: event.timeNano.toString(),
    name: event.name,
    attributes: event.attributes.map(encodeKeyValue),
    droppedAttributesCount: event.droppedAttributes,
  });
}

function encodeLink(link: LinkValue): object {
  return withoutDefaults({
    traceId: link.traceId,
    spanId: link.spanId,
    traceState: link.traceState,
    attributes: link.attributes.map(encodeKeyValue),
    droppedAttributesCount: link.droppedAttributes,
    flags: link.flags,
  });
}

function encodeKeyValue({ key, value }: KeyValue): object {
  return { key, value: encodeAnyValue(value) };
}

function encodeAnyValue(value: AttributeValue): object {
  switch (value.type) {
    case 'empty':
      return {};
    case 'string':
      return { stringValue: value.value };
    case 'bool':
      return { boolValue: value.value };
    case 'int':
      return { intValue: value.value.toString() };
    case 'double':
      return { doubleValue: Number.isFinite(value.value) ? value.value : String(value.value) };
    case 'bytes':
      return { bytesValue: Buffer.from(value.value).toString('base64') };
    case 'array':
      return { arrayValue: { values: value.value.map(encodeAnyValue) } };
    case 'kvlist':
      return { kvlistValue: { values: value.value.map(encodeKeyValue) } };
  }
}

/** Leaves out zero, '' and []. A message stays even when empty, so that readers find it. */
function withoutDefaults(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== 0 && value !== '' && !(Array.isArray(value) && value.length === 0),
    ),
  );
}
