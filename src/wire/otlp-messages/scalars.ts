/** Protobuf's scalars as pairs of a reader and a writer, for messages described as data. */
import type { BackwardWriter } from '../otlp-proto/backward-writer.ts';
import { malformed, ProtoReader } from '../otlp-proto/proto-reader.ts';

const WORD = 0x1_0000_0000;
const WORD_MASK = 0xffff_ffffn;
/** The smallest real message, an attribute of one letter, takes five bytes on the wire. Empty
 *  messages take two and would cost fifty times that in memory. */
const BYTES_PER_MESSAGE = 3;
const ALWAYS_ALLOWED = 1024;

/** Shorter texts, nearly all, are written without an array of their own. */
const scratch = Buffer.alloc(256);
const ASCII_MAX = 0x7f;

/** A reader that also counts the messages it opened, so that there is a bound on them. */
export class MessageReader extends ProtoReader {
  readonly #buffer: Buffer;
  #messagesLeft = ALWAYS_ALLOWED;

  constructor(bytes: Uint8Array) {
    super();
    this.open(bytes);
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#messagesLeft += bytes.length / BYTES_PER_MESSAGE;
  }

  countMessage(): boolean {
    return --this.#messagesLeft >= 0;
  }

  /** U+FFFD stands for what is no UTF-8. */
  text(end: number): string {
    const inner = this.enter(end, 'text or bytes');
    const start = this.at;
    this.at = inner;
    return start === inner ? '' : this.#buffer.toString('utf8', start, inner);
  }

  word64(end: number): { low: number; high: number } {
    const at = this.take(8, end, 'fixed64');
    return { low: this.view.getUint32(at, true), high: this.view.getUint32(at + 4, true) };
  }
}

/** How one value is read after its tag, and written with it. */
export interface Kind<T> {
  /** Wire type. */
  readonly wire: 0 | 1 | 2 | 5;
  read(reader: MessageReader, end: number): T;
  write(writer: BackwardWriter, tag: number, value: T): void;
  /** Whether proto3 leaves it out. */
  isZero(value: T): boolean;
}

export const uint32: Kind<number> = {
  wire: 0,
  read: (reader, end) => reader.varint(end),
  write: writeVarint,
  isZero: (value) => value === 0,
};

export const bool: Kind<boolean> = {
  wire: 0,
  read(reader, end) {
    reader.varint64(end);
    return reader.low !== 0 || reader.high !== 0;
  },
  write: (writer, tag, value) => writeVarint(writer, tag, value ? 1 : 0),
  isZero: (value) => !value,
};

export const sint32: Kind<number> = {
  wire: 0,
  read(reader, end) {
    const raw = reader.varint(end);
    return (raw >>> 1) ^ -(raw & 1);
  },
  write: (writer, tag, value) => writeVarint(writer, tag, ((value << 1) ^ (value >> 31)) >>> 0),
  isZero: (value) => value === 0,
};

/** A time. */
export const nano: Kind<bigint> = {
  wire: 1,
  read(reader, end) {
    const { low, high } = reader.word64(end);
    return (BigInt(high) << 32n) | BigInt(low);
  },
  write: (writer, tag, value) =>
    writer.fixed64(tag, Number(value & WORD_MASK), Number((value >> 32n) & WORD_MASK)),
  isZero: (value) => value === 0n,
};

export const sfixed64: Kind<bigint> = {
  ...nano,
  read: (reader, end) => BigInt.asIntN(64, nano.read(reader, end)),
};

/** A count. */
export const fixed64: Kind<number> = {
  wire: 1,
  read(reader, end) {
    const { low, high } = reader.word64(end);
    return high * WORD + low;
  },
  write: (writer, tag, value) => writer.fixed64(tag, value % WORD, Math.floor(value / WORD)),
  isZero: (value) => value === 0,
};

export const fixed32: Kind<number> = {
  wire: 5,
  read: (reader, end) => reader.view.getUint32(reader.take(4, end, 'fixed32'), true),
  write: (writer, tag, value) => writer.fixed32(tag, value),
  isZero: (value) => value === 0,
};

const doubleBits = new DataView(new ArrayBuffer(8));

export const double: Kind<number> = {
  wire: 1,
  read: (reader, end) => reader.view.getFloat64(reader.take(8, end, 'double'), true),
  write(writer, tag, value) {
    doubleBits.setFloat64(0, value, true);
    writer.fixed64(tag, doubleBits.getUint32(0, true), doubleBits.getUint32(4, true));
  },
  // Minus zero has bits of its own.
  isZero: (value) => Object.is(value, 0),
};

export const text: Kind<string> = {
  wire: 2,
  read: (reader, end) => reader.text(end),
  write(writer, tag, value) {
    const length = asciiInto(scratch, value);
    if (length >= 0) return writer.field(tag, scratch, 0, length);
    const utf8 = Buffer.from(value);
    writer.field(tag, utf8, 0, utf8.length);
  },
  isZero: (value) => value === '',
};

export const bytes: Kind<Uint8Array> = {
  wire: 2,
  // A copy, also of a Buffer, whose own `slice` is none.
  read: (reader, end) => Uint8Array.from(view(reader, end)),
  write: (writer, tag, value) => writer.field(tag, value, 0, value.length),
  isZero: (value) => value.length === 0,
};

/** An id of trace or span: whole or absent. */
export function id(length: number): Kind<Uint8Array> {
  return {
    ...bytes,
    read(reader, end) {
      const { at } = reader;
      const value = bytes.read(reader, end);
      if (value.length === 0 || value.length === length) return value;
      throw malformed(`id of ${value.length} bytes instead of ${length}`, at);
    },
  };
}

/** A varint of up to 64 bits that is a count. */
export const uint64: Kind<number> = {
  wire: 0,
  read(reader, end) {
    reader.varint64(end);
    return reader.high * WORD + reader.low;
  },
  write(writer, tag, value) {
    writer.varint64((value % WORD) >>> 0, Math.floor(value / WORD));
    if (tag !== 0) writer.varint(tag);
  },
  isZero: (value) => value === 0,
};

function writeVarint(writer: BackwardWriter, tag: number, value: number): void {
  writer.varint(value);
  writer.varint(tag);
}

/** The length of an ASCII text written to `out`; -1 for one that is not, or too long. */
function asciiInto(out: Uint8Array, value: string): number {
  if (value.length > out.length) return -1;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > ASCII_MAX) return -1;
    out[i] = code;
  }
  return value.length;
}

function view(reader: MessageReader, end: number): Uint8Array {
  const inner = reader.enter(end, 'text or bytes');
  const found = reader.bytes.subarray(reader.at, inner);
  reader.at = inner;
  return found;
}
