/** Numbers and texts of a block of trace summaries as bytes (docs/formats/index.md). */

import type { ByteSink } from './parquet/byte-sink.ts';

/** Twice of it is exact as a double. */
const EXACT_MAX = 2 ** 52;
const WORD = 0x1_0000_0000;
const NUMBER_BYTES_MAX = 8;
/** As many bytes are exact as a double. */
const EXACT_BYTES = 6;
const encoder = new TextEncoder();
// A name may begin with U+FEFF.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Texts that records refer to by their place. */
export class Names {
  readonly #places = new Map<string, number>();

  placeOf(name: string): number {
    const place = this.#places.get(name) ?? this.#places.size;
    this.#places.set(name, place);
    return place;
  }

  writeTo(sink: ByteSink): void {
    sink.varint(this.#places.size);
    for (const name of this.#places.keys()) {
      const bytes = encoder.encode(name);
      sink.varint(bytes.length);
      sink.append(bytes);
    }
  }
}

/** A signed number of at most 65 bits. */
export function writeSigned(sink: ByteSink, value: bigint): void {
  const number = Number(value);
  // Doubles are many times faster than bigints, and nearly every time fits.
  if (number < EXACT_MAX && number > -EXACT_MAX) {
    sink.varint(number >= 0 ? number * 2 : number * -2 - 1);
  } else {
    sink.bigVarint(value >= 0n ? value << 1n : (-value << 1n) - 1n);
  }
}

export function writeId(sink: ByteSink, id: bigint): void {
  sink.u32(Number(id & 0xffff_ffffn));
  sink.u32(Number(id >> 32n));
}

/** Numbers of 64 bits or less, one for each trace of a block: first the lowest byte of each, then the
 *  next, since what is random in them takes its bytes whole and the rest shrinks to nothing. */
export class ColumnWriter {
  readonly #words: Uint32Array;
  #used = 0;

  constructor(count: number) {
    this.#words = new Uint32Array(count * 2);
  }

  add(value: number): void {
    this.#words[this.#used++] = value;
    this.#words[this.#used++] = value / WORD;
  }

  /** Modulo 2^64, small ones of either sign in few bytes. */
  addSigned(value: bigint): void {
    const number = Number(value);
    if (number < EXACT_MAX && number > -EXACT_MAX) {
      return this.add(number >= 0 ? number * 2 : number * -2 - 1);
    }
    const signed = BigInt.asIntN(64, value);
    const folded = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
    this.#words[this.#used++] = Number(folded & 0xffff_ffffn);
    this.#words[this.#used++] = Number(folded >> 32n);
  }

  writeTo(sink: ByteSink): void {
    let low = 0;
    let high = 0;
    for (let i = 0; i < this.#used; i += 2) {
      low |= this.#words[i] ?? 0;
      high |= this.#words[i + 1] ?? 0;
    }
    const bits = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
    const width = Math.ceil(bits / 8);
    sink.u8(width);
    for (let byte = 0; byte < width; byte++) {
      const shift = (byte % 4) * 8;
      for (let i = byte >> 2; i < this.#used; i += 2) {
        sink.u8(((this.#words[i] ?? 0) >>> shift) & 0xff);
      }
    }
  }
}

export class ColumnReader {
  readonly #bytes: Uint8Array;
  readonly #count: number;
  readonly #width: number;

  constructor(bytes: Uint8Array, count: number) {
    this.#bytes = bytes;
    this.#count = count;
    this.#width = count === 0 ? 0 : bytes.length / count;
  }

  /** At most 2^53. */
  at(i: number): number {
    if (this.#width > EXACT_BYTES) return Number(this.#bigAt(i));
    let value = 0;
    let scale = 1;
    for (let byte = 0; byte < this.#width; byte++) {
      value += (this.#bytes[byte * this.#count + i] ?? 0) * scale;
      scale *= 256;
    }
    return value;
  }

  signedAt(i: number): bigint {
    if (this.#width <= EXACT_BYTES) {
      const folded = this.at(i);
      return BigInt(folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2);
    }
    const folded = this.#bigAt(i);
    return (folded >> 1n) ^ -(folded & 1n);
  }

  #bigAt(i: number): bigint {
    let value = 0n;
    for (let byte = this.#width - 1; byte >= 0; byte--) {
      value = (value << 8n) | BigInt(this.#bytes[byte * this.#count + i] ?? 0);
    }
    return value;
  }
}

/** Throws RangeError when the bytes are cut short or are none of these. */
export class SummaryReader {
  readonly #bytes: Uint8Array;
  readonly #names: readonly string[];
  #at = 0;

  constructor(bytes: Uint8Array, names: readonly string[] = []) {
    this.#bytes = bytes;
    this.#names = names;
  }

  get at(): number {
    return this.#at;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw cutShort(this.#at);
    return byte;
  }

  names(): string[] {
    return this.list(() => decoder.decode(this.#take(this.count())));
  }

  column(count: number): ColumnReader {
    const width = this.byte();
    if (width > NUMBER_BYTES_MAX) throw new RangeError(`summaries: numbers of ${width} bytes`);
    return new ColumnReader(this.#take(width * count), count);
  }

  #take(length: number): Uint8Array {
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw cutShort(this.#at);
    return this.#bytes.subarray(start, this.#at);
  }

  /** As many items as the count in front of them says. */
  list<T>(read: () => T): T[] {
    const count = this.count();
    if (count > this.#bytes.length) throw new RangeError('summaries: a list is too long');
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  /** At most 2^53. */
  count(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      if (scale > EXACT_MAX) throw new RangeError(`summaries: no count at byte ${this.#at}`);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  signed(): bigint {
    const start = this.#at;
    // Seven bytes are 49 bits.
    for (let length = 1; length <= 7; length++) {
      if ((this.#bytes[start + length - 1] ?? 0x80) >= 0x80) continue;
      const value = this.count();
      return BigInt(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
    }
    const value = this.#bigVarint();
    return value & 1n ? -((value + 1n) >> 1n) : value >> 1n;
  }

  id(): bigint {
    const { buffer, byteOffset, byteLength } = this.#take(8);
    return new DataView(buffer, byteOffset, byteLength).getBigUint64(0, true);
  }

  text(): string {
    const name = this.#names[this.count()];
    if (name === undefined) throw new RangeError('summaries: a name that is not in the table');
    return name;
  }

  #bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw cutShort(this.#at);
  }
}

function cutShort(at: number): RangeError {
  return new RangeError(`summaries: cut short at byte ${at}`);
}
