/** The byte strings of one batch: an arena with offsets. Id 0 is the empty string. Equal ids mean
 *  equal bytes; the same bytes may stand under two ids (long values are not interned).
 *  Hot: benchmark `bench/decode.ts`. */

import { isUtf8 } from 'node:buffer';
import { Arena, arenaBytes } from './arena.ts';

/** Longer values are appended without a look-up: they seldom repeat and cost most to hash. */
export const INTERN_BYTES_MAX = 256;

/** A leading U+FEFF is part of the text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
/** A look-up that meets more entries than this gives up and appends: crafted collisions cost space
 *  instead of time. */
const PROBES_MAX = 64;
/** Scratch larger than this is not kept from one batch to the next. */
const RETAINED_BYTES_MAX = 8 * 1024 * 1024;
const FIRST_BYTES = 64 * 1024;
const FIRST_ENTRIES = 4096;
const FIRST_SLOTS = 4096;
/** Ids that fit into a slot; strings beyond are kept without a look-up. */
const INTERNED_MAX = 0x10_0000;
const ID_BITS = INTERNED_MAX - 1;
const HASH_BITS = ~ID_BITS;
/** Per process, so that nobody can craft colliding keys. */
const SEED = (Math.random() * 0x1_0000_0000) >>> 0;

export class StringTable {
  readonly bytes: Uint8Array;
  /** `count + 1` offsets into `bytes`. */
  readonly offsets: Uint32Array;
  /** 1 where the entry is valid UTF-8. */
  readonly isText: Uint8Array;
  readonly #texts: (string | undefined)[] = [];
  readonly #quoted: (string | undefined)[] = [];
  readonly #found = new Map<string, number>();

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

