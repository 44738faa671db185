/** One buffer for many columns: a batch has sixty, and a buffer of its own costs each more than its
 *  bytes do when spans are few. Columns begin at multiples of eight: those of ids and times may be
 *  read as 64-bit numbers.
 *  Hot: benchmark `bench/decode.ts`. */

/** What a column of so many bytes takes. */
export function arenaBytes(length: number): number {
  return (length + 7) & ~7;
}

export class Arena {
  readonly #buffer: ArrayBuffer;
  #at = 0;

  constructor(bytes: number) {
    // Not zero-filled: every byte but those between columns is written.
    // oxlint-disable-next-line typescript/consistent-type-assertions -- slow buffers own an ArrayBuffer
    this.#buffer = Buffer.allocUnsafeSlow(arenaBytes(bytes)).buffer as ArrayBuffer;
  }

  /** A copy of source[0, length). */
  u8(source: Uint8Array, length: number): Uint8Array {
    const out = new Uint8Array(this.#buffer, this.#at, length);
    out.set(source.length === length ? source : source.subarray(0, length));
    this.#at += arenaBytes(length);
    return out;
  }

  u32(source: Uint32Array, length: number): Uint32Array {
    const out = new Uint32Array(this.#buffer, this.#at, length);
    out.set(source.length === length ? source : source.subarray(0, length));
    this.#at += arenaBytes(length * 4);
    return out;
  }
}
