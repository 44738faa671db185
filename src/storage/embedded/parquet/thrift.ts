/** Thrift's compact protocol as plain values: what Parquet writes its footer and page headers in.
 *  One shape for reading and writing, so that stitching can carry over a column chunk's description
 *  without understanding all of it. */

import type { ByteSink } from './byte-sink.ts';

const STOP = 0;
const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const STRUCT = 12;

export type ThriftValue =
  | { readonly kind: 'bool'; readonly value: boolean }
  /** i16 to i64, exact to 2^53: no more occurs in a Parquet footer. */
  | { readonly kind: 'byte' | 'i16' | 'i32' | 'i64'; readonly value: number }
  | { readonly kind: 'double'; readonly value: Uint8Array }
  | { readonly kind: 'binary'; readonly value: Uint8Array }
  | { readonly kind: 'list'; readonly of: ElementType; readonly value: readonly ThriftValue[] }
  | { readonly kind: 'struct'; readonly value: ThriftStruct };

/** Field id to value, in ascending order of ids. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
type ElementType = 'i32' | 'i64' | 'binary' | 'struct' | 'bool' | 'byte' | 'i16';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A struct; undefined fields are left out. Give ids in ascending order. */
export function struct(fields: Record<number, ThriftValue | undefined>): ThriftStruct {
  const out = new Map<number, ThriftValue>();
  for (const [id, value] of Object.entries(fields)) {
    if (value !== undefined) out.set(Number(id), value);
  }
  return out;
}

export const i32 = (value: number): ThriftValue => ({ kind: 'i32', value });
export const i64 = (value: number): ThriftValue => ({ kind: 'i64', value });
export const byte = (value: number): ThriftValue => ({ kind: 'byte', value });
export const bool = (value: boolean): ThriftValue => ({ kind: 'bool', value });
export const binary = (value: Uint8Array): ThriftValue => ({ kind: 'binary', value });
export const text = (value: string): ThriftValue => binary(encoder.encode(value));
export const nested = (fields: Record<number, ThriftValue | undefined>): ThriftValue => ({
  kind: 'struct',
  value: struct(fields),
});
export const list = (of: ElementType, value: readonly ThriftValue[]): ThriftValue => ({
  kind: 'list',
  of,
  value,
});
export const structs = (value: readonly ThriftStruct[]): ThriftValue =>
  list(
    'struct',
    value.map((one) => ({ kind: 'struct', value: one })),
  );

export function numberField(fields: ThriftStruct, id: number): number {
  const field = fields.get(id);
  switch (field?.kind) {
    case 'byte':
    case 'i16':
    case 'i32':
    case 'i64':
      return field.value;
    default:
      throw missing(id, 'number');
  }
}

export function textField(fields: ThriftStruct, id: number): string {
  const field = fields.get(id);
  if (field?.kind !== 'binary') throw missing(id, 'text');
  return decoder.decode(field.value);
}

export function structField(fields: ThriftStruct, id: number): ThriftStruct {
  const field = fields.get(id);
  if (field?.kind !== 'struct') throw missing(id, 'struct');
  return field.value;
}

/** The structs of a list; none when the field is absent. */
export function structsField(fields: ThriftStruct, id: number): ThriftStruct[] {
  const field = fields.get(id);
  if (field === undefined) return [];
  if (field.kind !== 'list') throw missing(id, 'list');
  return field.value.flatMap((value) => (value.kind === 'struct' ? [value.value] : []));
}

function missing(id: number, what: string): RangeError {
  return new RangeError(`thrift: field ${id} is no ${what}`);
}

export function writeStruct(sink: ByteSink, fields: ThriftStruct): void {
  let last = 0;
  for (const [id, value] of fields) {
    const type = typeCode(value);
    const delta = id - last;
    if (delta > 0 && delta <= 15) {
      sink.u8((delta << 4) | type);
    } else {
      sink.u8(type);
      sink.varint(id * 2);
    }
    last = id;
    if (value.kind !== 'bool') writeValue(sink, value);
  }
  sink.u8(STOP);
}

function typeCode(value: ThriftValue): number {
  return value.kind === 'bool' ? (value.value ? TRUE : FALSE) : elementCode(value.kind);
}

