/** Which values a row group does not have: a Bloom filter over the texts in its string columns, so
 *  that a search for a value reads only the row groups where it may be. False positives cost time,
 *  false negatives there are none. All probes of a value fall into one block of 64 bytes.
 *
 *  A record is the filter of one row group; those of a file follow each other in a section of its
 *  index (docs/formats/index.md):
 *    words: bytes of the record · probes
 *    blocks of 64 bytes */

const HEADER_BYTES = 8;
const BLOCK_BYTES = 64;
const BLOCK_BITS = BLOCK_BYTES * 8;
/** Two of a hundred are taken to be there and are not. */
const BITS_PER_VALUE = 8;
/** More distinct values than these bits serve well make it less sure, not larger. */
const BLOCKS_MAX = 320;
const PROBES_MAX = 5;

/** Of UTF-8. Nobody gains by making values collide: they are searched in vain, and that is all. */
export function hashOfValue(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let hash = 0x9747b28c ^ (end - start);
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const word =
      (bytes[i] ?? 0) |
      ((bytes[i + 1] ?? 0) << 8) |
      ((bytes[i + 2] ?? 0) << 16) |
      ((bytes[i + 3] ?? 0) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x85ebca6b);
  return mixed(hash);
}

const encoder = new TextEncoder();

export function hashOfText(text: string): number {
  return hashOfValue(encoder.encode(text));
}

/** Of a value in a column. */
export function hashOfPair(column: number, value: number): number {
  return mixed(value ^ Math.imul(column, 0x27d4eb2f));
}

const DOT = 0x2e;

/** Addresses are in no filter: a system that writes them has nearly as many as spans, they would
 *  blunt it for all other values, and their columns are small. */
export function isIpv4Bytes(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < 7 || length > 15) return false;
  let dots = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === DOT) dots++;
    else if (byte < 0x30 || byte > 0x39) return false;
  }
  return dots === 3;
}

export function isIpv4(text: string): boolean {
  const bytes = encoder.encode(text);
  return isIpv4Bytes(bytes, 0, bytes.length);
}

/** `hashes`: the first `count` are of pairs, each of them once or more often. */
export function writeValueFilter(hashes: Uint32Array, count: number): Uint8Array {
  const wanted = Math.ceil((count * BITS_PER_VALUE) / BLOCK_BITS);
  const blocks = Math.min(BLOCKS_MAX, Math.max(1, wanted));
  const bitsEach = (blocks * BLOCK_BITS) / Math.max(1, count);
  const probes = Math.min(PROBES_MAX, Math.max(1, Math.round(bitsEach * Math.LN2)));
  const record = new Uint8Array(HEADER_BYTES + blocks * BLOCK_BYTES);
  const words = new Uint32Array(record.buffer);
  words[0] = record.length;
  words[1] = probes;
  for (let i = 0; i < count; i++) {
    const hash = hashes[i] ?? 0;
    const at = HEADER_BYTES + blockOf(hash, blocks) * BLOCK_BYTES;
    let bit = mixed(hash + 0x9e3779b9);
    const step = (bit >>> 9) | 1;
    for (let probe = 0; probe < probes; probe++) {
      const in512 = bit & (BLOCK_BITS - 1);
      record[at + (in512 >>> 3)] = (record[at + (in512 >>> 3)] ?? 0) | (1 << (in512 & 7));
      bit = (bit + step) | 0;
    }
  }
  return record;
}

/** The filters of a file, one for each row group. Throws RangeError when the bytes are none. */
export class ValueFilters {
  readonly #section: Uint8Array;
  readonly #view: DataView;
  /** Where each record begins. */
  readonly #at: number[] = [];

  constructor(section: Uint8Array) {
    this.#section = section;
    this.#view = new DataView(section.buffer, section.byteOffset, section.byteLength);
    for (let at = 0; at < section.length; at += this.#view.getUint32(at, true)) {
      const bytes = at + HEADER_BYTES <= section.length ? this.#view.getUint32(at, true) : 0;
      if (bytes < HEADER_BYTES + BLOCK_BYTES || at + bytes > section.length) {
        throw new RangeError('values: cut short');
      }
      this.#at.push(at);
    }
  }

  get rowGroups(): number {
    return this.#at.length;
  }

  /** One for each row group. */
  get records(): Uint8Array[] {
    return this.#at.map((at, i) => this.#section.subarray(at, this.#at[i + 1]));
  }

  /** False when no row of the row group has the value in that column. */
  mayHave(rowGroup: number, hash: number): boolean {
    const start = this.#at[rowGroup] ?? 0;
    const view = this.#view;
    const blocks = Math.floor((view.getUint32(start, true) - HEADER_BYTES) / BLOCK_BYTES);
    const at = start + HEADER_BYTES + blockOf(hash, blocks) * BLOCK_BYTES;
    let bit = mixed(hash + 0x9e3779b9);
    const step = (bit >>> 9) | 1;
    for (let probe = view.getUint32(start + 4, true); probe > 0; probe--) {
      const in512 = bit & (BLOCK_BITS - 1);
      const byte = this.#section[at + (in512 >>> 3)] ?? 0;
      if ((byte & (1 << (in512 & 7))) === 0) return false;
      bit = (bit + step) | 0;
    }
    return true;
  }
}

function blockOf(hash: number, blocks: number): number {
  return Math.floor(((hash >>> 0) / 0x1_0000_0000) * blocks);
}

/** Every bit of the input moves every bit of the output (murmur3's last step). */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
