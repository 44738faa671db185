/** The Snappy block format (github.com/google/snappy, format_description.txt): a length, then
 *  literals and copies of what was written before. The length stands first, so a bomb is known
 *  before a byte is decompressed. */
import { damaged, tooLarge } from './error.ts';

const LITERAL = 0;
const COPY_1 = 1;
const COPY_2 = 2;

/** Copies reach back over what fits in two bytes. */
const FRAGMENT_BYTES = 65_536;
const HASH_BITS = 14;
/** Too close to the end to be worth looking for a copy. */
const MARGIN = 15;

/** @throws CompressionError */
export function snappyDecompress(bytes: Uint8Array, bytesMax: number): Uint8Array {
  const { value: length, next } = lengthAt(bytes);
  if (length > bytesMax) throw tooLarge(bytesMax);
  return new SnappyReader(bytes, next, new Uint8Array(length)).read();
}

class SnappyReader {
  readonly #bytes: Uint8Array;
  readonly #out: Uint8Array;
  #from: number;
  #to = 0;

  constructor(bytes: Uint8Array, from: number, out: Uint8Array) {
    this.#bytes = bytes;
    this.#from = from;
    this.#out = out;
  }

  read(): Uint8Array {
    while (this.#from < this.#bytes.length) {
      const tag = this.#bytes[this.#from++]!;
      if ((tag & 3) === LITERAL) this.#literal(tag >> 2);
      else this.#copy(tag);
    }
    if (this.#to === this.#out.length) return this.#out;
    throw damaged(`${this.#to} bytes instead of the ${this.#out.length} announced`);
  }

  /** The length less one, or in how many bytes that stands. */
  #literal(code: number): void {
    const size = (code < 60 ? code : this.#number(code - 59)) + 1;
    const from = this.#from;
    const isInside = from + size <= this.#bytes.length && this.#to + size <= this.#out.length;
    if (!isInside) throw damaged('a literal is too long');
    this.#out.set(this.#bytes.subarray(from, from + size), this.#to);
    this.#from += size;
    this.#to += size;
  }

  #copy(tag: number): void {
    const isNear = (tag & 3) === COPY_1;
    const low = this.#number(isNear ? 1 : (tag & 3) === COPY_2 ? 2 : 4);
    const offset = isNear ? ((tag >> 5) << 8) | low : low;
    const size = isNear ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const isInside = offset > 0 && offset <= this.#to && this.#to + size <= this.#out.length;
    if (!isInside) throw damaged('a copy leads outside');
    copyBack(this.#out, { to: this.#to, offset, size });
    this.#to += size;
  }

  /** Of so many bytes, the lowest first. */
  #number(width: number): number {
    if (this.#from + width > this.#bytes.length) throw damaged('it is cut short');
    let value = 0;
    for (let i = width - 1; i >= 0; i -= 1) value = value * 256 + this.#bytes[this.#from + i]!;
    this.#from += width;
    return value;
  }
}

/** Copies what lies `offset` before `to`; the two may overlap, which repeats. */
export function copyBack(
  out: Uint8Array,
  { to, offset, size }: { readonly to: number; readonly offset: number; readonly size: number },
): void {
  if (offset >= size) out.copyWithin(to, to - offset, to - offset + size);
  else for (let i = to; i < to + size; i += 1) out[i] = out[i - offset]!;
}

function lengthAt(bytes: Uint8Array): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = 0; at < 5 && at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80 && value < 2 ** 32) return { value, next: at + 1 };
  }
  throw damaged('the length is none');
}

/** The most bytes that so many become. */
const grown = (length: number): number => 32 + length + Math.ceil(length / 6);

export function snappyCompress(bytes: Uint8Array): Uint8Array {
  const writer = new SnappyWriter(bytes);
  for (let start = 0; start < bytes.length; start += FRAGMENT_BYTES) {
    writer.fragment(start, Math.min(start + FRAGMENT_BYTES, bytes.length));
  }
  return writer.finish();
}

class SnappyWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #out: Uint8Array;
  /** Where four bytes of this hash were seen last, from the fragment's start. */
  readonly #seen = new Uint16Array(2 ** HASH_BITS);
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#out = new Uint8Array(grown(bytes.length));
    let length = bytes.length;
    for (; length >= 0x80; length = Math.floor(length / 128)) {
      this.#out[this.#at++] = (length & 0x7f) | 0x80;
    }
    this.#out[this.#at++] = length;
  }

  fragment(start: number, end: number): void {
    this.#seen.fill(0);
    let written = start;
    let from = start + 1;
    let misses = 32;
    while (from < end - MARGIN) {
      const word = this.#view.getUint32(from, true);
      const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
      const candidate = start + this.#seen[hash]!;
      this.#seen[hash] = from - start;
      if (candidate >= from || this.#view.getUint32(candidate, true) !== word) {
        // Bytes that do not shrink are passed over ever faster.
        from += misses++ >> 5;
        continue;
      }
      this.#literal(written, from);
      const size = this.#matchSize(candidate, from, end);
      this.#copy(from - candidate, size);
      from += size;
      written = from;
      misses = 32;
    }
    this.#literal(written, end);
  }

  finish(): Uint8Array {
    return this.#out.subarray(0, this.#at);
  }

  #matchSize(candidate: number, from: number, end: number): number {
    let size = 4;
    while (from + size < end && this.#bytes[candidate + size] === this.#bytes[from + size]) {
      size += 1;
    }
    return size;
  }

  #literal(start: number, end: number): void {
    const size = end - start;
    if (size === 0) return;
    const last = size - 1;
    if (last < 60) this.#out[this.#at++] = last << 2;
    else {
      const width = last < 256 ? 1 : 2;
      this.#out[this.#at++] = (59 + width) << 2;
      this.#out[this.#at++] = last & 0xff;
      if (width === 2) this.#out[this.#at++] = last >> 8;
    }
    this.#out.set(this.#bytes.subarray(start, end), this.#at);
    this.#at += size;
  }

  /** Pieces of at most 64 bytes, none shorter than four. */
  #copy(offset: number, size: number): void {
    let left = size;
    for (; left >= 68; left -= 64) this.#copy2(offset, 64);
    if (left > 64) {
      this.#copy2(offset, 60);
      left -= 60;
    }
    if (left >= 12 || offset >= 2048) this.#copy2(offset, left);
    else {
      this.#out[this.#at++] = COPY_1 | ((left - 4) << 2) | ((offset >> 8) << 5);
      this.#out[this.#at++] = offset & 0xff;
    }
  }

  #copy2(offset: number, size: number): void {
    this.#out[this.#at++] = COPY_2 | ((size - 1) << 2);
    this.#out[this.#at++] = offset & 0xff;
    this.#out[this.#at++] = offset >> 8;
  }
}
