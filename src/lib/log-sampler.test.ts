import { expect, test } from 'vitest';
import { LogSampler } from './log-sampler.ts';

test('the first of a stretch and every so many-th after are written', () => {
  let now = 0;
  const sampler = new LogSampler({ tickMs: 10, initial: 2, thereafter: 3 }, () => now);
  const written = () => Array.from({ length: 9 }, () => Number(sampler.isWritten(30, 'full')));
  expect(written().join('')).toBe('110010010');
  expect(sampler.isWritten(40, 'full')).toBe(true);
  expect(sampler.isWritten(30, 'empty')).toBe(true);
  now = 10;
  expect(written().join('')).toBe('110010010');
});

test('thereafter 0 writes no more', () => {
  const sampler = new LogSampler({ tickMs: 10, initial: 1, thereafter: 0 }, () => 0);
  expect([1, 2, 3].map(() => sampler.isWritten(30, 'x'))).toEqual([true, false, false]);
});
