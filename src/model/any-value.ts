/** OTLP's AnyValue as protobuf bytes and as a JavaScript object. Columns keep arrays and kvlists as
 *  the bytes of their ArrayValue or KeyValueList message (common.proto); here they become objects
 *  and back. The decoder at the edge has checked the bytes, so a fault here is our own. */

import { type AttributeValue, AttributeType, type KeyValue } from './attribute.ts';

const encoder = new TextEncoder();
/** A leading U+FEFF is part of the text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Nesting deeper than this is refused at the edge (the JSON and protobuf decoders share it). */
export const NESTING_MAX = 64;

/** The elements of an ArrayValue message. */
export function decodeArray(bytes: Uint8Array): AttributeValue[] {
  const values: AttributeValue[] = [];
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) values.push(decodeAnyValue(reader.bytes()));
    else reader.skip(tag);
  }
  return values;
}

/** The entries of a KeyValueList message, in order, duplicates kept. */
export function decodeKvlist(bytes: Uint8Array): KeyValue[] {
  const entries: KeyValue[] = [];
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) entries.push(decodeKeyValue(reader.bytes()));
    else reader.skip(tag);
  }
  return entries;
}

/** One AnyValue message. The last value field wins, as in protobuf's oneof. */
export function decodeAnyValue(bytes: Uint8Array): AttributeValue {
  let value: AttributeValue = { type: 'empty' };
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = reader.varint();
    switch (tag) {
      case 0x0a:
        value = { type: 'string', value: decoder.decode(reader.bytes()) };
        break;
      case 0x10:
        value = { type: 'bool', value: reader.varint64() !== 0n };
        break;
      case 0x18:
        value = { type: 'int', value: BigInt.asIntN(64, reader.varint64()) };
        break;
      case 0x21:
        value = { type: 'double', value: reader.double() };
        break;
      case 0x2a:
        value = { type: 'array', value: decodeArray(reader.bytes()) };
        break;
      case 0x32:
        value = { type: 'kvlist', value: decodeKvlist(reader.bytes()) };
        break;
      case 0x3a:
        value = { type: 'bytes', value: reader.bytes().slice() };
        break;
      default:
        reader.skip(tag);
    }
  }
  return value;
}

/** The bytes columns keep for an array or kvlist: its message, without the AnyValue around it. */
export function encodeNested(
  value: Extract<AttributeValue, { type: 'array' | 'kvlist' }>,
): Uint8Array {
  const out: number[] = [];
  if (value.type === 'array') writeArray(out, value.value);
  else writeKvlist(out, value.value);
  return Uint8Array.from(out);
}

function writeArray(out: number[], values: readonly AttributeValue[]): void {
  for (const value of values) writeMessage(out, 1, (inner) => writeAnyValue(inner, value));
}

function writeKvlist(out: number[], entries: readonly KeyValue[]): void {
  for (const { key, value } of entries) {
    writeMessage(out, 1, (entry) => {
      writeBytes(entry, 1, encoder.encode(key));
      writeMessage(entry, 2, (inner) => writeAnyValue(inner, value));
    });
  }
}

function writeAnyValue(out: number[], value: AttributeValue): void {
  switch (value.type) {
    case 'empty':
      return;
    case 'string':
      return writeBytes(out, AttributeType.string, encoder.encode(value.value));
    case 'bytes':
      return writeBytes(out, AttributeType.bytes, value.value);
    case 'bool':
      out.push(0x10, value.value ? 1 : 0);
      return;
    case 'int':
      out.push(0x18);
      return writeVarint(out, BigInt.asUintN(64, value.value));
    case 'double':
      out.push(0x21, ...new Uint8Array(Float64Array.of(value.value).buffer));
      return;
    case 'array':
      return writeMessage(out, AttributeType.array, (inner) => writeArray(inner, value.value));
    case 'kvlist':
      return writeMessage(out, AttributeType.kvlist, (inner) => writeKvlist(inner, value.value));
  }
}

function writeMessage(out: number[], field: number, write: (inner: number[]) => void): void {
  const inner: number[] = [];
  write(inner);
  writeBytes(out, field, inner);
}

function writeBytes(out: number[], field: number, bytes: ArrayLike<number>): void {
  out.push((field << 3) | 2);
  writeVarint(out, BigInt(bytes.length));
  for (let i = 0; i < bytes.length; i++) out.push(bytes[i] ?? 0);
}

function writeVarint(out: number[], value: bigint): void {
  let rest = value;
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

function decodeKeyValue(bytes: Uint8Array): KeyValue {
  let key = '';
  let value: AttributeValue = { type: 'empty' };
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) key = decoder.decode(reader.bytes());
    else if (tag === 0x12) value = decodeAnyValue(reader.bytes());
    else reader.skip(tag);
  }
  return { key, value };
}

/** A bounds-checked protobuf reader for these small messages. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    return Number(this.varint64());
  }

  varint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('attribute value: bad varint');
  }

  bytes(): Uint8Array {
    const length = this.varint();
    const start = this.#at;
    this.#advance(length);
    return this.#bytes.subarray(start, this.#at);
  }

  double(): number {
    const start = this.#at;
    this.#advance(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  skip(tag: number): void {
    const wire = tag & 7;
    if (wire === 0) this.varint64();
    else if (wire === 1) this.#advance(8);
    else if (wire === 2) this.bytes();
    else if (wire === 5) this.#advance(4);
    else throw new RangeError('attribute value: bad wire type');
  }

  #advance(length: number): void {
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('attribute value: cut short');
  }
}
