/** The byte strings of one batch: an arena with offsets. Id 0 is the empty string. Equal ids mean
 *  equal bytes; the same bytes may stand under two ids (long values are not interned).
 *  Hot: benchmark `bench/decode.ts`. */

import { isUtf8 } from 'node:buffer';

/** Longer values are appended without a look-up: they seldom repeat and cost most to hash. */
export const INTERN_BYTES_MAX = 256;

const decoder = new TextDecoder();
const encoder = new TextEncoder();
/** Per process, so that nobody can craft colliding keys. */
const SEED = (Math.random() * 0x1_0000_0000) >>> 0;

export class StringTable {
  readonly bytes: Uint8Array;
  /** `count + 1` offsets into `bytes`. */
  readonly offsets: Uint32Array;
  /** 1 where the entry is valid UTF-8. */
  readonly isText: Uint8Array;
  readonly #texts: (string | undefined)[] = [];

  constructor(bytes: Uint8Array, offsets: Uint32Array, isText: Uint8Array) {
    this.bytes = bytes;
    this.offsets = offsets;
    this.isText = isText;
  }

  get count(): number {
    return this.offsets.length - 1;
  }

  get byteSize(): number {
    return this.bytes.byteLength + this.offsets.byteLength + this.isText.byteLength;
  }

  /** The entry as text; bytes that are no UTF-8 read as U+FFFD. Decoded once. */
  text(id: number): string {
    const known = this.#texts[id];
    if (known !== undefined) return known;
    const text = decoder.decode(this.slice(id));
    this.#texts[id] = text;
    return text;
  }

  /** The entry's bytes, a view. */
  slice(id: number): Uint8Array {
    return this.bytes.subarray(this.offsets[id]!, this.offsets[id + 1]!);
  }

  /** The id of this text, or -1. Linear: ask once per batch, not per span. */
  find(text: string): number {
    const wanted = encoder.encode(text);
    for (let id = 0; id < this.count; id++) {
      const start = this.offsets[id]!;
      if (this.offsets[id + 1]! - start !== wanted.length) continue;
      let i = 0;
      while (i < wanted.length && this.bytes[start + i] === wanted[i]) i++;
      if (i === wanted.length) return id;
    }
    return -1;
  }
}

/** Builds a StringTable: open addressing over (hash, id), arena of bytes. Reusable by `reset`. */
export class StringInterner {
  bytes = new Uint8Array(64 * 1024);
  offsets = new Uint32Array(4096);
  isText = new Uint8Array(4096);
  count = 0;
  #used = 0;
  #slots = new Int32Array(8192);
  #hashes = new Uint32Array(8192);
  #mask = 8191;
  #interned = 0;

  constructor() {
    this.reset();
  }

  reset(): void {
    this.#slots.fill(0);
    this.#interned = 0;
    this.#used = 0;
    this.count = 0;
    this.offsets[0] = 0;
    this.append(this.bytes, 0, 0);
  }

  get byteLength(): number {
    return this.#used;
  }

  internText(text: string): number {
    if (text.length === 0) return 0;
    const bytes = encoder.encode(text);
    return this.intern(bytes, 0, bytes.length);
  }

  /** The id of bytes[start, end). */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    if (length > INTERN_BYTES_MAX) return this.append(bytes, start, end);
    const hash = hashBytes(bytes, start, end);
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

  /** Adds bytes[start, end) as a new entry without a look-up. */
  append(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const id = this.count++;
    if (id + 2 > this.offsets.length) this.#growEntries();
    if (this.#used + length > this.bytes.length) this.#growBytes(this.#used + length);
    const out = this.bytes;
    let at = this.#used;
    let ascii = 0;
    if (length <= 64) {
      for (let i = start; i < end; i++) {
        const byte = bytes[i]!;
        ascii |= byte;
        out[at++] = byte;
      }
    } else {
      out.set(bytes.subarray(start, end), at);
      at += length;
      ascii = 0x80;
    }
    this.#used = at;
    this.offsets[id + 1] = at;
    this.isText[id] = ascii < 0x80 || isUtf8(bytes.subarray(start, end)) ? 1 : 0;
    return id;
  }

  /** The id's text: for names and keys that are rare to be asked while building. */
  text(id: number): string {
    return decoder.decode(this.bytes.subarray(this.offsets[id]!, this.offsets[id + 1]!));
  }

  /** An id that is valid UTF-8: the same, or that of the text with U+FFFD for bad bytes. */
  asText(id: number): number {
    return this.isText[id] === 1 ? id : this.internText(this.text(id));
  }

  /** A table of its own, of exact size. */
  seal(): StringTable {
    return new StringTable(
      this.bytes.slice(0, this.#used),
      this.offsets.slice(0, this.count + 1),
      this.isText.slice(0, this.count),
    );
  }

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

  #growEntries(): void {
    const offsets = new Uint32Array(this.offsets.length * 2);
    offsets.set(this.offsets);
    this.offsets = offsets;
    const isText = new Uint8Array(offsets.length);
    isText.set(this.isText);
    this.isText = isText;
  }

  #growBytes(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.#used));
    this.bytes = bytes;
  }
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = SEED ^ (end - start);
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
