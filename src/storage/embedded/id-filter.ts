/** A Bloom filter of trace ids, in memory: who is not in it need not be looked for. 12 bits an id,
 *  all probes of an id in one block of 64 bytes; about one of three hundred is taken to be there and
 *  is not. Ids that somebody chose to collide make it blunt, which costs time and no answer. */

import { TRACE_ID_BYTES } from '../../model/ids.ts';
import { hashOfValue } from './value-filter.ts';

const BITS_PER_ID = 12;
const BLOCK_WORDS = 16;
const BLOCK_BITS = BLOCK_WORDS * 32;
const PROBES = 6;

export class IdFilter {
  /** With more ids it is less sure. */
  readonly capacity: number;
  readonly #words: Uint32Array;
  readonly #blocks: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#blocks = Math.max(1, Math.ceil((capacity * BITS_PER_ID) / BLOCK_BITS));
    this.#words = new Uint32Array(this.#blocks * BLOCK_WORDS);
  }

  /** The 16 bytes at `at`. True when they may have been there before. */
  add(ids: Uint8Array, at: number): boolean {
    const hash = hashOfValue(ids, at, at + TRACE_ID_BYTES);
    const block = this.#blockOf(hash) * BLOCK_WORDS;
    let isThere = true;
    let bit = remixed(hash);
    const step = (bit >>> 9) | 1;
    for (let i = 0; i < PROBES; i++, bit = (bit + step) | 0) {
      const word = block + ((bit & (BLOCK_BITS - 1)) >>> 5);
      const known = this.#words[word] ?? 0;
      const mask = 1 << (bit & 31);
      if ((known & mask) === 0) {
        isThere = false;
        this.#words[word] = known | mask;
      }
    }
    return isThere;
  }

  mayHave(ids: Uint8Array, at: number): boolean {
    const hash = hashOfValue(ids, at, at + TRACE_ID_BYTES);
    const block = this.#blockOf(hash) * BLOCK_WORDS;
    let bit = remixed(hash);
    const step = (bit >>> 9) | 1;
    for (let i = 0; i < PROBES; i++, bit = (bit + step) | 0) {
      const word = this.#words[block + ((bit & (BLOCK_BITS - 1)) >>> 5)] ?? 0;
      if ((word & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  #blockOf(hash: number): number {
    return Math.floor(((hash >>> 0) / 2 ** 32) * this.#blocks);
  }
}

function remixed(hash: number): number {
  const mixed = Math.imul(hash ^ 0x5bd1e995, 0xc2b2ae35);
  return mixed ^ (mixed >>> 15);
}
