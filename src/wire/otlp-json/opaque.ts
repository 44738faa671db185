/** Metrics and logs from OTLP/JSON to the protobuf bytes they travel as, by tables of their fields
 *  (metrics.proto, logs.proto, common.proto, resource.proto). */

import { NESTING_MAX } from '../../model/any-value.ts';
import { WireError } from '../wire-error.ts';
import { Fields } from './fields.ts';
import { JsonReader } from './json-reader.ts';
import { ProtoSink } from './proto-sink.ts';
import {
  readBytes,
  readDouble,
  readEnum,
  readId,
  readInt64,
  readUint32,
  readUint64,
} from './scalars.ts';

/** Messages hold messages: a few levels of metrics and then an attribute as deep as it may be. */
const DEPTH_MAX = NESTING_MAX * 3;

interface Into {
  readonly reader: JsonReader;
  readonly sink: ProtoSink;
  readonly depth: number;
}

/** Reads one JSON value and writes it as a field. */
type Copy = (into: Into) => void;
type Message = Fields<Copy>;

/** `ExportMetricsServiceRequest` or `ExportLogsServiceRequest` in protobuf. Throws WireError. */
export function opaqueProto(signal: 'metrics' | 'logs', bytes: Uint8Array): Uint8Array {
  const reader = new JsonReader(bytes);
  const sink = new ProtoSink();
  copyMessage(ROOTS[signal], { reader, sink, depth: 0 });
  reader.finish();
  return sink.finish();
}

function copyMessage(fields: Message, into: Into): void {
  const { reader, depth } = into;
  if (depth > DEPTH_MAX) {
    throw new WireError('too_deep', `nested deeper than ${DEPTH_MAX}`, reader.at);
  }
  reader.enterObject();
  while (reader.nextKey()) {
    const copy = fields.find(reader.bytes, reader.start, reader.end);
    if (copy === undefined || reader.isNull()) reader.skip();
    else if (reader.isList()) {
      reader.enterList();
      while (reader.nextElement()) copy(into);
    } else copy(into);
  }
}

function message(field: number, fields: () => Message): Copy {
  return (into) => {
    const opened = into.sink.open(field);
    copyMessage(fields(), { ...into, depth: into.depth + 1 });
    into.sink.close(opened);
  };
}

const text =
  (field: number): Copy =>
  ({ reader, sink }) => {
    reader.string();
    sink.field(field, new TextEncoder().encode(reader.text));
  };

const bytesField =
  (field: number): Copy =>
  ({ reader, sink }) =>
    sink.field(field, readBytes(reader));

const id =
  (field: number, length: number): Copy =>
  ({ reader, sink }) => {
    const bytes = readId(reader, length);
    if (bytes !== undefined) sink.field(field, bytes);
  };

const varint =
  (field: number, read: (reader: JsonReader) => bigint): Copy =>
  ({ reader, sink }) => {
    const value = read(reader);
    sink.tag(field, 0);
    sink.varint(value);
  };

const fixed64 =
  (field: number, read: (reader: JsonReader) => bigint): Copy =>
  ({ reader, sink }) => {
    const value = read(reader);
    sink.tag(field, 1);
    sink.fixed64(value);
  };

const double =
  (field: number): Copy =>
  ({ reader, sink }) => {
    const value = readDouble(reader);
    sink.tag(field, 1);
    sink.double(value);
  };

const fixed32 =
  (field: number): Copy =>
  ({ reader, sink }) => {
    const value = readUint32(reader);
    sink.tag(field, 5);
    sink.fixed32(value);
  };

const uint32 = (field: number) => varint(field, (reader) => BigInt(readUint32(reader)));
const bool = (field: number) => varint(field, (reader) => (reader.bool() ? 1n : 0n));
const zigzag = (field: number) =>
  varint(field, (reader) => {
    const value = readInt64(reader);
    return (value << 1n) ^ (value >> 63n);
  });
const enumeration = (field: number, prefix: string, names: readonly string[]) =>
  varint(field, (reader) => BigInt(readEnum(reader, prefix, names)));

const SEVERITIES = [
  'unspecified',
  ...['trace', 'debug', 'info', 'warn', 'error', 'fatal'].flatMap((name) =>
    ['', '2', '3', '4'].map((level) => name + level),
  ),
];
const TEMPORALITIES = ['unspecified', 'delta', 'cumulative'];

const ANY_VALUE: Message = new Fields<Copy>({
  stringValue: text(1),
  boolValue: bool(2),
  intValue: varint(3, readInt64),
  doubleValue: double(4),
  arrayValue: message(5, () => ARRAY_VALUE),
  kvlistValue: message(6, () => KVLIST),
  bytesValue: bytesField(7),
});
const KEY_VALUE = new Fields<Copy>({ key: text(1), value: message(2, () => ANY_VALUE) });
const ARRAY_VALUE: Message = new Fields<Copy>({ values: message(1, () => ANY_VALUE) });
const KVLIST: Message = new Fields<Copy>({ values: message(1, () => KEY_VALUE) });
const attributes = (field: number) => message(field, () => KEY_VALUE);

