/** SpanBatch to OTLP/JSON `TracesData`, as the specification and the Collector write it: ids in hex,
 *  enums as integers, 64-bit integers as strings, defaults left out, `resource`, `scope` and
 *  `status` always there. */

import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import {
  type EventValue,
  type LinkValue,
  readResource,
  readScope,
  type ResourceValue,
  type ScopeValue,
  SpanView,
} from '../../model/batch/view.ts';
import { groupRows } from '../group-rows.ts';

/** What stands in the JSON: no undefined, no bigint. */
export type OtlpJson = string | number | boolean | OtlpJson[] | { [key: string]: OtlpJson };
type JsonObject = { [key: string]: OtlpJson };

/** The JSON text of `TracesData` with all spans of the batches. */
export function encodeTraces(batches: readonly SpanBatch[]): string {
  return JSON.stringify(tracesData(batches));
}

/** The same as an object. */
export function tracesData(batches: readonly SpanBatch[]): JsonObject {
  return { resourceSpans: batches.flatMap(resourceSpans) };
}

function resourceSpans(batch: SpanBatch): JsonObject[] {
  const view = new SpanView(batch);
  return groupRows(batch).map((group) => {
    const resource = readResource(batch, group.resource);
    return {
      resource: resourceJson(resource),
      scopeSpans: group.scopes.map(({ scope, rows }) => scopeSpans(view, scope, rows)),
      ...unlessEmpty('schemaUrl', resource.schemaUrl),
    };
  });
}

function scopeSpans(view: SpanView, row: number, rows: readonly number[]): JsonObject {
  const scope = readScope(view.batch, row);
  return {
    scope: scopeJson(scope),
    spans: rows.map((at) => spanJson(view.at(at))),
    ...unlessEmpty('schemaUrl', scope.schemaUrl),
  };
}

function resourceJson(resource: ResourceValue): JsonObject {
  return {
    ...attributesJson(resource.attributes),
    ...unlessZero('droppedAttributesCount', resource.droppedAttributes),
  };
}

function scopeJson(scope: ScopeValue): JsonObject {
  return {
    ...unlessEmpty('name', scope.name),
    ...unlessEmpty('version', scope.version),
    ...resourceJson(scope),
  };
}

function spanJson(span: SpanView): JsonObject {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...unlessEmpty('traceState', span.traceState),
    ...unlessEmpty('parentSpanId', span.parentSpanId),
    ...unlessZero('flags', span.flags),
    name: span.name,
    ...unlessZero('kind', span.kind),
    startTimeUnixNano: String(span.startNano),
    endTimeUnixNano: String(span.endNano),
    ...attributesJson(span.attributes),
    ...unlessZero('droppedAttributesCount', span.droppedAttributes),
    ...unlessNone('events', span.events.map(eventJson)),
    ...unlessZero('droppedEventsCount', span.droppedEvents),
    ...unlessNone('links', span.links.map(linkJson)),
    ...unlessZero('droppedLinksCount', span.droppedLinks),
    status: {
      ...unlessEmpty('message', span.statusMessage),
      ...unlessZero('code', span.statusCode),
    },
  };
}

function eventJson(event: EventValue): JsonObject {
  return {
    timeUnixNano: String(event.timeNano),
    ...unlessEmpty('name', event.name),
    ...attributesJson(event.attributes),
    ...unlessZero('droppedAttributesCount', event.droppedAttributes),
  };
}

function linkJson(link: LinkValue): JsonObject {
  return {
    traceId: link.traceId,
    spanId: link.spanId,
    ...unlessEmpty('traceState', link.traceState),
    ...attributesJson(link.attributes),
    ...unlessZero('droppedAttributesCount', link.droppedAttributes),
    ...unlessZero('flags', link.flags),
  };
}

function attributesJson(attributes: readonly KeyValue[]): JsonObject {
  return unlessNone('attributes', attributes.map(keyValueJson));
}

function keyValueJson({ key, value }: KeyValue): JsonObject {
  return { key, value: valueJson(value) };
}

function valueJson(value: AttributeValue): JsonObject {
  switch (value.type) {
    case 'empty':
      return {};
    case 'string':
      return { stringValue: value.value };
    case 'bool':
      return { boolValue: value.value };
    case 'int':
      return { intValue: String(value.value) };
    case 'double':
      return { doubleValue: doubleJson(value.value) };
    case 'bytes':
      return { bytesValue: Buffer.from(value.value).toString('base64') };
    case 'array':
      return { arrayValue: { values: value.value.map(valueJson) } };
    case 'kvlist':
      return { kvlistValue: { values: value.value.map(keyValueJson) } };
  }
}

function unlessEmpty(key: string, text: string): JsonObject {
  return text === '' ? {} : { [key]: text };
}

function unlessZero(key: string, count: number): JsonObject {
  return count === 0 ? {} : { [key]: count };
}

function unlessNone(key: string, values: JsonObject[]): JsonObject {
  return values.length === 0 ? {} : { [key]: values };
}

/** JSON has no words for these; protobuf's reading of JSON takes them as text. */
function doubleJson(value: number): number | string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}
