/** The byte strings of one row group: equal bytes have equal ids, whatever batch they came in, so
 *  a column's dictionary is built by comparing numbers. Id 0 is the empty string.
 *  Hot: benchmark `bench/row-group.ts`. */

import type { StringTable } from '../../../model/batch/string-table.ts';

/** Longer values are kept without a look-up: they seldom repeat and cost most to hash. */
const INTERN_BYTES_MAX = 8192;

export class StringArena {
  bytes = new Uint8Array(256 * 1024);
  /** Id i has bytes[offsets[i], offsets[i + 1]). */
  offsets = new Uint32Array(8192);
  count = 0;
  #used = 0;
  #slots = new Int32Array(16_384);
  #hashes = new Uint32Array(16_384);
  #mask = 16_383;
  #interned = 0;
  readonly #seed: number;

  /** `seed` is secret, so that nobody can craft strings that collide. */
  constructor(seed: number) {
    this.#seed = seed | 0;
    this.reset();
  }

  reset(): void {
    this.#slots.fill(0);
    this.#interned = 0;
    this.#used = 0;
    this.offsets[0] = this.offsets[1] = 0;
    this.count = 1;
  }

  get byteLength(): number {
    return this.#used;
  }

  slice(id: number): Uint8Array {
    return this.bytes.subarray(this.offsets[id]!, this.offsets[id + 1]!);
  }

  /** The id of entry `id` of a batch's table. */
  internFrom(strings: StringTable, id: number): number {
    return this.intern(strings.bytes, strings.offsets[id]!, strings.offsets[id + 1]!);
  }

  intern(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    if (length > INTERN_BYTES_MAX) return this.append(bytes, start, end);
    const hash = this.#hash(bytes, start, end);
    let slot = hash & this.#mask;
    for (;;) {
      const id = this.#slots[slot]!;
      if (id === 0) break;
      if (this.#hashes[slot] === hash && this.#equals(id, bytes, start, length)) return id;
      slot = (slot + 1) & this.#mask;
    }
    const id = this.append(bytes, start, end);
    this.#slots[slot] = id;
    this.#hashes[slot] = hash;
    if (++this.#interned * 2 > this.#mask) this.#rehash();
    return id;
  }

  /** Keeps bytes[start, end) under an id of its own. */
  append(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const id = this.count++;
    if (id + 2 > this.offsets.length) this.#growOffsets();
    if (this.#used + length > this.bytes.length) this.#growBytes(this.#used + length);
    const out = this.bytes;
    let at = this.#used;
    if (length <= 64) {
      for (let i = start; i < end; i++) out[at++] = bytes[i]!;
    } else {
      out.set(bytes.subarray(start, end), at);
      at += length;
    }
    this.#used = at;
    this.offsets[id + 1] = at;
    return id;
  }

  #hash(bytes: Uint8Array, start: number, end: number): number {
    let hash = this.#seed ^ (end - start);
    let i = start;
    for (; i + 4 <= end; i += 4) {
      const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x85ebca6b);
    hash ^= hash >>> 13;
    return (Math.imul(hash, 0xc2b2ae35) ^ (hash >>> 16)) >>> 0;
  }

  // oxlint-disable-next-line max-params -- a range instead of an object, once a string
  #equals(id: number, bytes: Uint8Array, start: number, length: number): boolean {
    const at = this.offsets[id]!;
    if (this.offsets[id + 1]! - at !== length) return false;
    const own = this.bytes;
    for (let i = 0; i < length; i++) if (own[at + i] !== bytes[start + i]) return false;
    return true;
  }

  #rehash(): void {
    const oldSlots = this.#slots;
    const oldHashes = this.#hashes;
    const size = oldSlots.length * 2;
    this.#mask = size - 1;
    this.#slots = new Int32Array(size);
    this.#hashes = new Uint32Array(size);
    for (let i = 0; i < oldSlots.length; i++) {
      const id = oldSlots[i]!;
      if (id === 0) continue;
      let slot = oldHashes[i]! & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = id;
      this.#hashes[slot] = oldHashes[i]!;
    }
  }

  #growOffsets(): void {
    const offsets = new Uint32Array(this.offsets.length * 2);
    offsets.set(this.offsets);
    this.offsets = offsets;
  }

  #growBytes(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.#used));
    this.bytes = bytes;
  }
}