const RESOURCE = new Fields<Copy>({ attributes: attributes(1), droppedAttributesCount: uint32(2) });
const SCOPE = new Fields<Copy>({
  name: text(1),
  version: text(2),
  attributes: attributes(3),
  droppedAttributesCount: uint32(4),
});
const EXEMPLAR = new Fields<Copy>({
  timeUnixNano: fixed64(2, readUint64),
  asDouble: double(3),
  spanId: id(4, 8),
  traceId: id(5, 16),
  asInt: fixed64(6, readInt64),
  filteredAttributes: attributes(7),
});
const exemplars = (field: number) => message(field, () => EXEMPLAR);

const NUMBER_POINT = new Fields<Copy>({
  startTimeUnixNano: fixed64(2, readUint64),
  timeUnixNano: fixed64(3, readUint64),
  asDouble: double(4),
  exemplars: exemplars(5),
  asInt: fixed64(6, readInt64),
  attributes: attributes(7),
  flags: uint32(8),
});
const HISTOGRAM_POINT = new Fields<Copy>({
  startTimeUnixNano: fixed64(2, readUint64),
  timeUnixNano: fixed64(3, readUint64),
  count: fixed64(4, readUint64),
  sum: double(5),
  bucketCounts: fixed64(6, readUint64),
  explicitBounds: double(7),
  exemplars: exemplars(8),
  attributes: attributes(9),
  flags: uint32(10),
  min: double(11),
  max: double(12),
});
const BUCKETS = new Fields<Copy>({ offset: zigzag(1), bucketCounts: varint(2, readUint64) });
const EXPONENTIAL_POINT = new Fields<Copy>({
  attributes: attributes(1),
  startTimeUnixNano: fixed64(2, readUint64),
  timeUnixNano: fixed64(3, readUint64),
  count: fixed64(4, readUint64),
  sum: double(5),
  scale: zigzag(6),
  zeroCount: fixed64(7, readUint64),
  positive: message(8, () => BUCKETS),
  negative: message(9, () => BUCKETS),
  flags: uint32(10),
  exemplars: exemplars(11),
  min: double(12),
  max: double(13),
  zeroThreshold: double(14),
});
const QUANTILE = new Fields<Copy>({ quantile: double(1), value: double(2) });
const SUMMARY_POINT = new Fields<Copy>({
  startTimeUnixNano: fixed64(2, readUint64),
  timeUnixNano: fixed64(3, readUint64),
  count: fixed64(4, readUint64),
  sum: double(5),
  quantileValues: message(6, () => QUANTILE),
  attributes: attributes(7),
  flags: uint32(8),
});
const data = (point: () => Message) =>
  new Fields<Copy>({
    dataPoints: message(1, point),
    aggregationTemporality: enumeration(2, 'AGGREGATION_TEMPORALITY_', TEMPORALITIES),
    isMonotonic: bool(3),
  });
const NUMBERS = data(() => NUMBER_POINT);
const HISTOGRAM = data(() => HISTOGRAM_POINT);
const EXPONENTIAL = data(() => EXPONENTIAL_POINT);
const SUMMARY = data(() => SUMMARY_POINT);
const METRIC = new Fields<Copy>({
  name: text(1),
  description: text(2),
  unit: text(3),
  gauge: message(5, () => NUMBERS),
  sum: message(7, () => NUMBERS),
  histogram: message(9, () => HISTOGRAM),
  exponentialHistogram: message(10, () => EXPONENTIAL),
  summary: message(11, () => SUMMARY),
  metadata: attributes(12),
});
const LOG_RECORD = new Fields<Copy>({
  timeUnixNano: fixed64(1, readUint64),
  severityNumber: enumeration(2, 'SEVERITY_NUMBER_', SEVERITIES),
  severityText: text(3),
  body: message(5, () => ANY_VALUE),
  attributes: attributes(6),
  droppedAttributesCount: uint32(7),
  flags: fixed32(8),
  traceId: id(9, 16),
  spanId: id(10, 8),
  observedTimeUnixNano: fixed64(11, readUint64),
  eventName: text(12),
});

/** The three levels around the items, alike in both signals but for two names. */
function request(groups: string, scopes: string, items: [name: string, fields: Message]): Message {
  const scopeGroup = new Fields<Copy>({
    scope: message(1, () => SCOPE),
    [items[0]]: message(2, () => items[1]),
    schemaUrl: text(3),
  });
  const resourceGroup = new Fields<Copy>({
    resource: message(1, () => RESOURCE),
    [scopes]: message(2, () => scopeGroup),
    schemaUrl: text(3),
  });
  return new Fields<Copy>({ [groups]: message(1, () => resourceGroup) });
}

const ROOTS: Record<'metrics' | 'logs', Message> = {
  metrics: request('resourceMetrics', 'scopeMetrics', ['metrics', METRIC]),
  logs: request('resourceLogs', 'scopeLogs', ['logRecords', LOG_RECORD]),
};
