/** The critical path: the chain of work that decided when the trace ended. From a root's end, walk
 *  back: whoever of its children ended last (not after the cursor) was waited for; the time between
 *  that end and the cursor is the parent's own. n log n and iterative.
 *
 *  A consumer below a producer does not block it and is left out with its subtree. Children count
 *  only inside their parent. A child that ends exactly when the next begins is on the path, and so is
 *  one that ends a hair later: some SDKs tell the start of a span in whole milliseconds. */

import type { TimedTree } from './self-time.ts';

/** How far a child may end behind the start of the one after it: a tick of such a clock, but no more
 *  than a tenth of itself, so that short spans that overlap are not taken for a sequence. */
const OVERLAP_NANO_MAX = 1_000_000;
const OVERLAP_SHARE_MAX = 0.1;

const PRODUCER = 4;
const CONSUMER = 5;

/** Segment `i`: span at position rows[i] is on the path from starts[i] to ends[i]. Latest first. */
export interface CriticalPath {
  readonly rows: Uint32Array;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

export function criticalPath(tree: TimedTree & { readonly kinds: Uint8Array }): CriticalPath {
  const clipped = clip(tree);
  const children = childrenByEnd(tree.parents, clipped);
  const rows: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const emit = (row: number, start: number, end: number): void => {
    if (end <= start) return;
    rows.push(row);
    starts.push(start);
    ends.push(end);
  };
  for (let root = 0; root < tree.parents.length; root++) {
    if (tree.parents[root]! < 0) walkBack(root, clipped, children, emit);
  }
  return {
    rows: Uint32Array.from(rows),
    starts: Float64Array.from(starts),
    ends: Float64Array.from(ends),
  };
}

interface Clipped {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** 1 where the span cannot be on the path. */
  readonly isOut: Uint8Array;
}

function clip(tree: TimedTree & { readonly kinds: Uint8Array }): Clipped {
  const count = tree.parents.length;
  const starts = Float64Array.from(tree.starts);
  const ends = new Float64Array(count);
  const isOut = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    ends[i] = starts[i]! + Math.max(0, tree.durations[i]!);
    const parent = tree.parents[i]!;
    if (parent < 0) continue;
    const parentStart = starts[parent]!;
    const parentEnd = ends[parent]!;
    const isAsync = tree.kinds[i] === CONSUMER && tree.kinds[parent] === PRODUCER;
    const isOutside = starts[i]! > parentEnd || ends[i]! < parentStart;
    if (isAsync || isOutside || isOut[parent] === 1) isOut[i] = 1;
    starts[i] = Math.max(starts[i]!, parentStart);
    ends[i] = Math.min(ends[i]!, parentEnd);
  }
  return { starts, ends, isOut };
}

/** Children of position `p`: list[first[p]] to list[first[p + 1]], latest end first. */
function childrenByEnd(parents: Int32Array, { starts, ends, isOut }: Clipped) {
  const count = parents.length;
  const first = new Uint32Array(count + 1);
  const isChild = (i: number): boolean => parents[i]! >= 0 && isOut[i] === 0;
  for (let i = 0; i < count; i++) {
    const parent = parents[i]!;
    if (isChild(i)) first[parent + 1] = first[parent + 1]! + 1;
  }
  for (let i = 0; i < count; i++) first[i + 1] = first[i + 1]! + first[i]!;
  const order = Uint32Array.from({ length: count }, (_, i) => i).filter(isChild);
  order.sort((a, b) => ends[b]! - ends[a]! || starts[b]! - starts[a]! || b - a);
  const next = first.slice();
  const list = new Uint32Array(order.length);
  for (const i of order) {
    const parent = parents[i]!;
    const at = next[parent]!;
    list[at] = i;
    next[parent] = at + 1;
  }
  return { first, list, next: first.slice() };
}

function walkBack(
  root: number,
  { starts, ends }: Clipped,
  { first, list, next }: ReturnType<typeof childrenByEnd>,
  emit: (row: number, start: number, end: number) => void,
): void {
  const stack = [root];
  let cursor = ends[root]!;
  for (let row = stack.at(-1); row !== undefined; row = stack.at(-1)) {
    const last = first[row + 1]!;
    let at = next[row]!;
    while (at < last && !endsBefore(cursor, starts[list[at]!]!, ends[list[at]!]!)) at++;
    next[row] = at + 1;
    if (at < last) {
      const child = list[at]!;
      emit(row, ends[child]!, cursor);
      cursor = Math.min(cursor, ends[child]!);
      stack.push(child);
    } else {
      emit(row, starts[row]!, cursor);
      cursor = Math.min(cursor, starts[row]!);
      stack.pop();
    }
  }
}

function endsBefore(cursor: number, start: number, end: number): boolean {
  if (end <= cursor) return true;
  const overlapMax = Math.min(OVERLAP_NANO_MAX, (end - start) * OVERLAP_SHARE_MAX);
  return start < cursor && end - cursor <= overlapMax;
}
