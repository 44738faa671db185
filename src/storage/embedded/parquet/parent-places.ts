/** Parents as places. A parent's id is 8 random bytes that no compression shrinks, yet it repeats the
 *  id of a row that nearly always lies in the same row group. So a row says how many places before
 *  itself its parent stands among the rows of its trace in the row group, these in the order of
 *  start and, where that is equal, of position. That number is mostly 1 to 3: an eighth of the bytes.
 *  Negative is behind, 0 is the row itself. A parent that is elsewhere keeps its id. */

/** Rows in the order of a row group. */
interface PlacedRows {
  readonly count: number;
  /** Which trace each row is of, numbered from 0. */
  readonly traceOf: ArrayLike<number>;
  readonly traces: number;
  /** Two words a row, the low one first. */
  readonly starts: Uint32Array;
}

/** The rows of each trace in their order, trace after trace. */
class Places {
  readonly rows: Uint32Array;
  /** Where each row stands in `rows`. */
  readonly placeOf: Uint32Array;
  /** rows[starts[t], starts[t + 1]) are those of trace t. */
  readonly starts: Uint32Array;

  constructor({ count, traceOf, traces, starts }: PlacedRows) {
    const firsts = new Uint32Array(traces + 1);
    for (let row = 0; row < count; row++) firsts[traceOf[row]! + 1]!++;
    for (let i = 1; i <= traces; i++) firsts[i]! += firsts[i - 1]!;
    const at = firsts.slice();
    const rows = new Uint32Array(count);
    for (let row = 0; row < count; row++) rows[at[traceOf[row]!]!++] = row;
    for (let i = 0; i < traces; i++) {
      if (firsts[i + 1]! - firsts[i]! > 1) sortByStart(rows, firsts[i]!, firsts[i + 1]!, starts);
    }
    const placeOf = new Uint32Array(count);
    for (let i = 0; i < count; i++) placeOf[rows[i]!] = i;
    this.rows = rows;
    this.placeOf = placeOf;
    this.starts = firsts;
  }
}

/** Few rows are put in by hand, which costs less than to call a comparison for each pair. */
const FEW = 24;

// oxlint-disable-next-line max-params -- a range of an array, thousands of times a row group
function sortByStart(rows: Uint32Array, from: number, to: number, starts: Uint32Array): void {
  if (to - from > FEW) {
    rows.subarray(from, to).sort((a, b) => (isBefore(starts, a, b) ? -1 : 1));
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const row = rows[i]!;
    let at = i;
    while (at > from && isBefore(starts, row, rows[at - 1]!)) {
      rows[at] = rows[at - 1]!;
      at--;
    }
    rows[at] = row;
  }
}

function isBefore(starts: Uint32Array, a: number, b: number): boolean {
  const highA = starts[a * 2 + 1]!;
  const highB = starts[b * 2 + 1]!;
  if (highA !== highB) return highA < highB;
  const lowA = starts[a * 2]!;
  const lowB = starts[b * 2]!;
  return lowA < lowB || (lowA === lowB && a < b);
}

/** What stands in `places` where the parent is in no row. */
export const ELSEWHERE = -0x8000_0000;

/** For each row the place of its parent, ELSEWHERE where `parentOf` gives no row (-1). */
export function placeParents(rows: PlacedRows, parentOf: (row: number) => number): Int32Array {
  const { placeOf } = new Places(rows);
  const places = new Int32Array(rows.count);
  for (let row = 0; row < rows.count; row++) {
    const parent = parentOf(row);
    places[row] = parent < 0 ? ELSEWHERE : placeOf[row]! - placeOf[parent]!;
  }
  return places;
}

/** The row of each row's parent, -1 where it has no place. `rows` may be some of a row group's: all
 *  of a trace's or none. Throws RangeError when a place is in no row of the trace. */
export function parentRows(
  rows: PlacedRows,
  placeAt: (row: number) => number | undefined,
): Int32Array {
  const { rows: inOrder, placeOf, starts } = new Places(rows);
  const parents = new Int32Array(rows.count).fill(-1);
  for (let row = 0; row < rows.count; row++) {
    const place = placeAt(row);
    if (place === undefined) continue;
    const trace = rows.traceOf[row]!;
    const at = placeOf[row]! - place;
    if (at < starts[trace]! || at >= starts[trace + 1]!) {
      throw new RangeError(`the parent of row ${row} is in no row of its trace`);
    }
    parents[row] = inOrder[at]!;
  }
  return parents;
}
