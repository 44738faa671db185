/** Times are unsigned 64-bit nanoseconds since 1970, held as two 32-bit words (low, high) so that
 *  no BigInt is made on a hot path. A bigint appears only at the edges. */

const WORD = 0x1_0000_0000;

/** The words as a bigint, exact. */
export function bigNanoFromWords(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Writes a bigint (taken modulo 2^64) as two words at `index` and `index + 1`. */
export function writeWords(words: Uint32Array, index: number, value: bigint): void {
  words[index] = Number(value & 0xffff_ffffn);
  words[index + 1] = Number((value >> 32n) & 0xffff_ffffn);
}

/** end - start of two word pairs as a double; negative when end is before start. */
export function durationFromWords(start: Uint32Array, end: Uint32Array, row: number): number {
  const low = row * 2;
  const high = low + 1;
  return ((end[high] ?? 0) - (start[high] ?? 0)) * WORD + ((end[low] ?? 0) - (start[low] ?? 0));
}
