/** How many data points or log records an OTLP metrics or logs request holds, and whether it is one:
 *  a walk over every field that makes no objects. What passes here can be decoded later, and joined
 *  with the requests of others, without any of them failing because of one. It refuses exactly what
 *  the decoder refuses. Field numbers: metrics.proto, logs.proto, common.proto.
 *  Hot: benchmark `bench/pipeline.ts`. */

import { NESTING_MAX } from '../../model/any-value.ts';
import { WireError } from '../wire-error.ts';
import { fieldBits, malformed, ProtoReader } from './proto-reader.ts';

/** What a field holds; from MESSAGE on, the index of a shape is added. */
const UNKNOWN = 0;
const VARINT = 1;
const FIXED64 = 2;
const FIXED32 = 3;
const BYTES = 4;
const ID8 = 5;
const ID16 = 6;
/** Numbers in one field or one by one. */
const FIXED64S = 7;
const VARINTS = 8;
const MESSAGE = 9;

/** Wire type 0, 1, 2, 5 of each; FIXED64S and VARINTS may also be 2. */
const WIRES = [-1, 0, 1, 5, 2, 2, 2, 1, 0];

/** As the decoder: see `MessageReader`. */
const BYTES_PER_MESSAGE = 3;
const ALWAYS_ALLOWED = 1024;

interface Shape {
  readonly name: string;
  readonly fields: Uint8Array;
  readonly known: number;
  readonly isItem: boolean;
}

const shapes: Shape[] = [];
const numbers = new Map<string, number>();

/** The field type of a message by name; shapes may refer to ones that are defined later. */
function of(name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, MESSAGE + numbers.size);
  return MESSAGE + numbers.size - 1;
}

function shape(name: string, types: Readonly<Record<number, number>>, isItem = false): void {
  const fields = new Uint8Array(32);
  for (const [number, type] of Object.entries(types)) fields[Number(number)] = type;
  const known = fieldBits(...Object.keys(types).map(Number));
  shapes[of(name) - MESSAGE] = { name, fields, known, isItem };
}

const ANY_VALUE = of('AnyValue');
const KEY_VALUE = of('KeyValue');
shape('AnyValue', {
  1: BYTES,
  2: VARINT,
  3: VARINT,
  4: FIXED64,
  5: of('ArrayValue'),
  6: of('KeyValueList'),
  7: BYTES,
});
shape('KeyValue', { 1: BYTES, 2: ANY_VALUE });
shape('ArrayValue', { 1: ANY_VALUE });
shape('KeyValueList', { 1: KEY_VALUE });
shape('Resource', { 1: KEY_VALUE, 2: VARINT });
shape('InstrumentationScope', { 1: BYTES, 2: BYTES, 3: KEY_VALUE, 4: VARINT });
const EXEMPLAR = of('Exemplar');
shape('Exemplar', { 2: FIXED64, 3: FIXED64, 4: ID8, 5: ID16, 6: FIXED64, 7: KEY_VALUE });
const NUMBER_POINT = of('NumberDataPoint');
const numberPoint = { 2: FIXED64, 3: FIXED64, 4: FIXED64, 5: EXEMPLAR, 6: FIXED64, 7: KEY_VALUE };
shape('NumberDataPoint', { ...numberPoint, 8: VARINT }, true);
shape(
  'HistogramDataPoint',
  {
    2: FIXED64,
    3: FIXED64,
    4: FIXED64,
    5: FIXED64,
    6: FIXED64S,
    7: FIXED64S,
    8: EXEMPLAR,
    9: KEY_VALUE,
    10: VARINT,
    11: FIXED64,
    12: FIXED64,
  },
  true,
);
shape('Buckets', { 1: VARINT, 2: VARINTS });
shape(
  'ExponentialHistogramDataPoint',
  {
    1: KEY_VALUE,
    2: FIXED64,
    3: FIXED64,
    4: FIXED64,
    5: FIXED64,
    6: VARINT,
    7: FIXED64,
    8: of('Buckets'),
    9: of('Buckets'),
    10: VARINT,
    11: EXEMPLAR,
    12: FIXED64,
    13: FIXED64,
    14: FIXED64,
  },
  true,
);
shape('ValueAtQuantile', { 1: FIXED64, 2: FIXED64 });
const summaryPoint = { 2: FIXED64, 3: FIXED64, 4: FIXED64, 5: FIXED64 };
shape(
  'SummaryDataPoint',
  { ...summaryPoint, 6: of('ValueAtQuantile'), 7: KEY_VALUE, 8: VARINT },
  true,
);
shape('Gauge', { 1: NUMBER_POINT });
shape('Sum', { 1: NUMBER_POINT, 2: VARINT, 3: VARINT });
shape('Histogram', { 1: of('HistogramDataPoint'), 2: VARINT });
shape('ExponentialHistogram', { 1: of('ExponentialHistogramDataPoint'), 2: VARINT });
shape('Summary', { 1: of('SummaryDataPoint') });
shape('Metric', {
  1: BYTES,
  2: BYTES,
  3: BYTES,
  5: of('Gauge'),
  7: of('Sum'),
  9: of('Histogram'),
  10: of('ExponentialHistogram'),
  11: of('Summary'),
  12: KEY_VALUE,
});
shape(
  'LogRecord',
  {
    1: FIXED64,
    2: VARINT,
    3: BYTES,
    5: ANY_VALUE,
    6: KEY_VALUE,
    7: VARINT,
    8: FIXED32,
    9: ID16,
    10: ID8,
    11: FIXED64,
    12: BYTES,
  },
  true,
);
shape('ScopeMetrics', { 1: of('InstrumentationScope'), 2: of('Metric'), 3: BYTES });
shape('ScopeLogs', { 1: of('InstrumentationScope'), 2: of('LogRecord'), 3: BYTES });
shape('ResourceMetrics', { 1: of('Resource'), 2: of('ScopeMetrics'), 3: BYTES });
shape('ResourceLogs', { 1: of('Resource'), 2: of('ScopeLogs'), 3: BYTES });
shape('ExportMetricsServiceRequest', { 1: of('ResourceMetrics') });
shape('ExportLogsServiceRequest', { 1: of('ResourceLogs') });

