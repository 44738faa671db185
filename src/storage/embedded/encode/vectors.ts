/** From a column's values to what its pages hold: a dictionary where values repeat, else the
 *  values themselves. Results share buffers with the next call: encode each before the next.
 *  Hot: benchmark `bench/row-group.ts`. */

import { PACKED_BYTES, type PackedType, PACKERS } from '../parquet/packed-text.ts';
import { ByteSink } from '../parquet/byte-sink.ts';
import type { ColumnValues } from '../parquet/column-chunk.ts';
import type { StringArena } from './string-arena.ts';

/** Above this share of distinct values a dictionary costs more than it saves. */
const STRING_DISTINCT_MAX = 0.6;
const NUMBER_DISTINCT_MAX = 0.25;
/** The same of packed strings, by what a code costs beside them. */
const PACKED_DISTINCT_MAX: Record<PackedType, number> = { uuid: 0.85, ipv4: 0.45 };
/** Of a column's strings so many must be of a form for that to get a column. */
const PACKED_SHARE_MIN = 0.125;
/** None among so many first values: there are none. */
const PACKED_TRIES = 64;
const NOT_PACKED = 0xffff_ffff;

/** The strings of a column that are of a form. */
export interface PackedStrings {
  readonly values: ColumnValues;
  /** 1 for each string that is among them. */
  readonly isPacked: Uint8Array;
  readonly count: number;
}
/** Few values always get a dictionary. */
const DISTINCT_FREE = 16;
const NUMBERS_MAX = 4096;
const SLOTS = NUMBERS_MAX * 4;
/** Numbers that somebody chose to collide get no dictionary. */
const PROBES_MAX = 64;

export class Vectors {
  readonly #arena: StringArena;
  readonly #seed: number;
  readonly #sink = new ByteSink();
  #codes = new Uint32Array(4096);
  /** Of each string id, the column that saw it last and its code there. */
  #seenBy = new Uint32Array(8192);
  #codeOf = new Uint32Array(8192);
  #column = 0;
  readonly #slots = new Int32Array(SLOTS);
  readonly #lows = new Uint32Array(NUMBERS_MAX);
  readonly #highs = new Uint32Array(NUMBERS_MAX);

  /** `seed` is secret. */
  constructor(arena: StringArena, seed: number) {
    this.#arena = arena;
    this.#seed = seed;
  }

  /** ids[0, count) of the arena. */
  strings(ids: Uint32Array, count: number): ColumnValues {
    const max = Math.max(DISTINCT_FREE, Math.floor(count * STRING_DISTINCT_MAX));
    const distinct = this.#numberStrings(ids, count, max);
    if (distinct === undefined) return this.#plainStrings(ids, count);
    return { ...distinct, kind: 'dictionary', codes: this.#codes };
  }

  /** Those of ids[0, count) that are of the form; undefined when there are few. */
  packed(ids: Uint32Array, count: number, type: PackedType): PackedStrings | undefined {
    const column = this.#beginColumn(count);
    const seenBy = this.#seenBy;
    const codeOf = this.#codeOf;
    const codes = this.#codes;
    const { bytes, offsets } = this.#arena;
    const sink = this.#sink.reset();
    const pack = PACKERS[type];
    const width = PACKED_BYTES[type];
    const isPacked = new Uint8Array(count);
    let size = 0;
    let found = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (seenBy[id] !== column) {
        seenBy[id] = column;
        sink.reserve(width);
        const isOne = pack(bytes, offsets[id]!, offsets[id + 1]!, sink.bytes, sink.length);
        codeOf[id] = isOne ? size++ : NOT_PACKED;
        if (isOne) sink.length += width;
      }
      const code = codeOf[id]!;
      if (code === NOT_PACKED) {
        if (found === 0 && i >= PACKED_TRIES) return undefined;
        continue;
      }
      isPacked[i] = 1;
      codes[found++] = code;
    }
    if (found === 0 || found < count * PACKED_SHARE_MIN) return undefined;
    const dictionary = sink.view();
    if (size <= Math.max(DISTINCT_FREE, found * PACKED_DISTINCT_MAX[type])) {
      const values = { kind: 'dictionary', dictionary, size, codes } as const;
      return { values, isPacked, count: found };
    }
    // With few repeats each stands for itself.
    const isPlain = size === found;
    const plain = isPlain ? dictionary : repeated(dictionary, codes, { count: found, width });
    return { values: packedValues(plain, type), isPacked, count: found };
  }

