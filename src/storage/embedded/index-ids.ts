/** The trace ids of an index, ascending: which are there, and where. Read block by block as they are
 *  asked for; the directory of the blocks is in memory. */

import { IdFilter } from './id-filter.ts';

/** Traces a block. */
export const BLOCK_TRACES = 256;
export const ID_BYTES = 16;
/** Directory entry of a block: first 8 bytes of its first id (as two words, high first), crc32 of
 *  its ids, offset in the summaries section, length, crc32 of its summaries. */
export const BLOCK_WORDS = 6;

/** A look-up reads two blocks; a filter costs as much as some hundred of them, and 1.5 bytes a trace. */
const FINDS_WITHOUT_FILTER = 200;

export interface IndexIdsParts {
  /** The directory. */
  readonly blocks: Uint32Array;
  readonly count: number;
  readonly section: { readonly at: number; readonly bytes: number; readonly crc: number };
  /** Of the file, checked. */
  readonly read: (at: number, length: number, crc: number) => Uint8Array;
}

export class IndexIds {
  readonly #blocks: Uint32Array;
  readonly #count: number;
  readonly #section: IndexIdsParts['section'];
  readonly #read: IndexIdsParts['read'];
  /** The block read last: neighbours are asked for one after another. */
  #last: { block: number; bytes: Uint8Array } | undefined;
  #filter: IdFilter | undefined;
  #finds = 0;

  constructor({ blocks, count, section, read }: IndexIdsParts) {
    this.#blocks = blocks;
    this.#count = count;
    this.#section = section;
    this.#read = read;
  }

  all(): Uint8Array {
    const { at, bytes, crc } = this.#section;
    return this.#read(at, bytes, crc);
  }

  /** The first 8 bytes of its first id. */
  prefixOf(block: number): Uint8Array {
    const prefix = new DataView(new ArrayBuffer(8));
    prefix.setUint32(0, this.#word(block, 0));
    prefix.setUint32(4, this.#word(block, 1));
    return new Uint8Array(prefix.buffer);
  }

  find(traceId: Uint8Array): number {
    if (this.#isAbsent(traceId)) return -1;
    const block = this.#blockFor(traceId);
    if (block < 0) return -1;
    const ids = this.ofBlock(block);
    let low = 0;
    let high = ids.length / ID_BYTES - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const order = compareIds(ids, middle * ID_BYTES, traceId);
      if (order === 0) return block * BLOCK_TRACES + middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Side by side when there are many, since each block is then read anyway. */
  hasAny(traceIds: Uint8Array): boolean {
    const count = traceIds.length / ID_BYTES;
    if (count * BLOCK_TRACES < this.#count) {
      for (let i = 0; i < count; i++) {
        if (this.find(traceIds.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)) >= 0) return true;
      }
      return false;
    }
    let next = 0;
    for (let block = 0; block * BLOCK_TRACES < this.#count; block++) {
      const ids = this.ofBlock(block);
      for (let at = 0; at < ids.length && next < count;) {
        const wanted = traceIds.subarray(next * ID_BYTES, (next + 1) * ID_BYTES);
        const order = compareIds(ids, at, wanted);
        if (order === 0) return true;
        if (order < 0) at += ID_BYTES;
        else next++;
      }
    }
    return false;
  }

  /** Most look-ups are in vain, in one file after another: once that has been paid for often enough, a
   *  filter of all ids answers them. */
  #isAbsent(traceId: Uint8Array): boolean {
    if (this.#filter !== undefined) return !this.#filter.mayHave(traceId, 0);
    if (++this.#finds <= FINDS_WITHOUT_FILTER) return false;
    const ids = this.all();
    const filter = new IdFilter(this.#count);
    for (let at = 0; at < ids.length; at += ID_BYTES) filter.add(ids, at);
    this.#filter = filter;
    return !filter.mayHave(traceId, 0);
  }

  /** The last block whose first id is not greater. First ids are known by their first 8 bytes: when
   *  two blocks begin alike, the id itself decides. */
  #blockFor(traceId: Uint8Array): number {
    const high = wordAt(traceId, 0);
    const low = wordAt(traceId, 4);
    let from = 0;
    let to = this.#blocks.length / BLOCK_WORDS;
    while (from < to) {
      const middle = (from + to) >> 1;
      const firstHigh = this.#word(middle, 0);
      const firstLow = this.#word(middle, 1);
      const isAfter = firstHigh > high || (firstHigh === high && firstLow > low);
      if (isAfter) to = middle;
      else from = middle + 1;
    }
    let block = from - 1;
    while (block > 0 && compareIds(this.ofBlock(block), 0, traceId) > 0) block--;
    return block;
  }

  ofBlock(block: number): Uint8Array {
    if (this.#last?.block !== block) {
      const first = block * BLOCK_TRACES;
      const count = Math.min(BLOCK_TRACES, this.#count - first);
      const at = this.#section.at + first * ID_BYTES;
      this.#last = { block, bytes: this.#read(at, count * ID_BYTES, this.#word(block, 2)) };
    }
    return this.#last.bytes;
  }

  #word(block: number, word: number): number {
    return this.#blocks[block * BLOCK_WORDS + word] ?? 0;
  }
}

/** Four bytes, the first highest: ids compare as numbers then. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}

/** The id at `at` against another one: negative, 0 or positive. */
function compareIds(ids: Uint8Array, at: number, other: Uint8Array): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const order = (ids[at + i] ?? 0) - (other[i] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}
