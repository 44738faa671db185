/** How values spread, in buckets that grow with the value: every power of two is cut into 32 equal
 *  parts, so a bucket is at most 1/32 as wide as its values are large, and its middle is within
 *  1.6 % of each of them. Which bucket a number is in is the exponent and the first five bits of
 *  its double: exact, without a logarithm, and the same wherever it is computed. Histograms merge by
 *  adding counts; no bounds are set beforehand. */

/** The most by which a value differs from the middle of its bucket, as a part of the value. */
export const HISTOGRAM_ERROR = 1 / 64;

/** Parts of a power of two, as bits. */
const PART_BITS = 5;
const PARTS = 2 ** PART_BITS;
const MANTISSA_BITS_HIGH = 20;
const BIAS = 1023 * PARTS;

/** The bucket of zero: below those of all positive numbers. Negative numbers count as zero: a
 *  duration below it is a clock's mistake. */
export const ZERO_BUCKET = -BIAS - 1;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
// Which of the two words has the exponent is the machine's choice.
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** From 0 for 1 upwards, 32 buckets a doubling; negative below 1. */
export function bucketOf(value: number): number {
  if (!(value > 0)) return ZERO_BUCKET;
  double[0] = value;
  return ((words[HIGH] ?? 0) >>> (MANTISSA_BITS_HIGH - PART_BITS)) - BIAS;
}

/** The least value of a bucket; the next bucket begins where it ends. */
export function bucketStart(bucket: number): number {
  if (bucket <= ZERO_BUCKET) return 0;
  const exponent = Math.floor(bucket / PARTS);
  return 2 ** exponent * (1 + (bucket - exponent * PARTS) / PARTS);
}

/** What a value of the bucket is taken for. */
export function bucketMiddle(bucket: number): number {
  if (bucket <= ZERO_BUCKET) return 0;
  return (bucketStart(bucket) + bucketStart(bucket + 1)) / 2;
}

/** Counts by bucket, sparse. */
export type Histogram = ReadonlyMap<number, number>;

export function addCounts(to: Map<number, number>, counts: Histogram): void {
  for (const [bucket, count] of counts) to.set(bucket, (to.get(bucket) ?? 0) + count);
}

/** The least value that at least `quantile` of all values do not exceed, within HISTOGRAM_ERROR;
 *  undefined when there are none. `range`: the least and greatest value, which bound the answer. */
export function quantileOf(
  counts: Histogram,
  quantile: number,
  range: { readonly min: number; readonly max: number } = { min: 0, max: Infinity },
): number | undefined {
  const buckets = [...counts].toSorted(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return undefined;
  const rank = rankOf(quantile, total);
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= rank) return Math.min(Math.max(bucketMiddle(bucket), range.min), range.max);
  }
  return undefined;
}

/** Which of `total` values in ascending order, counted from 1, a quantile is. */
export function rankOf(quantile: number, total: number): number {
  // A quantile such as 0.07 times 100 is 7.000000000000001, and still the seventh.
  return Math.min(Math.max(Math.ceil(quantile * total - 1e-9 * total), 1), total);
}
