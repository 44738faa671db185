import { expect, test } from 'vitest';
import { FairQueue } from './fair-queue.ts';

test('lanes take turns', () => {
  const queue = new FairQueue<string>(10);
  for (const item of ['a1', 'a2', 'a3', 'b1']) queue.add(item.charAt(0), item);
  expect([queue.next(), queue.next(), queue.next(), queue.next(), queue.next()]).toEqual([
    'a1',
    'b1',
    'a2',
    'a3',
    undefined,
  ]);
});

test('it is bounded, and what is put back comes first', () => {
  const queue = new FairQueue<string>(2);
  queue.add('a', 'a1');
  queue.add('b', 'b1');
  expect(queue.add('c', 'c1')).toBe(false);
  expect(queue.next()).toBe('a1');
  queue.putBack('b', 'b0');
  expect(queue.remove('b', 'b1')).toBe(true);
  expect(queue.remove('b', 'b1')).toBe(false);
  expect(queue.size).toBe(1);
  expect(queue.next()).toBe('b0');
});
