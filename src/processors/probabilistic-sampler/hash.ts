/** The older way to randomness: FNV-1a of a seed and an id, in 14 bits. As the Collector has it, bit
 *  for bit, so that tiers of both kinds keep the same traces. */
import type { Word56 } from './threshold.ts';

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x0100_0193;
const BUCKET_BITS = 14;
export const BUCKETS = 2 ** BUCKET_BITS;

/** The hash after the seed, which every id goes on from. */
export function seededHash(seed: number): number {
  return hashOn(OFFSET_BASIS, new Uint8Array(Uint32Array.of(seed).buffer), 0, 4);
}

/** Unsigned. */
// oxlint-disable-next-line max-params -- a range of a column, once a span
export function hashOn(from: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = from;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), PRIME);
  return hash >>> 0;
}

/** Kept are hashes whose bucket is below this. Computed in 32-bit floats, as the Collector does. */
export function keptBuckets(percentage: number): number {
  const capped = Math.fround(Math.min(percentage, 100));
  return Math.trunc(Math.fround(capped * Math.fround(BUCKETS / 100)));
}

export function bucketOf(hash: number): number {
  return hash & (BUCKETS - 1);
}

/** The hash as randomness that the samplers of the specification decide alike on: the bucket
 *  counted from the other end, then what else there is of the hash. */
export function hashRandomness(hash: number): Word56 {
  const bucket = bucketOf(hash);
  const rest = hash >>> (32 - BUCKET_BITS);
  const mixed = BigInt(rest) ^ (BigInt(rest) << 10n);
  const wide = (BigInt(BUCKETS - 1 - bucket) << 42n) | (mixed << 14n) | BigInt(bucket);
  return { high: Number(wide >> 32n), low: Number(wide & 0xffff_ffffn) };
}

/** The threshold of so many kept buckets. */
export function bucketThreshold(kept: number): Word56 {
  return { high: (BUCKETS - kept) * 2 ** (24 - BUCKET_BITS), low: 0 };
}