  /** The same when rows share values through an owner: entry of[i] for row i. */
  stringsOf(ids: Uint32Array, of: Uint32Array, count: number): ColumnValues {
    const distinct = this.#numberStrings(ids, ids.length, ids.length);
    if (distinct === undefined) throw new Error('a dictionary of fewer values than its own');
    return { ...distinct, kind: 'dictionary', codes: this.#spread(of, count) };
  }

  /** 64-bit numbers, two words each, that are put together as deltas when they do not repeat. */
  integers(words: Uint32Array, count: number): ColumnValues {
    const dictionary = this.#numberWords(words, count, 8);
    return dictionary ?? { kind: 'delta', words };
  }

  doubles(words: Uint32Array, count: number): ColumnValues {
    const dictionary = this.#numberWords(words, count, 8);
    return dictionary ?? { kind: 'plain', bytes: bytesOf(words, count * 2) };
  }

  /** Random 64-bit numbers of which neighbours are often equal: ids of parents. Siblings share one,
   *  so a dictionary nearly halves them. */
  ids(words: Uint32Array, count: number): ColumnValues {
    this.#reserve(count);
    const sink = this.#sink.reset();
    const codes = this.#codes;
    let size = 16;
    while (size < count * 2) size *= 2;
    const slots = new Int32Array(size);
    let distinct = 0;
    for (let i = 0; i < count; i++) {
      const low = words[i * 2]!;
      const high = words[i * 2 + 1]!;
      let slot = Math.imul(low ^ this.#seed, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
      slot = (slot ^ (slot >>> 15)) & (size - 1);
      let code = -1;
      for (;;) {
        const other = slots[slot]! - 1;
        if (other < 0) break;
        if (words[other * 2] === low && words[other * 2 + 1] === high) {
          code = codes[other]!;
          break;
        }
        slot = (slot + 1) & (size - 1);
      }
      if (code < 0) {
        code = distinct++;
        slots[slot] = i + 1;
        sink.u32(low);
        sink.u32(high);
      }
      codes[i] = code;
    }
    return { kind: 'dictionary', dictionary: sink.view(), size: distinct, codes };
  }

  /** 32-bit numbers. */
  small(values: Uint32Array, count: number): ColumnValues {
    const words = new Uint32Array(count * 2);
    for (let i = 0; i < count; i++) words[i * 2] = values[i]!;
    const dictionary = this.#numberWords(words, count, 4);
    return dictionary ?? { kind: 'delta32', numbers: values };
  }

  /** Numbers of rows that share values through an owner. */
  wordsOf(words: Uint32Array, of: Uint32Array, count: number): ColumnValues {
    const sink = this.#sink.reset();
    const entries = words.length / 2;
    this.#reserve(entries);
    const known = new Map<string, number>();
    for (let i = 0; i < entries; i++) {
      const name = `${words[i * 2]},${words[i * 2 + 1]}`;
      let code = known.get(name);
      if (code === undefined) {
        known.set(name, (code = known.size));
        sink.u32(words[i * 2]!);
        sink.u32(words[i * 2 + 1]!);
      }
      this.#codes[i] = code;
    }
    const dictionary = sink.view();
    return { kind: 'dictionary', dictionary, size: known.size, codes: this.#spread(of, count) };
  }

  /** Codes of entries to codes of rows. */
  #spread(of: Uint32Array, count: number): Uint32Array {
    const entries = this.#codes;
    const codes = new Uint32Array(count);
    for (let i = 0; i < count; i++) codes[i] = entries[of[i]!]!;
    return codes;
  }

  /** Fills codes; undefined when there are more than `max` values. */
  #numberStrings(
    ids: Uint32Array,
    count: number,
    max: number,
  ): { dictionary: Uint8Array; size: number } | undefined {
    const column = this.#beginColumn(count);
    const seenBy = this.#seenBy;
    const codeOf = this.#codeOf;
    const codes = this.#codes;
    const { bytes, offsets } = this.#arena;
    const sink = this.#sink.reset();
    let size = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (seenBy[id] !== column) {
        if (size === max) return undefined;
        seenBy[id] = column;
        codeOf[id] = size++;
        sink.u32(offsets[id + 1]! - offsets[id]!);
        sink.copy(bytes, offsets[id]!, offsets[id + 1]!);
      }
      codes[i] = codeOf[id]!;
    }
    return { dictionary: sink.view(), size };
  }

