import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { niceTicks } from './ticks.ts';

test('ticks are round', () => {
  expect(niceTicks(0, 713e6, 7)).toEqual([0, 2e8, 4e8, 6e8]);
  expect(niceTicks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
  expect(niceTicks(0, 300e9, 5)).toEqual([0, 60e9, 120e9, 180e9, 240e9, 300e9]);
});

test('ticks lie inside, ascend, and are about as many as wanted', () => {
  const range = fc.tuple(
    fc.double({ min: 0, max: 1e15, noNaN: true }),
    fc.double({ min: 1, max: 1e15, noNaN: true }),
  );
  fc.assert(
    fc.property(range, ([from, width]) => {
      const ticks = niceTicks(from, from + width, 6);
      expect(ticks.length).toBeLessThanOrEqual(8);
      for (const tick of ticks) {
        expect(tick).toBeGreaterThanOrEqual(from - width * 1e-6 - 1);
        expect(tick).toBeLessThanOrEqual(from + width * (1 + 1e-6) + 1);
      }
      expect(ticks).toEqual(ticks.toSorted((a, b) => a - b));
    }),
  );
});

test('an empty range has none', () => {
  expect(niceTicks(5, 5, 6)).toEqual([]);
});