function elementCode(kind: ThriftValue['kind']): number {
  switch (kind) {
    case 'bool':
      return TRUE;
    case 'byte':
      return BYTE;
    case 'i16':
      return I16;
    case 'i32':
      return I32;
    case 'i64':
      return I64;
    case 'double':
      return DOUBLE;
    case 'binary':
      return BINARY;
    case 'list':
      return LIST;
    case 'struct':
      return STRUCT;
  }
}

function writeValue(sink: ByteSink, value: ThriftValue): void {
  switch (value.kind) {
    case 'bool':
      return sink.u8(value.value ? TRUE : FALSE);
    case 'byte':
      return sink.u8(value.value & 0xff);
    case 'double':
      return sink.append(value.value);
    case 'binary':
      sink.varint(value.value.length);
      return sink.append(value.value);
    case 'list':
      return writeList(sink, value);
    case 'struct':
      return writeStruct(sink, value.value);
    default:
      return sink.varint(zigzag(value.value));
  }
}

function writeList(sink: ByteSink, { of, value }: Extract<ThriftValue, { kind: 'list' }>): void {
  sink.u8((Math.min(value.length, 15) << 4) | elementCode(of));
  if (value.length >= 15) sink.varint(value.length);
  for (const item of value) writeValue(sink, item);
}

/** Reads the struct that begins at the first byte. Throws RangeError when it is cut short. */
export function readStruct(bytes: Uint8Array): ThriftStruct {
  return new Reader(bytes).struct();
}

/** The same, and how many bytes it takes. */
export function readStructAt(bytes: Uint8Array): { fields: ThriftStruct; length: number } {
  const reader = new Reader(bytes);
  const fields = reader.struct();
  return { fields, length: reader.at };
}

const NESTING_MAX = 16;

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  struct(): ThriftStruct {
    if (++this.#depth > NESTING_MAX) throw new RangeError('thrift: nested too deep');
    const fields = new Map<number, ThriftValue>();
    let last = 0;
    for (;;) {
      const head = this.#u8();
      if (head === STOP) break;
      const delta = head >> 4;
      last = delta === 0 ? unzigzag(this.#varint()) : last + delta;
      const type = head & 15;
      fields.set(last, type === TRUE || type === FALSE ? bool(type === TRUE) : this.#value(type));
    }
    this.#depth--;
    return fields;
  }

  #value(type: number): ThriftValue {
    switch (type) {
      case TRUE:
      case FALSE:
        return bool(this.#u8() === TRUE);
      case BYTE:
        return byte((this.#u8() << 24) >> 24);
      case I16:
        return { kind: 'i16', value: unzigzag(this.#varint()) };
      case I32:
        return i32(unzigzag(this.#varint()));
      case I64:
        return i64(unzigzag(this.#varint()));
      case DOUBLE:
        return { kind: 'double', value: this.#take(8) };
      case BINARY:
        return binary(this.#take(this.#varint()));
      case LIST:
      case SET:
        return this.#list();
      case STRUCT:
        return { kind: 'struct', value: this.struct() };
      default:
        throw new RangeError(`thrift: type ${type} at byte ${this.#at}`);
    }
  }

  #list(): ThriftValue {
    const head = this.#u8();
    const short = head >> 4;
    const size = short === 15 ? this.#varint() : short;
    const type = head & 15;
    if (size > this.#bytes.length - this.#at) throw new RangeError('thrift: a list is cut short');
    const value: ThriftValue[] = [];
    for (let i = 0; i < size; i++) value.push(this.#value(type));
    return list(elementKind(type), value);
  }

  #u8(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError(`thrift: cut short at byte ${this.#at}`);
    return value;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const part = this.#u8();
      value += (part & 0x7f) * scale;
      if (part < 0x80) return value;
      scale *= 128;
      if (scale > 2 ** 63) throw new RangeError('thrift: a number is too long');
    }
  }

  #take(length: number): Uint8Array {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('thrift: cut short');
    return this.#bytes.subarray(start, this.#at);
  }
}

function elementKind(type: number): ElementType {
  switch (type) {
    case TRUE:
    case FALSE:
      return 'bool';
    case BYTE:
      return 'byte';
    case I16:
      return 'i16';
    case I32:
      return 'i32';
    case I64:
      return 'i64';
    case BINARY:
      return 'binary';
    case STRUCT:
      return 'struct';
    default:
      throw new RangeError(`thrift: a list of type ${type}`);
  }
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : value * -2 - 1;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
