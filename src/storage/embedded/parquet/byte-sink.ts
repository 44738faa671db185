/** A growing run of bytes that is reused from page to page, so that encoding allocates only what
 *  it hands out. Hot: benchmark `bench/row-group.ts`. */

export class ByteSink {
  bytes: Uint8Array;
  length = 0;

  constructor(firstBytes = 64 * 1024) {
    this.bytes = new Uint8Array(firstBytes);
  }

  /** Makes room; `bytes` may be replaced. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  reset(): this {
    this.length = 0;
    return this;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.setU32(this.length, value);
    this.length += 4;
  }

  /** Overwrites four bytes written before. */
  setU32(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value & 0xff;
    bytes[at + 1] = (value >>> 8) & 0xff;
    bytes[at + 2] = (value >>> 16) & 0xff;
    bytes[at + 3] = value >>> 24;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 0x8000_0000) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  bigVarint(value: bigint): void {
    this.reserve(10);
    let rest = value;
    while (rest > 0x7fn) {
      this.bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.length++] = Number(rest);
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** bytes[start, end) of another array; short runs are copied without a view. */
  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    if (count > 48) {
      this.bytes.set(source.subarray(start, end), this.length);
    } else {
      const { bytes } = this;
      let at = this.length;
      for (let i = start; i < end; i++) bytes[at++] = source[i]!;
    }
    this.length += count;
  }

  /** What was written, as a view that the next write may change. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}
