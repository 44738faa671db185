/** Sets of flush numbers as ranges: which flushes a rollup has counted. */

import type { FlushRange } from './day-file.ts';

/** All of `range` is in one of them. */
export function hasRange(ranges: readonly FlushRange[], [from, to]: FlushRange): boolean {
  return ranges.some(([first, last]) => first <= from && to <= last);
}

/** Ascending, ranges that touch as one. */
export function withRange(ranges: readonly FlushRange[], added: FlushRange): FlushRange[] {
  const joined: [number, number][] = [];
  for (const [from, to] of [...ranges, added].toSorted(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}
