/** The LZ4 frame format (github.com/lz4/lz4, lz4_Frame_format.md): blocks with their sizes and
 *  checksums. Frames may follow each other; dictionaries are not known here. */
import { damaged, tooLarge } from './error.ts';
import { lz4BlockCompress, lz4BlockDecompress, type Target } from './lz4-block.ts';
import { xxhash32 } from './xxhash32.ts';

const MAGIC = 0x184d2204;
/** Sixteen magic numbers of frames to be passed over. */
const SKIPPABLE = 0x184d2a50;
const PLAIN_BLOCK = 0x80000000;
const BLOCK_BYTES_MAX = [0, 0, 0, 0, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22];
/** Version 1, independent blocks, checksum of the content. */
const FLAGS = 0b0110_0100;
/** Blocks of at most 1 MiB. */
const BLOCK_CODE = 6;

/** @throws CompressionError */
export function lz4FrameDecompress(bytes: Uint8Array, bytesMax: number): Uint8Array {
  const reader = new FrameReader(bytes, bytesMax);
  while (reader.frame()) {}
  return reader.finish();
}

interface FrameHead {
  readonly hasBlockChecksums: boolean;
  readonly hasChecksum: boolean;
  readonly blockBytesMax: number;
}

class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #bytesMax: number;
  #target: Target;
  #at = 0;

  constructor(bytes: Uint8Array, bytesMax: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#bytesMax = bytesMax;
    const guess = Math.min(bytes.length * 4, bytesMax);
    this.#target = { bytes: new Uint8Array(guess), at: 0 };
  }

  finish(): Uint8Array {
    return this.#target.bytes.subarray(0, this.#target.at);
  }

  /** False when there is none left. */
  frame(): boolean {
    if (this.#at === this.#bytes.length && this.#at > 0) return false;
    const magic = this.#word();
    if (magic >>> 4 === SKIPPABLE >>> 4) {
      const size = this.#word();
      this.#take(size);
      return true;
    }
    if (magic !== MAGIC) throw damaged('not an LZ4 frame');
    const head = this.#head();
    const start = this.#target.at;
    while (this.#block(head)) {}
    if (head.hasChecksum) this.#check(this.#target.bytes.subarray(start, this.#target.at));
    return true;
  }

  #head(): FrameHead {
    const start = this.#at;
    const [flags = 0, code = 0] = this.#take(2);
    if (flags >> 6 !== 1) throw damaged('another version of the LZ4 frame');
    if ((flags & 1) !== 0) throw damaged('LZ4 with a dictionary is not known here');
    if ((flags & 8) !== 0) this.#take(8);
    const described = this.#bytes.subarray(start, this.#at);
    const [checksum] = this.#take(1);
    if (((xxhash32(described) >>> 8) & 0xff) !== checksum) throw damaged('the head is damaged');
    const blockBytesMax = BLOCK_BYTES_MAX[(code >> 4) & 7]!;
    if (blockBytesMax === 0) throw damaged('the block size is none');
    return {
      hasBlockChecksums: (flags & 0x10) !== 0,
      hasChecksum: (flags & 4) !== 0,
      blockBytesMax,
    };
  }

  /** False at the mark that ends the frame. */
  #block({ blockBytesMax, hasBlockChecksums }: FrameHead): boolean {
    const announced = this.#word();
    if (announced === 0) return false;
    const isPlain = (announced & PLAIN_BLOCK) !== 0;
    const size = announced & ~PLAIN_BLOCK;
    if (size > blockBytesMax) throw damaged('a block is larger than its frame says');
    const block = this.#take(size);
    if (hasBlockChecksums) this.#check(block);
    this.#reserve(isPlain ? size : blockBytesMax);
    const target = this.#target;
    if (isPlain) {
      if (target.at + size > this.#bytesMax) throw tooLarge(this.#bytesMax);
      target.bytes.set(block, target.at);
      target.at += size;
    } else {
      const begin = target.at;
      lz4BlockDecompress(block, target);
      if (target.at - begin > blockBytesMax) throw damaged('a block is larger than its frame says');
    }
    if (target.at > this.#bytesMax) throw tooLarge(this.#bytesMax);
    return true;
  }

  /** Room for one more block: at most one block more than may come out. */
  #reserve(size: number): void {
    const { bytes, at } = this.#target;
    if (at + size <= bytes.length) return;
    const roomy = Math.min(Math.max(bytes.length * 2, at + size), this.#bytesMax + size);
    const larger = new Uint8Array(Math.max(roomy, at + size));
    larger.set(bytes.subarray(0, at));
    this.#target = { bytes: larger, at };
  }

  #check(content: Uint8Array): void {
    if (this.#word() !== xxhash32(content)) throw damaged('a checksum does not fit');
  }

  #word(): number {
    const at = this.#at;
    this.#take(4);
    return this.#view.getUint32(at, true);
  }

  #take(size: number): Uint8Array {
    if (this.#at + size > this.#bytes.length) throw damaged('the frame is cut short');
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

export function lz4FrameCompress(bytes: Uint8Array): Uint8Array {
  const described = Buffer.from([FLAGS, BLOCK_CODE << 4]);
  const checksum = Buffer.from([(xxhash32(described) >>> 8) & 0xff]);
  const parts: Uint8Array[] = [word(MAGIC), described, checksum];
  const step = BLOCK_BYTES_MAX[BLOCK_CODE]!;
  for (let at = 0; at < bytes.length; at += step) {
    const plain = bytes.subarray(at, at + step);
    const small = lz4BlockCompress(plain);
    parts.push(word(small === undefined ? plain.length + PLAIN_BLOCK : small.length));
    parts.push(small ?? plain);
  }
  parts.push(word(0), word(xxhash32(bytes)));
  return Buffer.concat(parts);
}

function word(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
