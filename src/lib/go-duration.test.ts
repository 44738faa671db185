import { expect, test } from 'vitest';
import { parseGoDuration } from './go-duration.ts';

test.each([
  ['0', 0n],
  ['1.2s', 1_200_000_000n],
  ['100ms', 100_000_000n],
  ['1h15m30.918273645s', 4_530_918_273_645n],
  ['-1.5h', -5_400_000_000_000n],
  ['.5us', 500n],
  ['3µs', 3_000n],
  ['0.9ns', 0n],
])('%s is %d ns', (text, nano) => {
  expect(parseGoDuration(text)).toBe(nano);
});

test.each(['', '5', 's', '1 s', '1d', '1s-2s', '.s', '1e3s', ' 1s'])('%j is none', (text) => {
  expect(parseGoDuration(text)).toBeUndefined();
});
