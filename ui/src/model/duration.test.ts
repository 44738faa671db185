import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

test.each([
  [0, '0'],
  [1, '1 ns'],
  [999.6, '1 µs'],
  [1234, '1.23 µs'],
  [999_600, '1 ms'],
  [713_000_000, '713 ms'],
  [1_500_000_000, '1.5 s'],
  [59_990_000_000, '1 min'],
  [90_000_000_000, '1.5 min'],
  [3_600_000_000_000, '1 h'],
  [-2_000_000, '-2 ms'],
])('%d ns reads %s', (nano, text) => {
  expect(formatDuration(nano)).toBe(text);
});

test.each([
  ['1.5s', 1.5e9],
  ['300ms', 3e8],
  ['1m30s', 90e9],
  ['2 min', 120e9],
  ['10µs', 1e4],
  ['10us', 1e4],
  ['5', undefined],
  ['s', undefined],
  ['', undefined],
  ['-1s', undefined],
])('%s is parsed', (text, nano) => {
  expect(parseDuration(text)).toBe(nano);
});
