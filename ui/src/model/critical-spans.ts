/** The critical path by row, so that a row paints its own part, and a folded row the parts of all it
 *  hides. Rows are in pre-order, therefore what a row hides lies next to it here. */

import type { CriticalPath } from '../../../src/model/trace/critical-path.ts';

export interface CriticalSpans {
  /** Segments of row `r`: offsets[r] to offsets[r + 1]. */
  readonly offsets: Uint32Array;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

export function criticalByRow(path: CriticalPath, count: number): CriticalSpans {
  const offsets = new Uint32Array(count + 1);
  for (const row of path.rows) offsets[row + 1] = (offsets[row + 1] ?? 0) + 1;
  for (let row = 0; row < count; row++)
    offsets[row + 1] = (offsets[row + 1] ?? 0) + (offsets[row] ?? 0);
  const next = offsets.slice();
  const starts = new Float64Array(path.rows.length);
  const ends = new Float64Array(path.rows.length);
  path.rows.forEach((row, i) => {
    const at = next[row] ?? 0;
    starts[at] = path.starts[i] ?? 0;
    ends[at] = path.ends[i] ?? 0;
    next[row] = at + 1;
  });
  return { offsets, starts, ends };
}

/** Segments of the rows [from, to) as start, end, start, end…, ascending, touching ones joined. */
export function mergedSegments(spans: CriticalSpans, from: number, to: number): Float64Array {
  const first = spans.offsets[from] ?? 0;
  const last = spans.offsets[to] ?? first;
  const order = Uint32Array.from({ length: last - first }, (_, i) => first + i);
  order.sort((a, b) => (spans.starts[a] ?? 0) - (spans.starts[b] ?? 0));
  const merged = new Float64Array(order.length * 2);
  let at = 0;
  for (const i of order) {
    const start = spans.starts[i] ?? 0;
    const end = spans.ends[i] ?? 0;
    if (at > 0 && start <= (merged[at - 1] ?? 0))
      merged[at - 1] = Math.max(merged[at - 1] ?? 0, end);
    else {
      merged[at] = start;
      merged[at + 1] = end;
      at += 2;
    }
  }
  return merged.subarray(0, at);
}
