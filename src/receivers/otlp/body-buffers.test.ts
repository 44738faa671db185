import { expect, test } from 'vitest';
import { BodyBuffers } from './body-buffers.ts';

test('a buffer given back serves the next body of about its size, and no two at a time', () => {
  const buffers = new BodyBuffers();
  const first = buffers.take(20_000);
  const second = buffers.take(20_000);
  expect(second).not.toBe(first);
  buffers.give(first);
  expect(buffers.take(200_000)).not.toBe(first);
  expect(buffers.take(32_768)).toBe(first);
  expect(buffers.take(32_768)).not.toBe(first);
});

test('a buffer is as long as asked for, whatever that is', () => {
  const buffers = new BodyBuffers();
  for (const length of [0, 1, 16_384, 16_385, 1_000_000, 1_048_577, 9_000_000]) {
    expect(buffers.take(length).length).toBeGreaterThanOrEqual(length);
  }
});

test('no more than some megabytes are kept, and no large one', () => {
  const buffers = new BodyBuffers();
  buffers.give(buffers.take(3_000_000));
  expect(buffers.keptBytes).toBe(0);
  const many = Array.from({ length: 50 }, () => buffers.take(1_000_000));
  for (const each of many) buffers.give(each);
  expect(buffers.keptBytes).toBe(4 * 1024 * 1024);
});
