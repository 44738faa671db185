import { expect, test } from 'vitest';
import { scrollMap } from './scroll-map.ts';

test('a pixel is a pixel up to the height that browsers can make', () => {
  const map = scrollMap(100_000, 26, 800);
  expect(map.contentHeight).toBe(2_600_000);
  expect(map.toOffset(1234)).toBe(1234);
});

test('beyond it the ends still meet the ends', () => {
  const map = scrollMap(1_000_000, 26, 800);
  expect(map.contentHeight).toBeLessThan(17_000_000);
  expect(map.toOffset(0)).toBe(0);
  expect(map.toOffset(map.contentHeight - 800)).toBeCloseTo(26_000_000 - 800, 3);
  expect(map.toOffset(map.toScrollTop(13_000_000))).toBeCloseTo(13_000_000, 3);
});

test('fewer rows than the view do not scroll', () => {
  expect(scrollMap(3, 26, 800).toOffset(50)).toBe(0);
});
