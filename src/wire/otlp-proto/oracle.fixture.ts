/** OTLP traces read by protobufjs: another reader of the same format, to compare ours with. The
 *  definitions are those of opentelemetry-proto, written down again as far as traces need them. */

import protobuf from 'protobufjs';
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import type { Span } from '../../model/trace/span.ts';

const DEFINITIONS = `
syntax = "proto3";
message TracesData { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans {
  Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3;
  repeated ScopeSpans instrumentation_library_spans = 1000;
}
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeSpans {
  InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3;
}
message InstrumentationScope {
  string name = 1; string version = 2; repeated KeyValue attributes = 3;
  uint32 dropped_attributes_count = 4;
}
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4;
  string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7;
  fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  uint32 dropped_attributes_count = 10; repeated Event events = 11;
  uint32 dropped_events_count = 12; repeated Link links = 13; uint32 dropped_links_count = 14;
  Status status = 15; fixed32 flags = 16;
}
message Event {
  fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3;
  uint32 dropped_attributes_count = 4;
}
message Link {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
  uint32 dropped_attributes_count = 5; fixed32 flags = 6;
}
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}`;

export const TracesData = protobuf.parse(DEFINITIONS).root.lookupType('TracesData');

/** Plain objects as protobufjs makes them, with the 64-bit numbers as text. */
type Plain = Record<string, unknown>;

/** The spans of a request as protobufjs reads them. Throws what protobufjs throws. */
export function oracleSpans(bytes: Uint8Array): Span[] {
  const data = TracesData.toObject(TracesData.decode(bytes), {
    longs: String,
    defaults: true,
    arrays: true,
    oneofs: true,
  }) as Plain;
  return list(data['resourceSpans']).flatMap((group) => {
    const resource = {
      schemaUrl: String(group['schemaUrl']),
      droppedAttributes: Number(part(group['resource'])['droppedAttributesCount'] ?? 0),
      attributes: attributes(part(group['resource'])['attributes']),
    };
    return list(group['scopeSpans']).flatMap((scopeSpans) => {
      const given = part(scopeSpans['scope']);
      const scope = {
        name: textOf(given['name']),
        version: textOf(given['version']),
        schemaUrl: String(scopeSpans['schemaUrl']),
        droppedAttributes: Number(given['droppedAttributesCount'] ?? 0),
        attributes: attributes(given['attributes']),
      };
      return list(scopeSpans['spans']).map((span) => spanOf(span, { resource, scope }));
    });
  });
}

function spanOf(span: Plain, around: Pick<Span, 'resource' | 'scope'>): Span {
  const status = part(span['status']);
  return {
    traceId: hex(span['traceId']),
    spanId: hex(span['spanId']),
    parentSpanId: hex(span['parentSpanId']),
    name: String(span['name']),
    kind: Number(span['kind']),
    startNano: BigInt(String(span['startTimeUnixNano'])),
    endNano: BigInt(String(span['endTimeUnixNano'])),
    statusCode: Number(status['code'] ?? 0),
    statusMessage: textOf(status['message']),
    traceState: String(span['traceState']),
    flags: Number(span['flags']),
    droppedAttributes: Number(span['droppedAttributesCount']),
    droppedEvents: Number(span['droppedEventsCount']),
    droppedLinks: Number(span['droppedLinksCount']),
    attributes: attributes(span['attributes']),
    events: list(span['events']).map((event) => ({
      timeNano: BigInt(String(event['timeUnixNano'])),
      name: String(event['name']),
      droppedAttributes: Number(event['droppedAttributesCount']),
      attributes: attributes(event['attributes']),
    })),
    links: list(span['links']).map((link) => ({
      traceId: hex(link['traceId']),
      spanId: hex(link['spanId']),
      traceState: String(link['traceState']),
      flags: Number(link['flags']),
      droppedAttributes: Number(link['droppedAttributesCount']),
      attributes: attributes(link['attributes']),
    })),
    ...around,
    warnings: [],
  };
}

function attributes(values: unknown): KeyValue[] {
  return list(values).map((one) => ({ key: String(one['key']), value: valueOf(one['value']) }));
}

function valueOf(value: unknown): AttributeValue {
  const any = part(value);
  switch (any['value']) {
    case 'stringValue':
      return { type: 'string', value: String(any['stringValue']) };
    case 'boolValue':
      return { type: 'bool', value: any['boolValue'] === true };
    case 'intValue':
      return { type: 'int', value: BigInt(String(any['intValue'])) };
    case 'doubleValue':
      return { type: 'double', value: Number(any['doubleValue']) };
    case 'arrayValue':
      return { type: 'array', value: list(part(any['arrayValue'])['values']).map(valueOf) };
    case 'kvlistValue':
      return { type: 'kvlist', value: attributes(part(any['kvlistValue'])['values']) };
    case 'bytesValue':
      return { type: 'bytes', value: Uint8Array.from(any['bytesValue'] as Uint8Array) };
    default:
      return { type: 'empty' };
  }
}

/** Ids are absent or whole; a root's parent is ''. */
function hex(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function part(value: unknown): Plain {
  return (value ?? {}) as Plain;
}

function list(value: unknown): Plain[] {
  return (value ?? []) as Plain[];
}
