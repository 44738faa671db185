import { expect, test } from 'vitest';
import {
  addCounts,
  bucketMiddle,
  bucketOf,
  bucketStart,
  HISTOGRAM_ERROR,
  quantileOf,
  rankOf,
  ZERO_BUCKET,
} from './duration-histogram.ts';

/** mulberry32, seeded. */
function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

test('the middle of its bucket is within the stated error of every value', () => {
  const next = chance(1);
  const values = [1, 2 ** 32, 2 ** 52 - 1, 2 ** 63, 1e-300, 0.1];
  for (let i = 0; i < 20_000; i++) values.push(2 ** (next() * 100 - 30));
  for (const value of values) {
    const error = Math.abs(bucketMiddle(bucketOf(value)) - value) / value;
    expect(error, String(value)).toBeLessThanOrEqual(HISTOGRAM_ERROR);
  }
  expect(HISTOGRAM_ERROR).toBeLessThanOrEqual(0.02);
});

test('a value lies between the start of its bucket and that of the next', () => {
  for (let power = -10; power <= 63; power++) {
    for (const value of [2 ** power, 2 ** power * (1 - 2 ** -53), 2 ** power * (1 + 2 ** -52)]) {
      const bucket = bucketOf(value);
      expect(bucketStart(bucket), String(value)).toBeLessThanOrEqual(value);
      expect(bucketStart(bucket + 1), String(value)).toBeGreaterThan(value);
    }
  }
});

test('nothing, less than nothing and what is no number are in the bucket of zero', () => {
  for (const value of [0, -0, -1, NaN]) expect(bucketOf(value)).toBe(ZERO_BUCKET);
  expect(bucketMiddle(ZERO_BUCKET)).toBe(0);
  expect(bucketOf(Number.MIN_VALUE)).toBeGreaterThan(ZERO_BUCKET);
});

test('quantiles of merged histograms are within the stated error of those of the values', () => {
  const next = chance(2);
  for (let round = 0; round < 50; round++) {
    const values = Array.from({ length: 1 + Math.floor(next() * 400) }, () =>
      Math.floor(2 ** (next() * 40)),
    );
    const merged = new Map<number, number>();
    for (const part of [values.filter((_, i) => i % 3 === 0), values.filter((_, i) => i % 3 > 0)]) {
      const counts = new Map<number, number>();
      for (const value of part) addCounts(counts, new Map([[bucketOf(value), 1]]));
      addCounts(merged, counts);
    }
    const sorted = values.toSorted((a, b) => a - b);
    for (const quantile of [0, 0.5, 0.9, 0.99, 1]) {
      const exact = sorted[rankOf(quantile, values.length) - 1] ?? NaN;
      const found = quantileOf(merged, quantile) ?? NaN;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(HISTOGRAM_ERROR * exact);
    }
  }
});

test('a quantile is a rank: the least value that so many do not exceed', () => {
  expect([0, 0.5, 0.51, 0.07, 1].map((quantile) => rankOf(quantile, 100))).toEqual([
    1, 50, 51, 7, 100,
  ]);
  expect(quantileOf(new Map(), 0.5)).toBeUndefined();
  expect(quantileOf(new Map([[bucketOf(1000), 1]]), 0.5, { min: 1000, max: 1000 })).toBe(1000);
});
