/** FNV-1a with 64 bits (Fowler, Noll, Vo), the Collector's hash for sampling decisions, so that a
 *  trace kept there is kept here. */

const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

export function fnv1a64(bytes: Uint8Array, from: bigint = OFFSET): bigint {
  let hash = from;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  return hash;
}
