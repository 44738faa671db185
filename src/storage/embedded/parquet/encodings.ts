/** Parquet's encodings of a page's values (apache/parquet-format Encodings.md): RLE and bit-packed
 *  runs, and deltas of 64-bit numbers that are held as pairs of words.
 *  Hot: benchmark `bench/row-group.ts`. */

import type { ByteSink } from './byte-sink.ts';

type Numbers = Uint8Array | Uint16Array | Uint32Array;

/** Runs shorter than this are packed. */
const RUN_MIN = 8;
/** The same for levels and booleans: packed they cost a bit a value. */
const BIT_RUN_MIN = 64;

/** Bits that hold 0 to max. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

/** values[0, count) as RLE / bit-packed hybrid. `width` is 1 or whole bytes: after compression,
 *  which finds repeats and skew in bytes but not in bits, those are smaller than exact widths. */
export function writeHybrid(sink: ByteSink, values: Numbers, count: number, width: number): void {
  const runMin = width === 1 ? BIT_RUN_MIN : RUN_MIN;
  let packed = 0;
  let at = 0;
  while (at < count) {
    const value = values[at]!;
    let end = at + 1;
    while (end < count && values[end] === value) end++;
    if (end - at >= runMin || (end === count && packed === at)) {
      if (at > packed) writePacked(sink, values, packed, at, width);
      writeRun(sink, value, end - at, width);
      packed = at = end;
    } else {
      // Packed runs hold whole groups of eight: a run can only begin behind one.
      at = Math.min(at + (Math.floor((end - at) / 8) * 8 || 8), count);
    }
  }
  if (count > packed) writePacked(sink, values, packed, count, width);
}

function writeRun(sink: ByteSink, value: number, length: number, width: number): void {
  sink.varint(length * 2);
  for (let shift = 0; shift < width; shift += 8) sink.u8((value >>> shift) & 0xff);
}

function writePacked(
  sink: ByteSink,
  values: Numbers,
  start: number,
  end: number,
  width: number,
): void {
  const groups = Math.ceil((end - start) / 8);
  sink.varint(groups * 2 + 1);
  const length = groups * width;
  sink.reserve(length);
  const { bytes } = sink;
  const stop = sink.length + length;
  bytes.fill(0, sink.length, stop);
  let at = sink.length;
  if (width === 1) {
    for (let i = start; i < end; i++) {
      const offset = i - start;
      bytes[at + (offset >> 3)]! |= values[i]! << (offset & 7);
    }
  } else if (width === 8) {
    for (let i = start; i < end; i++) bytes[at++] = values[i]!;
  } else {
    for (let i = start; i < end; i++) {
      const value = values[i]!;
      for (let shift = 0; shift < width; shift += 8) bytes[at++] = (value >>> shift) & 0xff;
    }
  }
  sink.length = stop;
}

const BLOCK = 128;
const MINIBLOCK = 32;
const MINIBLOCKS = BLOCK / MINIBLOCK;
const WORD = 0x1_0000_0000;
/** Deltas whose high word lies within this are exact as doubles, and so are their differences. */
const HIGH_MAX = 1 << 19;

const lows = new Uint32Array(BLOCK);
const highs = new Int32Array(BLOCK);
const relative = new Float64Array(BLOCK);

/** DELTA_BINARY_PACKED of `count` 64-bit numbers, each two words (low, high). */
export function writeDeltas(sink: ByteSink, words: Uint32Array, count: number): void {
  sink.varint(BLOCK);
  sink.varint(MINIBLOCKS);
  sink.varint(count);
  sink.bigVarint(zigzag(count === 0 ? 0n : bigFrom(words[0]!, words[1]! | 0)));
  for (let start = 1; start < count; start += BLOCK) {
    writeBlock(sink, words, start, Math.min(BLOCK, count - start));
  }
}

/** The same of 32-bit numbers, whose deltas are 32 bits: they go round where numbers end. */
export function writeDeltas32(sink: ByteSink, numbers: Uint32Array, count: number): void {
  const words = new Uint32Array(count * 2);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += i === 0 ? numbers[0]! | 0 : (numbers[i]! - numbers[i - 1]!) | 0;
    words[i * 2] = sum;
    words[i * 2 + 1] = Math.floor(sum / WORD);
  }
  writeDeltas(sink, words, count);
}

