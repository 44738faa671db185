/** The reverse of encodings.ts, for single values: each function walks a page once and keeps what
 *  stands at the asked positions, which ascend. No position asked for costs no value made. Throws
 *  RangeError where bytes are not such an encoding; no length in them is believed.
 *  Hot: benchmark `bench/row-group.ts`. */

const WORD = 0x1_0000_0000;
/** Bytes that may be read behind the last one, so that words can be. */
const PADDING = 16;

/** Where a walk ended. */
interface End {
  readonly end: number;
}

/** What a run begins with. */
class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  u8(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError('values are cut short');
    return value;
  }

  /** At most 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const part = this.u8();
      value += (part & 0x7f) * scale;
      if (part < 0x80) break;
      scale *= 128;
      if (scale > 2 ** 49) throw new RangeError('a number is too long');
    }
    return value;
  }

  /** 64 bits, signed. */
  zigzag(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const part = this.u8();
      value |= BigInt(part & 0x7f) << shift;
      if (part < 0x80) {
        value = BigInt.asUintN(64, value);
        return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
      }
    }
    throw new RangeError('a number is too long');
  }
}

/** The numbers at `positions` among `count` in RLE / bit-packed hybrid of `width` bits. */
export function readHybrid(
  bytes: Uint8Array,
  start: number,
  { width, count }: { width: number; count: number },
  positions: Uint32Array,
): { values: Uint32Array; end: number } {
  if (width > 32) throw new RangeError(`codes of ${width} bits`);
  const values = new Uint32Array(positions.length);
  const cursor = new Cursor(bytes, start);
  const size = Math.ceil(width / 8);
  let next = 0;
  for (let first = 0; first < count;) {
    const header = cursor.varint();
    const isPacked = header % 2 === 1;
    const length = Math.floor(header / 2) * (isPacked ? 8 : 1);
    if (length === 0) throw new RangeError('a run of no values');
    const end = Math.min(first + length, count);
    if (isPacked) {
      const from = cursor.at;
      cursor.at += (length / 8) * width;
      if (cursor.at > bytes.length) throw new RangeError('values are cut short');
      for (; next < positions.length && positions[next]! < end; next++) {
        values[next] = packedAt(bytes, from, (positions[next]! - first) * width, width);
      }
    } else {
      let value = 0;
      for (let i = 0; i < size; i++) value += cursor.u8() * 2 ** (i * 8);
      for (; next < positions.length && positions[next]! < end; next++) values[next] = value;
    }
    first = end;
  }
  if (next < positions.length) throw new RangeError('a position behind the last value');
  return { values, end: cursor.at };
}

/** The positions whose number is wanted, and those numbers, of `count` in the same encoding. */
export function findInHybrid(
  bytes: Uint8Array,
  start: number,
  { width, count }: { width: number; count: number },
  isWanted: Uint8Array,
): { positions: Uint32Array; values: Uint32Array; end: number } {
  if (width > 32) throw new RangeError(`codes of ${width} bits`);
  const positions: number[] = [];
  const values: number[] = [];
  const cursor = new Cursor(bytes, start);
  const size = Math.ceil(width / 8);
  for (let first = 0; first < count;) {
    const header = cursor.varint();
    const isPacked = header % 2 === 1;
    const length = Math.floor(header / 2) * (isPacked ? 8 : 1);
    if (length === 0) throw new RangeError('a run of no values');
    const end = Math.min(first + length, count);
    if (isPacked) {
      const from = cursor.at;
      cursor.at += (length / 8) * width;
      if (cursor.at > bytes.length) throw new RangeError('values are cut short');
      for (let at = first; at < end; at++) {
        const value = packedAt(bytes, from, (at - first) * width, width);
        if (isWanted[value] !== 1) continue;
        positions.push(at);
        values.push(value);
      }
    } else {
      let value = 0;
      for (let i = 0; i < size; i++) value += cursor.u8() * 2 ** (i * 8);
      for (let at = first; at < end && isWanted[value] === 1; at++) {
        positions.push(at);
        values.push(value);
      }
    }
    first = end;
  }
  return {
    positions: Uint32Array.from(positions),
    values: Uint32Array.from(values),
    end: cursor.at,
  };
}

/** `width` bits from bit `bit` on, low bits first. */
function packedAt(bytes: Uint8Array, from: number, bit: number, width: number): number {
  let at = from + Math.floor(bit / 8);
  if (width === 16) return bytes[at]! | (bytes[at + 1]! << 8);
  if (width === 8) return bytes[at]!;
  const skip = bit & 7;
  let value = 0;
  let scale = 1;
  for (let have = -skip; have < width; have += 8) {
    value += bytes[at++]! * scale;
    scale *= 256;
  }
  return Math.floor(value / 2 ** skip) % 2 ** width;
}