const ROOTS = {
  metrics: shapes[of('ExportMetricsServiceRequest') - MESSAGE]!,
  logs: shapes[of('ExportLogsServiceRequest') - MESSAGE]!,
};

/** Throws WireError. */
export function countItems(signal: 'metrics' | 'logs', bytes: Uint8Array): number {
  const walk = new Walk(bytes);
  walk.message(bytes.length, ROOTS[signal], 0);
  return walk.items;
}

class Walk extends ProtoReader {
  items = 0;
  #messagesLeft: number;

  constructor(bytes: Uint8Array) {
    super();
    this.open(bytes);
    this.#messagesLeft = ALWAYS_ALLOWED + bytes.length / BYTES_PER_MESSAGE;
  }

  message(end: number, kind: Shape, depth: number): void {
    if (kind.isItem) this.items++;
    while (this.at < end) {
      if (!this.#quick(end, kind.fields, depth)) this.#field(end, kind, depth);
    }
  }

  /** Nearly every field: a tag of one byte, and a length or number of one byte. False, having moved
   *  nothing, where it is not that simple or not right. */
  #quick(end: number, fields: Uint8Array, depth: number): boolean {
    const { bytes, at } = this;
    const tag = bytes[at]!;
    if (tag >= 0x80 || at + 1 >= end) return false;
    const type = fields[tag >>> 3]!;
    const wire = tag & 7;
    if (wire === 1 && type === FIXED64 && at + 9 <= end) {
      this.at = at + 9;
      return true;
    }
    const next = bytes[at + 1]!;
    if (next >= 0x80) return false;
    if (wire === 2 && at + 2 + next <= end) return this.#quickInner(at + 2 + next, type, depth);
    if (wire !== 0 || type !== VARINT) return false;
    this.at = at + 2;
    return true;
  }

  #quickInner(inner: number, type: number, depth: number): boolean {
    if (type !== BYTES) {
      if (type < MESSAGE) return false;
      this.at += 2;
      if (type !== KEY_VALUE || !this.#isPlain(inner)) this.#open(inner, type, depth);
    }
    this.at = inner;
    return true;
  }

  /** Whether here is an attribute with a text as its value, key first: most are. */
  #isPlain(end: number): boolean {
    const { bytes, at } = this;
    const value = at + 2 + bytes[at + 1]!;
    if (bytes[at] !== 0x0a || value + 4 > end || bytes[at + 1]! >= 0x80) return false;
    const isText = bytes[value] === 0x12 && bytes[value + 2] === 0x0a;
    const length = bytes[value + 1]!;
    const fits = value + 2 + length === end && bytes[value + 3]! === length - 2;
    if (!isText || !fits || this.#messagesLeft < 2) return false;
    this.#messagesLeft -= 2;
    return true;
  }

  /** Any field, and whatever is wrong with it. */
  #field(end: number, { name, fields, known }: Shape, depth: number): void {
    const tag = this.tag(end);
    const number = tag >>> 3;
    const type = number < 32 ? fields[number]! : UNKNOWN;
    if (type >= MESSAGE && (tag & 7) === 2) this.#inner(end, type, depth);
    else if (type === BYTES && (tag & 7) === 2) this.at = this.enter(end, 'text or bytes');
    else if (type === UNKNOWN || !this.#scalar(type, tag & 7, end)) {
      this.skip(tag, end, name, known);
    }
  }

  #inner(end: number, type: number, depth: number): void {
    const inner = this.enter(end, shapes[type - MESSAGE]!.name);
    this.#open(inner, type, depth);
  }

  /** A message that begins here and ends at `inner`. */
  #open(inner: number, type: number, depth: number): void {
    if (--this.#messagesLeft < 0) {
      throw new WireError('too_large', 'mostly empty messages', this.at);
    }
    if (type === ANY_VALUE && depth > NESTING_MAX) {
      throw new WireError('too_deep', `value nested deeper than ${NESTING_MAX}`, this.at);
    }
    this.message(inner, shapes[type - MESSAGE]!, type === ANY_VALUE ? depth + 1 : depth);
  }

  /** False when the wire type is not the field's. */
  #scalar(type: number, wire: number, end: number): boolean {
    if (wire === 2 && (type === FIXED64S || type === VARINTS)) this.#packed(type, end);
    else if (wire !== WIRES[type]) return false;
    else if (wire === 0) this.varint64(end);
    else if (wire === 1) this.take(8, end, 'fixed64');
    else if (wire === 5) this.take(4, end, 'fixed32');
    else this.#id(type === ID8 ? 8 : 16, end);
    return true;
  }

  #packed(type: number, end: number): void {
    const inner = this.enter(end, 'packed numbers');
    while (this.at < inner) {
      if (type === VARINTS) this.varint64(inner);
      else this.take(8, inner, 'fixed64');
    }
  }

  #id(length: number, end: number): void {
    const { at } = this;
    const inner = this.enter(end, 'text or bytes');
    const found = inner - this.at;
    if (found !== 0 && found !== length) {
      throw malformed(`id of ${found} bytes instead of ${length}`, at);
    }
    this.at = inner;
  }
}
