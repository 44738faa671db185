/** The LZ4 block format (github.com/lz4/lz4, lz4_Block_format.md): runs of literals, each followed by
 *  a copy of what was written up to 64 KiB before. */
import { damaged } from './error.ts';
import { copyBack } from './snappy.ts';

const MATCH_MIN = 4;
/** The format ends with literals: at least the last five bytes, no copy in the last twelve. */
const LAST_LITERALS = 5;
const MARGIN = 12;
const OFFSET_MAX = 65_535;
const HASH_BITS = 14;

/** Where a block is written, with room for it. Copies may reach back to the start of `bytes`. */
export interface Target {
  readonly bytes: Uint8Array;
  at: number;
}

/** Writes the block's content at `target.at` and moves that on.
 *  @throws CompressionError when it is damaged or does not fit */
export function lz4BlockDecompress(block: Uint8Array, target: Target): void {
  new BlockReader(block, target).read();
}

class BlockReader {
  readonly #block: Uint8Array;
  readonly #target: Target;
  #from = 0;

  constructor(block: Uint8Array, target: Target) {
    this.#block = block;
    this.#target = target;
  }

  /** The last sequence has no copy. */
  read(): void {
    while (this.#from < this.#block.length) {
      const token = this.#block[this.#from++]!;
      this.#literals(this.#length(token >> 4));
      if (this.#from < this.#block.length) this.#copy(token & 15);
    }
  }

  #literals(size: number): void {
    const { bytes, at } = this.#target;
    const from = this.#from;
    const isInside = from + size <= this.#block.length && at + size <= bytes.length;
    if (!isInside) throw damaged('a run is too long');
    bytes.set(this.#block.subarray(from, from + size), at);
    this.#from += size;
    this.#target.at += size;
  }

  #copy(code: number): void {
    if (this.#from + 2 > this.#block.length) throw damaged('a copy is cut short');
    const offset = this.#block[this.#from]! | (this.#block[this.#from + 1]! << 8);
    this.#from += 2;
    const size = this.#length(code) + MATCH_MIN;
    const { bytes, at } = this.#target;
    const isInside = offset > 0 && offset <= at && at + size <= bytes.length;
    if (!isInside) throw damaged('a copy leads outside');
    copyBack(bytes, { to: at, offset, size });
    this.#target.at += size;
  }

  /** Four bits, and when these are full as many bytes as are. */
  #length(code: number): number {
    let size = code;
    for (let more = code === 15 ? 255 : 0; more === 255; size += more) {
      if (this.#from >= this.#block.length) throw damaged('a length is cut short');
      more = this.#block[this.#from++]!;
    }
    return size;
  }
}

/** The block, or undefined when it would not be smaller. */
export function lz4BlockCompress(bytes: Uint8Array): Uint8Array | undefined {
  const writer = new BlockWriter(bytes);
  return writer.write();
}

class BlockWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #out: Uint8Array;
  /** One more than where four bytes of this hash were seen last; 0 = not yet. */
  readonly #seen = new Int32Array(2 ** HASH_BITS);
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#out = new Uint8Array(bytes.length + Math.ceil(bytes.length / 255) + 16);
  }

  write(): Uint8Array | undefined {
    const end = this.#bytes.length;
    let written = 0;
    let from = 0;
    let misses = 64;
    while (from < end - MARGIN) {
      const word = this.#view.getUint32(from, true);
      const hash = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
      const candidate = this.#seen[hash]! - 1;
      this.#seen[hash] = from + 1;
      const isNear = candidate >= 0 && from - candidate <= OFFSET_MAX;
      if (!isNear || this.#view.getUint32(candidate, true) !== word) {
        from += misses++ >> 6;
        continue;
      }
      const size = this.#matchSize(candidate, from, end - LAST_LITERALS);
      this.#sequence({ start: written, end: from, offset: from - candidate, size });
      from += size;
      written = from;
      misses = 64;
    }
    this.#sequence({ start: written, end, offset: 0, size: MATCH_MIN });
    return this.#at < end ? this.#out.subarray(0, this.#at) : undefined;
  }

  #matchSize(candidate: number, from: number, end: number): number {
    let size = MATCH_MIN;
    while (from + size < end && this.#bytes[candidate + size] === this.#bytes[from + size]) {
      size += 1;
    }
    return size;
  }

  /** Literals and a copy; offset 0 = the literals alone, which end the block. */
  #sequence(part: { start: number; end: number; offset: number; size: number }): void {
    const { start, end, offset, size } = part;
    const literals = end - start;
    const copied = size - MATCH_MIN;
    this.#out[this.#at++] = (Math.min(literals, 15) << 4) | Math.min(copied, 15);
    this.#length(literals);
    this.#out.set(this.#bytes.subarray(start, end), this.#at);
    this.#at += literals;
    if (offset === 0) return;
    this.#out[this.#at++] = offset & 0xff;
    this.#out[this.#at++] = offset >> 8;
    this.#length(copied);
  }

  #length(size: number): void {
    if (size < 15) return;
    let left = size - 15;
    for (; left >= 255; left -= 255) this.#out[this.#at++] = 255;
    this.#out[this.#at++] = left;
  }
}
