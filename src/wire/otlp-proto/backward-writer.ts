/** Writes protobuf from the last byte to the first: the length of a nested message is known when
 *  its head is written, so nothing is measured beforehand or moved afterwards.
 *  Hot: benchmark `bench/encode.ts`. */

export class BackwardWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #at: number;

  /** `expected` is a guess at the length; more is written all the same. */
  constructor(expected = 64 * 1024) {
    this.#bytes = new Uint8Array(expected);
    this.#view = new DataView(this.#bytes.buffer);
    this.#at = expected;
  }

  /** How much has been written: take it before a nested message, pass it to `close` after. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** Everything written, in an array of its own; the writer is empty afterwards. */
  finish(): Uint8Array {
    const out = this.#bytes.slice(this.#at);
    this.#at = this.#bytes.length;
    return out;
  }

  /** Ends a length-delimited field that began (at its end) when `length` was `before`. */
  close(tag: number, before: number): void {
    this.varint(this.length - before);
    this.varint(tag);
  }

  /** A length-delimited field of these bytes. */
  // oxlint-disable-next-line max-params -- a range instead of a view, once a string
  field(tag: number, bytes: Uint8Array, start: number, end: number): void {
    this.raw(bytes, start, end);
    this.varint(end - start);
    this.varint(tag);
  }

  raw(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#reserve(length);
    this.#at -= length;
    const out = this.#bytes;
    const to = this.#at;
    if (length <= 64) for (let i = 0; i < length; i++) out[to + i] = bytes[start + i]!;
    else out.set(bytes.subarray(start, end), to);
  }

  /** A varint field, left out when zero. */
  number(tag: number, value: number): void {
    if (value === 0) return;
    this.varint(value);
    this.varint(tag);
  }

  fixed32(tag: number, value: number): void {
    if (value === 0) return;
    this.#reserve(4);
    this.#at -= 4;
    this.#view.setUint32(this.#at, value, true);
    this.varint(tag);
  }

  /** Eight bytes, written even when zero. */
  fixed64(tag: number, low: number, high: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#view.setUint32(this.#at, low, true);
    this.#view.setUint32(this.#at + 4, high, true);
    this.varint(tag);
  }

  varint(value: number): void {
    this.#reserve(5);
    if (value < 0x80) {
      this.#bytes[--this.#at] = value;
      return;
    }
    let size = 2;
    for (let rest = value >>> 14; rest > 0; rest >>>= 7) size++;
    this.#at -= size;
    let at = this.#at;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[at++] = (rest & 0x7f) | 0x80;
    this.#bytes[at] = rest;
  }

  varint64(low: number, high: number): void {
    if (high === 0) return this.varint(low);
    this.#reserve(10);
    // 28 + 28 + 8 bits: each part is exact in 32.
    const middle = ((low >>> 28) | (high << 4)) & 0xfffffff;
    const top = high >>> 24;
    const bytes = this.#bytes;
    if (top >= 0x80) {
      bytes[--this.#at] = top >>> 7;
      bytes[--this.#at] = (top & 0x7f) | 0x80;
    } else if (top > 0) bytes[--this.#at] = top;
    let isLast = top === 0;
    for (let shift = 21; shift >= 0; shift -= 7) {
      const bits = (middle >>> shift) & 0x7f;
      if (isLast && bits === 0) continue;
      bytes[--this.#at] = isLast ? bits : bits | 0x80;
      isLast = false;
    }
    for (let shift = 21; shift >= 0; shift -= 7) {
      bytes[--this.#at] = ((low >>> shift) & 0x7f) | 0x80;
    }
  }

  #reserve(length: number): void {
    if (this.#at >= length) return;
    const old = this.#bytes;
    const grown = new Uint8Array(Math.max(old.length * 2, this.length + length));
    const at = grown.length - this.length;
    grown.set(old.subarray(this.#at), at);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
    this.#at = at;
  }
}