  /** The entry as a string of JSON. Made once. */
  quoted(id: number): string {
    return (this.#quoted[id] ??= JSON.stringify(this.text(id)));
  }

  /** The entry's bytes, a view. */
  slice(id: number): Uint8Array {
    return this.bytes.subarray(this.offsets[id]!, this.offsets[id + 1]!);
  }

  /** The id of this text, or -1. Linear the first time, then remembered: for the keys and names that a
   *  configuration asks for, not for texts that data brings. */
  find(text: string): number {
    const known = this.#found.get(text);
    if (known !== undefined) return known;
    const found = this.#search(encoder.encode(text));
    this.#found.set(text, found);
    return found;
  }

  #search(wanted: Uint8Array): number {
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

/** Builds a StringTable: open addressing over (hash, id), arena of bytes. Reusable by `reset`.
 *  Bytes are hashed, compared and copied four at a time through DataViews, which V8 turns into
 *  single loads. */
export class StringInterner {
  bytes = new Uint8Array(FIRST_BYTES);
  offsets = new Uint32Array(FIRST_ENTRIES);
  isText = new Uint8Array(FIRST_ENTRIES);
  count = 0;
  /** True when a string was added that nothing refers to: `asText` replaced it. */
  hasUnused = false;
  #arena = new DataView(this.bytes.buffer);
  #used = 0;
  /** Id in the low 20 bits, the hash's high 12 above them: one load tells nearly always. */
  #slots = new Uint32Array(FIRST_SLOTS);
  /** Of every interned string in order: its hash, and its slot, so that a small batch need not
   *  clear a large table. */
  #hashes = new Uint32Array(FIRST_SLOTS / 2);
  #taken = new Uint32Array(FIRST_SLOTS / 2);
  #interned = 0;
  /** The array interned from last, and a view of it. */
  #source: Uint8Array = this.bytes;
  #view: DataView = this.#arena;
  readonly #scratch = new Uint8Array(1024);
  readonly #scratchView = new DataView(this.#scratch.buffer);

  constructor() {
    this.#appendEmpty();
  }

  reset(): void {
    this.#clearSlots();
    if (this.bytes.length > RETAINED_BYTES_MAX) this.bytes = new Uint8Array(FIRST_BYTES);
    if (this.offsets.byteLength > RETAINED_BYTES_MAX) {
      this.offsets = new Uint32Array(FIRST_ENTRIES);
      this.isText = new Uint8Array(FIRST_ENTRIES);
    }
    this.#arena = new DataView(this.bytes.buffer);
    // Not the array of the last message, which would stay in memory for it.
    this.#source = this.bytes;
    this.#view = this.#arena;
    this.hasUnused = false;
    this.#appendEmpty();
  }

  get byteLength(): number {
    return this.#used;
  }

  internText(text: string): number {
    if (text.length === 0) return 0;
    if (text.length * 3 <= this.#scratch.length) {
      const { written } = encoder.encodeInto(text, this.#scratch);
      return this.intern(this.#scratch, 0, written);
    }
    const bytes = encoder.encode(text);
    return this.intern(bytes, 0, bytes.length);
  }

  /** The id of bytes[start, end). */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    if (length > INTERN_BYTES_MAX) return this.append(bytes, start, end);
    const view = this.#viewOf(bytes);
    const hash = hashBytes(view, start, end);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let probes = 0; probes < PROBES_MAX; probes++) {
      const entry = slots[slot]!;
      if (entry === 0) return this.#addAt(slot, hash, this.#append(view, start, end));
      if (((entry ^ hash) & HASH_BITS) === 0) {
        const id = entry & ID_BITS;
        if (this.#equals(id, view, start, length)) return id;
      }
      slot = (slot + 1) & mask;
    }
    return this.#append(view, start, end);
  }

  /** The id of bytes[start, end) as text: U+FFFD stands for what is no UTF-8. */
  internAsText(bytes: Uint8Array, start: number, end: number): number {
    return this.asText(this.intern(bytes, start, end));
  }

  /** Adds bytes[start, end) as a new entry without a look-up. */
  append(bytes: Uint8Array, start: number, end: number): number {
    return this.#append(this.#viewOf(bytes), start, end);
  }

  /** True when entry `id`, which need not exist, has exactly bytes[start, end). */
  matches(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    return id < this.count && this.#equals(id, this.#viewOf(bytes), start, end - start);
  }

  /** The id's text: for names and keys that are rare to be asked while building. */
  text(id: number): string {
    return decoder.decode(this.bytes.subarray(this.offsets[id]!, this.offsets[id + 1]!));
  }

  /** An id that is valid UTF-8: the same, or that of the text with U+FFFD for bad bytes. */
  asText(id: number): number {
    if (this.isText[id] === 1) return id;
    this.hasUnused = true;
    return this.internText(this.text(id));
  }

  /** A table of its own, of exact size, in one buffer. */
  seal(): StringTable {
    const { count } = this;
    const arena = new Arena(arenaBytes((count + 1) * 4) + arenaBytes(count) + this.#used);
    const offsets = arena.u32(this.offsets, count + 1);
    const isText = arena.u8(this.isText, count);
    return new StringTable(arena.u8(this.bytes, this.#used), offsets, isText);
  }

  #addAt(slot: number, hash: number, id: number): number {
    if (id >= INTERNED_MAX) return id;
    const at = this.#interned++;
    this.#slots[slot] = (hash & HASH_BITS) | id;
    this.#hashes[at] = hash;
    this.#taken[at] = slot;
    if ((at + 1) * 2 >= this.#slots.length) this.#rehash();
    return id;
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (bytes === this.#source) return this.#view;
    if (bytes === this.#scratch) return this.#scratchView;
    this.#source = bytes;
    return (this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #appendEmpty(): void {
    this.#used = 0;
    this.count = 1;
    this.offsets[0] = 0;
    this.offsets[1] = 0;
    this.isText[0] = 1;
  }

  #append(view: DataView, start: number, end: number): number {
    const length = end - start;
    const id = this.count++;
    if (id + 2 > this.offsets.length) this.#growEntries();
    if (this.#used + length > this.bytes.length) this.#growBytes(this.#used + length);
    let to = this.#used;
    this.#used += length;
    this.offsets[id + 1] = this.#used;
    if (length > INTERN_BYTES_MAX) {
      const source = new Uint8Array(view.buffer, view.byteOffset + start, length);
      this.bytes.set(source, to);
      this.isText[id] = isUtf8(source) ? 1 : 0;
      return id;
    }
    const arena = this.#arena;
    let bits = 0;
    let from = start;
    for (; from + 4 <= end; from += 4, to += 4) {
      const word = view.getInt32(from, true);
      bits |= word;
      arena.setInt32(to, word, true);
    }
    if (from < end && length >= 4) {
      // The last four bytes again: some of them a second time, which changes nothing.
      const word = view.getInt32(end - 4, true);
      bits |= word;
      arena.setInt32(this.#used - 4, word, true);
    } else {
      for (; from < end; from++, to++) {
        const byte = view.getUint8(from);
        bits |= byte;
        arena.setUint8(to, byte);
      }
    }
    this.isText[id] = (bits & 0x80808080) === 0 || isUtf8(this.#last(length)) ? 1 : 0;
    return id;
  }

  #last(length: number): Uint8Array {
    return this.bytes.subarray(this.#used - length, this.#used);
  }

  #equals(id: number, view: DataView, start: number, length: number): boolean {
    let own = this.offsets[id]!;
    if (this.offsets[id + 1]! - own !== length) return false;
    const arena = this.#arena;
    const end = start + length;
    if (length < 4) {
      for (let at = start; at < end; at++, own++) {
        if (arena.getUint8(own) !== view.getUint8(at)) return false;
      }
      return true;
    }
    const last = end - 4;
    // The last four bytes differ soonest, in ids and counters.
    if (arena.getInt32(own + length - 4, true) !== view.getInt32(last, true)) return false;
    for (let at = start; at < last; at += 4, own += 4) {
      if (arena.getInt32(own, true) !== view.getInt32(at, true)) return false;
    }
    return true;
  }

  #clearSlots(): void {
    if (this.#slots.byteLength > RETAINED_BYTES_MAX) {
      this.#slots = new Uint32Array(FIRST_SLOTS);
      this.#hashes = new Uint32Array(FIRST_SLOTS / 2);
      this.#taken = new Uint32Array(FIRST_SLOTS / 2);
    } else if (this.#interned * 8 > this.#slots.length) this.#slots.fill(0);
    else for (let i = 0; i < this.#interned; i++) this.#slots[this.#taken[i]!] = 0;
    this.#interned = 0;
  }

  #rehash(): void {
    const old = this.#slots;
    const size = old.length * 2;
    const mask = size - 1;
    const slots = new Uint32Array(size);
    const hashes = new Uint32Array(size / 2);
    const taken = new Uint32Array(size / 2);
    hashes.set(this.#hashes);
    for (let i = 0; i < this.#interned; i++) {
      let slot = hashes[i]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = old[this.#taken[i]!]!;
      taken[i] = slot;
    }
    this.#slots = slots;
    this.#hashes = hashes;
    this.#taken = taken;
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
    this.#arena = new DataView(bytes.buffer);
  }
}

function hashBytes(view: DataView, start: number, end: number): number {
  let hash = SEED ^ (end - start);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  if (at < end) {
    if (end - start >= 4) hash = Math.imul(hash ^ view.getInt32(end - 4, true), 0x85ebca6b);
    else for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x85ebca6b);
  }
  hash ^= hash >>> 13;
  return (Math.imul(hash, 0xc2b2ae35) ^ (hash >>> 16)) >>> 0;
}
