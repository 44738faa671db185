/** What the Collector's histograms of batch sizes count in. */

export const itemBuckets: readonly number[] = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000,
  20_000, 30_000, 50_000, 100_000,
];

/** 128 B to 16 MiB. */
export const byteBuckets: readonly number[] = Array.from(
  { length: 18 },
  (_, power) => 128 * 2 ** power,
);
