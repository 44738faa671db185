import { expect, test } from 'vitest';

import { customers, fastestMinutes, nearestDrivers } from './city.ts';
import { messages } from './page/messages.js';

test('the fastest way is no longer than any detour, and the same both ways', () => {
  const [a, b, c] = [
    { x: 1, y: 2 },
    { x: 30, y: 33 },
    { x: 12, y: 39 },
  ] as const;
  expect(fastestMinutes(a, a)).toBe(0);
  expect(fastestMinutes(a, b)).toBeCloseTo(fastestMinutes(b, a), 9);
  expect(fastestMinutes(a, b)).toBeLessThanOrEqual(
    fastestMinutes(a, c) + fastestMinutes(c, b) + 1e-9,
  );
});

test('the nearest drivers are ten different ones, nearest first', () => {
  for (const { place } of customers) {
    const near = nearestDrivers(place, 10).map((driver) => ({
      id: driver.id,
      far: Math.hypot(driver.place.x - place.x, driver.place.y - place.y),
    }));
    expect(new Set(near.map(({ id }) => id)).size).toBe(10);
    expect(near).toEqual(near.toSorted((a, b) => a.far - b.far));
  }
});

test('the page says everything in both languages', () => {
  expect(Object.keys(messages.ko)).toEqual(Object.keys(messages.en));
});