function writeBlock(sink: ByteSink, words: Uint32Array, start: number, count: number): void {
  let isSmall = true;
  let min = Infinity;
  for (let i = 0; i < count; i++) {
    const at = (start + i) * 2;
    const low = words[at]!;
    const before = words[at - 2]!;
    const borrow = low < before ? 1 : 0;
    const high = (words[at + 1]! - words[at - 1]! - borrow) | 0;
    lows[i] = low - before;
    highs[i] = high;
    if (high >= HIGH_MAX || high < -HIGH_MAX) isSmall = false;
    const delta = high * WORD + lows[i]!;
    relative[i] = delta;
    if (delta < min) min = delta;
  }
  if (!isSmall) return writeWideBlock(sink, count);
  sink.varint(min >= 0 ? min * 2 : min * -2 - 1);
  const widthsAt = sink.length;
  sink.u32(0);
  for (let mini = 0; mini * MINIBLOCK < count; mini++) {
    const from = mini * MINIBLOCK;
    const to = Math.min(from + MINIBLOCK, count);
    let max = 0;
    for (let i = from; i < to; i++) {
      const value = (relative[i]! -= min);
      if (value > max) max = value;
    }
    const width = max < WORD ? bitWidth(max) : 32 + bitWidth(Math.floor(max / WORD));
    sink.bytes[widthsAt + mini] = width;
    packMiniblock(sink, from, to, width);
  }
}

/** relative[from, to) with `width` bits each, padded to a whole miniblock. */
function packMiniblock(sink: ByteSink, from: number, to: number, width: number): void {
  if (width === 0) return;
  const length = (MINIBLOCK * width) / 8;
  sink.reserve(length + 8);
  const { bytes } = sink;
  const stop = sink.length + length;
  let at = sink.length;
  let word = 0;
  let used = 0;
  for (let i = from; i < to; i++) {
    const value = relative[i]!;
    let part = value >>> 0;
    let bits = width;
    if (width > 32) {
      // The low word first, then what is above it.
      word |= part << used;
      writeWord(bytes, at, word);
      at += 4;
      word = used === 0 ? 0 : part >>> (32 - used);
      part = Math.floor(value / WORD);
      bits = width - 32;
    }
    word |= part << used;
    used += bits;
    if (used >= 32) {
      writeWord(bytes, at, word);
      at += 4;
      used -= 32;
      word = used === 0 ? 0 : part >>> (bits - used);
    }
  }
  if (used > 0) {
    writeWord(bytes, at, word);
    at += 4;
  }
  if (stop > at) bytes.fill(0, at, stop);
  sink.length = stop;
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word & 0xff;
  bytes[at + 1] = (word >>> 8) & 0xff;
  bytes[at + 2] = (word >>> 16) & 0xff;
  bytes[at + 3] = word >>> 24;
}

/** The same for deltas that need more than 52 bits: rare, so simply exact. */
function writeWideBlock(sink: ByteSink, count: number): void {
  const deltas = Array.from({ length: count }, (_, i) => bigFrom(lows[i]!, highs[i]!));
  const min = deltas.reduce((least, delta) => (delta < least ? delta : least));
  sink.bigVarint(zigzag(min));
  const widthsAt = sink.length;
  sink.u32(0);
  for (let from = 0; from < count; from += MINIBLOCK) {
    const values = deltas
      .slice(from, from + MINIBLOCK)
      .map((delta) => BigInt.asUintN(64, delta - min));
    const max = values.reduce((most, value) => (value > most ? value : most));
    const width = max === 0n ? 0 : max.toString(2).length;
    sink.bytes[widthsAt + from / MINIBLOCK] = width;
    let bits = 0n;
    values.forEach((value, i) => (bits |= value << BigInt(i * width)));
    for (let i = 0; i < (MINIBLOCK * width) / 8; i++) {
      sink.u8(Number((bits >> BigInt(i * 8)) & 0xffn));
    }
  }
}

/** A signed 64-bit number from its words. */
function bigFrom(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

function zigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}
