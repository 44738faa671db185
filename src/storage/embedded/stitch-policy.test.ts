import { expect, test } from 'vitest';
import type { DataFile } from './manifest.ts';
import { nextStitch } from './stitch-policy.ts';

const LIMITS = { rowGroups: 4, nowMs: 0 };

function flush(number: number, changes: Partial<DataFile> = {}): DataFile {
  return {
    path: `${number}`,
    kind: 'flush',
    from: number,
    to: number,
    rows: 1,
    rowGroups: 1,
    bytes: 1000,
    minStartNano: 0n,
    maxStartNano: 0n,
    walTo: number,
    columns: [],
    ...changes,
  };
}

const numbers = (files: readonly DataFile[]) => nextStitch(files, LIMITS).map(({ from }) => from);

test('as many as make a segment, when they follow each other', () => {
  expect(numbers([1, 2, 3].map((n) => flush(n)))).toEqual([]);
  expect(numbers([1, 2, 3, 4, 5].map((n) => flush(n)))).toEqual([1, 2, 3, 4]);
  expect(numbers([1, 3, 4].map((n) => flush(n)))).toEqual([]);
  expect(numbers([1, 2, 4].map((n) => flush(n)))).toEqual([1, 2]);
});

test('fewer when they would be more bytes than can be read at once', () => {
  const large = [1, 2, 3, 4].map((n) => flush(n, { bytes: 400 * 2 ** 20 }));
  expect(numbers(large)).toEqual([1, 2]);
  const larger = [1, 2, 3, 4].map((n) => flush(n, { bytes: 700 * 2 ** 20 }));
  expect(numbers(larger)).toEqual([]);
});