/** Of each chosen row its place among the values that are there, -1 for a null. */
export interface Levels extends End {
  readonly places: Int32Array;
  /** Values that are there in all. */
  readonly present: number;
}

/** Definition levels of one bit; `rows` undefined = all. */
export function readLevels(
  bytes: Uint8Array,
  count: number,
  rows: Uint32Array | undefined,
): Levels {
  const cursor = new Cursor(bytes, 0);
  const length = wordAt(bytes, 0);
  const stop = 4 + length;
  if (bytes.length < 4 || stop > bytes.length) throw new RangeError('levels are cut short');
  cursor.at = 4;
  const asked = rows?.length ?? count;
  const places = new Int32Array(asked);
  let present = 0;
  let next = 0;
  for (let first = 0; first < count;) {
    const header = cursor.varint();
    const isPacked = header % 2 === 1;
    const runLength = Math.floor(header / 2) * (isPacked ? 8 : 1);
    if (runLength === 0) throw new RangeError('a run of no levels');
    const end = Math.min(first + runLength, count);
    if (isPacked) {
      const from = cursor.at;
      cursor.at += runLength / 8;
      if (cursor.at > stop) throw new RangeError('levels are cut short');
      for (let row = first; row < end; row += 8) {
        let byte = bytes[from + ((row - first) >> 3)]!;
        // Bits behind the last row mean nothing.
        if (end - row < 8) byte &= (1 << (end - row)) - 1;
        for (; next < asked; next++) {
          const chosen = rows === undefined ? next : rows[next]!;
          if (chosen >= row + 8 || chosen >= end) break;
          const bit = chosen - row;
          places[next] = (byte >> bit) & 1 ? present + ONES[byte & ((1 << bit) - 1)]! : -1;
        }
        present += ONES[byte]!;
      }
    } else {
      const level = cursor.u8();
      if (level > 1) throw new RangeError(`level ${level}`);
      for (; next < asked; next++) {
        const chosen = rows === undefined ? next : rows[next]!;
        if (chosen >= end) break;
        places[next] = level === 1 ? present + chosen - first : -1;
      }
      if (level === 1) present += end - first;
    }
    first = end;
  }
  if (cursor.at !== stop) throw new RangeError('levels of another length than they say');
  if (next < asked) throw new RangeError('a row behind the last one');
  return { places, present, end: stop };
}

/** How many bits of a byte are set. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return ones;
});

const BLOCK_MAX = 4096;

/** The 64-bit numbers at `positions`, or all, of `count` in DELTA_BINARY_PACKED, two words each.
 *  `end` is where they all end only when all were asked for. */
export function readDeltas(
  bytes: Uint8Array,
  start: number,
  count: number,
  positions?: Uint32Array,
): { words: Uint32Array<ArrayBuffer>; end: number } {
  // Words are read at any byte: some room behind the last one.
  const room = new Uint8Array(bytes.length - start + PADDING);
  room.set(bytes.subarray(start));
  const reader = new DeltaReader(room, bytes.length - start, { count, positions });
  const end = reader.read();
  return { words: reader.words, end: start + end };
}

/** Counts with two words, which is exact for every delta and needs no bigint. */
class DeltaReader {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly #cursor: Cursor;
  readonly #view: DataView;
  readonly #limit: number;
  readonly #count: number;
  readonly #positions: Uint32Array | undefined;
  readonly #asked: number;
  #next = 0;
  #low = 0;
  #high = 0;

