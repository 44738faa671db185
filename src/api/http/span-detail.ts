/** One span with everything in it, as JSON for the detail panel. */

import { type KeyValue, SPAN_KINDS, STATUS_CODES } from '../../model/attribute.ts';
import { base64, jsonValue } from '../../model/attribute-json.ts';
import { serviceOf, type Span } from '../../model/trace/span.ts';
import type { Attribute, SpanDetail } from '../contract.ts';

export function spanDetail(span: Span): SpanDetail {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    service: serviceOf(span),
    name: span.name,
    kind: SPAN_KINDS[span.kind] ?? 'unspecified',
    status: STATUS_CODES[span.statusCode] ?? 'unset',
    statusMessage: span.statusMessage,
    startNano: span.startNano.toString(),
    endNano: span.endNano.toString(),
    durationNano: Number(span.endNano - span.startNano),
    traceState: span.traceState,
    flags: span.flags,
    attributes: span.attributes.map(encodeAttribute),
    droppedAttributes: span.droppedAttributes,
    droppedEvents: span.droppedEvents,
    droppedLinks: span.droppedLinks,
    resource: {
      attributes: span.resource.attributes.map(encodeAttribute),
      schemaUrl: span.resource.schemaUrl,
    },
    scope: {
      name: span.scope.name,
      version: span.scope.version,
      attributes: span.scope.attributes.map(encodeAttribute),
      schemaUrl: span.scope.schemaUrl,
    },
    events: span.events.map((event) => ({
      timeNano: event.timeNano.toString(),
      name: event.name,
      attributes: event.attributes.map(encodeAttribute),
      droppedAttributes: event.droppedAttributes,
    })),
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      traceState: link.traceState,
      attributes: link.attributes.map(encodeAttribute),
      droppedAttributes: link.droppedAttributes,
    })),
    warnings: [...span.warnings],
  };
}

function encodeAttribute({ key, value }: KeyValue): Attribute {
  switch (value.type) {
    case 'empty':
      return { key, type: 'empty', value: null };
    case 'string':
      return { key, type: 'string', value: value.value };
    case 'bool':
      return { key, type: 'bool', value: value.value };
    case 'int':
      return { key, type: 'int', value: value.value.toString() };
    case 'double': {
      const isPlain = Number.isFinite(value.value);
      return { key, type: 'double', value: isPlain ? value.value : String(value.value) };
    }
    case 'bytes':
      return { key, type: 'bytes', value: base64(value.value) };
    default:
      return { key, type: value.type, value: JSON.stringify(jsonValue(value)) };
  }
}