  /** Makes room; returns the number by which `seenBy` knows the column. */
  #beginColumn(count: number): number {
    this.#reserve(count);
    if (this.#seenBy.length < this.#arena.count) {
      this.#seenBy = new Uint32Array(this.#arena.count * 2);
      this.#codeOf = new Uint32Array(this.#arena.count * 2);
      this.#column = 0;
    }
    return ++this.#column;
  }

  #plainStrings(ids: Uint32Array, count: number): ColumnValues {
    const { bytes, offsets } = this.#arena;
    const sink = this.#sink.reset();
    const lengths = new Uint32Array(count * 2);
    for (let i = 0; i < count; i++) {
      const start = offsets[ids[i]!]!;
      const end = offsets[ids[i]! + 1]!;
      lengths[i * 2] = end - start;
      sink.copy(bytes, start, end);
    }
    return { kind: 'strings', bytes: sink.view(), lengths };
  }

  #numberWords(words: Uint32Array, count: number, width: 4 | 8): ColumnValues | undefined {
    this.#reserve(count);
    const max = Math.min(NUMBERS_MAX, Math.max(DISTINCT_FREE, count * NUMBER_DISTINCT_MAX));
    const slots = this.#slots.fill(0);
    const lows = this.#lows;
    const highs = this.#highs;
    const codes = this.#codes;
    let size = 0;
    for (let i = 0; i < count; i++) {
      const low = words[i * 2]!;
      const high = words[i * 2 + 1]!;
      let slot = (Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> 15) & (SLOTS - 1);
      let code = -1;
      for (let probes = 0; ; probes++) {
        code = slots[slot]! - 1;
        if (code < 0 || (lows[code] === low && highs[code] === high)) break;
        if (probes > PROBES_MAX) return undefined;
        slot = (slot + 1) & (SLOTS - 1);
      }
      if (code < 0) {
        if (size >= max) return undefined;
        code = size++;
        slots[slot] = size;
        lows[code] = low;
        highs[code] = high;
      }
      codes[i] = code;
    }
    const sink = this.#sink.reset();
    for (let code = 0; code < size; code++) {
      sink.u32(lows[code]!);
      if (width === 8) sink.u32(highs[code]!);
    }
    return { kind: 'dictionary', dictionary: sink.view(), size, codes };
  }

  #reserve(count: number): void {
    if (this.#codes.length < count) this.#codes = new Uint32Array(count * 2);
  }
}

function repeated(
  dictionary: Uint8Array,
  codes: Uint32Array,
  { count, width }: { count: number; width: number },
): Uint8Array {
  const out = new Uint8Array(count * width);
  for (let i = 0; i < count; i++) {
    const from = codes[i]! * width;
    for (let j = 0; j < width; j++) out[i * width + j] = dictionary[from + j]!;
  }
  return out;
}

/** Addresses are of few networks: as deltas they lack the bytes that are alike. */
function packedValues(bytes: Uint8Array, type: PackedType): ColumnValues {
  if (type === 'uuid') return { kind: 'plain', bytes };
  return { kind: 'delta32', numbers: new Uint32Array(bytes.slice().buffer) };
}

function bytesOf(words: Uint32Array, count: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, count * 4);
}