  constructor(
    bytes: Uint8Array,
    limit: number,
    { count, positions }: { count: number; positions: Uint32Array | undefined },
  ) {
    this.#cursor = new Cursor(bytes, 0);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limit = limit;
    this.#count = count;
    this.#positions = positions;
    this.#asked = positions?.length ?? count;
    this.words = new Uint32Array(this.#asked * 2);
  }

  read(): number {
    const cursor = this.#cursor;
    const count = this.#count;
    const block = cursor.varint();
    const miniblocks = cursor.varint();
    const size = block / miniblocks;
    if (block === 0 || block > BLOCK_MAX || !Number.isInteger(size) || size % 32 !== 0) {
      throw new RangeError(`deltas in blocks of ${block} in ${miniblocks}`);
    }
    const said = cursor.varint();
    if (said !== count) throw new RangeError(`${said} values instead of ${count}`);
    const first = cursor.zigzag();
    this.#low = Number(first & 0xffff_ffffn);
    this.#high = Number(first >> 32n);
    if (count > 0 && this.#wanted === 0) this.#keep();
    // What follows the last position asked for is of no interest, unless something stands behind it.
    const isPart = this.#positions !== undefined;
    for (let at = 1; at < count; at += block) {
      if (isPart && this.#next === this.#asked) return cursor.at;
      this.#readBlock(at, Math.min(block, count - at), { size, miniblocks });
    }
    if (cursor.at > this.#limit) throw new RangeError('deltas are cut short');
    if (this.#next < this.#asked) throw new RangeError('a position behind the last value');
    return cursor.at;
  }

  /** The position that is to be kept next. */
  get #wanted(): number {
    if (this.#next >= this.#asked) return -1;
    return this.#positions === undefined ? this.#next : this.#positions[this.#next]!;
  }

  #keep(): void {
    const at = this.#next++ * 2;
    this.words[at] = this.#low;
    this.words[at + 1] = this.#high;
  }

  #readBlock(first: number, count: number, shape: { size: number; miniblocks: number }): void {
    const { size, miniblocks } = shape;
    const cursor = this.#cursor;
    const min = cursor.zigzag();
    const minLow = Number(min & 0xffff_ffffn);
    const minHigh = Number(min >> 32n);
    const widthsAt = cursor.at;
    cursor.at += miniblocks;
    for (let mini = 0, done = 0; done < count; mini++, done += size) {
      const width = cursor.bytes[widthsAt + mini]!;
      const from = cursor.at;
      if (width > 64) throw new RangeError(`deltas of ${width} bits`);
      cursor.at += (size / 8) * width;
      if (cursor.at > this.#limit) throw new RangeError('deltas are cut short');
      this.#readMini(first + done, Math.min(size, count - done), { from, width, minLow, minHigh });
    }
  }

  #readMini(
    first: number,
    count: number,
    shape: { from: number; width: number; minLow: number; minHigh: number },
  ): void {
    const { from, width, minLow, minHigh } = shape;
    const view = this.#view;
    let low = this.#low;
    let high = this.#high;
    let wanted = this.#wanted;
    const isShort = width <= 25;
    const lowMask = width >= 32 ? -1 : 2 ** width - 1;
    const highMask = width <= 32 ? 0 : width === 64 ? -1 : 2 ** (width - 32) - 1;
    for (let i = 0, bit = 0; i < count; i++, bit += width) {
      const at = from + (bit >> 3);
      const skip = bit & 7;
      let sum = low + minLow;
      high += minHigh;
      if (isShort) {
        sum += (view.getUint32(at, true) >>> skip) & lowMask;
      } else {
        const middle = view.getUint32(at + 4, true);
        const above = 32 - skip;
        let part = view.getUint32(at, true);
        if (skip > 0) part = (part >>> skip) | (middle << above);
        sum += (part & lowMask) >>> 0;
        if (highMask !== 0) {
          part = middle;
          if (skip > 0) part = (part >>> skip) | (view.getUint32(at + 8, true) << above);
          high += part & highMask;
        }
      }
      if (sum >= WORD) {
        sum -= WORD;
        high++;
        if (sum >= WORD) {
          sum -= WORD;
          high++;
        }
      }
      low = sum;
      high |= 0;
      if (first + i !== wanted) continue;
      const to = this.#next++ * 2;
      this.words[to] = low;
      this.words[to + 1] = high;
      wanted = this.#wanted;
    }
    this.#low = low;
    this.#high = high;
  }
}

/** Where each of `size` byte strings of PLAIN begins, and where the last one ends; a string ends
 *  four bytes before the next one begins. */
export function plainStarts(bytes: Uint8Array, start: number, size: number): Uint32Array {
  const starts = new Uint32Array(size + 1);
  let at = start;
  for (let i = 0; i < size; i++) {
    if (at + 4 > bytes.length) throw new RangeError('strings are cut short');
    starts[i] = at + 4;
    at += 4 + wordAt(bytes, at);
    if (at > bytes.length) throw new RangeError('strings are cut short');
  }
  starts[size] = at + 4;
  return starts;
}

/** Where strings of these lengths begin, to the end of the page. */
export function startsOfLengths(
  { words, end }: { words: Uint32Array; end: number },
  stop: number,
): Uint32Array {
  const count = words.length / 2;
  const starts = new Uint32Array(count + 1);
  let at = end;
  for (let i = 0; i < count; i++) {
    starts[i] = at;
    if (words[i * 2 + 1] !== 0) throw new RangeError('a string without an end');
    at += words[i * 2]!;
    if (at > stop) throw new RangeError('strings are cut short');
  }
  if (at !== stop) throw new RangeError('bytes behind the last string');
  starts[count] = at;
  return starts;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  );
}
