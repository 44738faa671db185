import { expect, test } from 'vitest';
import { SeenSpans } from './seen-spans.ts';

const pairs = (count: number, salt: number) =>
  Array.from({ length: count }, (_, i) => {
    const high = Math.imul(i + salt, 0x9e3779b1) >>> 0;
    return [i % 50, high] as const;
  });

test('what was added is seen, also after growing and removing', () => {
  const seen = new SeenSpans({ windowMs: 1000, spansMax: 1_000_000 }, 0);
  const all = pairs(50_000, 1);
  for (const [low, high] of all) expect(seen.add(low, high)).toBe(false);
  expect(all.every(([low, high]) => seen.add(low, high))).toBe(true);
  const gone = all.filter((_, i) => i % 3 === 0);
  for (const [low, high] of gone) seen.remove(low, high);
  expect(all.filter(([low, high]) => !seen.add(low, high))).toEqual(gone);
});

test('a span is remembered for the window and forgotten after two', () => {
  const seen = new SeenSpans({ windowMs: 1000, spansMax: 100 }, 0);
  seen.add(1, 1);
  seen.rotate(999);
  seen.rotate(1500);
  expect(seen.add(1, 1)).toBe(true);
  seen.rotate(2600);
  expect(seen.add(1, 1)).toBe(false);
});

test('memory is bounded, whatever comes', () => {
  const seen = new SeenSpans({ windowMs: 1e9, spansMax: 1000 }, 0);
  for (const [i, [low, high]] of pairs(20_000, 7).entries()) {
    seen.add(low, high);
    if (i % 100 === 0) seen.rotate(0);
  }
  expect(seen.size).toBeLessThanOrEqual(2200);
});
