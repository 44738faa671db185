/** The order rows are written in: by service, span name, kind and resource, then by start, forth in
 *  one run of like rows and back in the next. Spans of one kind have the same attributes and much
 *  the same values, so presence and codes become runs: a tenth of the file, and faster filters by
 *  service. A trace's rows lie apart within a row group, which costs a look-up little: it reads whole
 *  columns either way. Hot: `bench/row-group.ts`. */

import type { RowCollector } from './rows.ts';

export interface RowOrder {
  /** Row at each position. */
  readonly rows: Uint32Array;
  /** Position of each row. */
  readonly positions: Uint32Array;
  /** Rows by start alone. */
  readonly byStart: Uint32Array;
}

const WORD = 0x1_0000_0000;

export function orderRows(collector: RowCollector): RowOrder {
  const { count } = collector;
  const byStart = sortByStart(collector.dense.startNano, count);
  const shapes = numberShapes(collector);
  // A stable counting sort by shape keeps the order by start within each.
  const at = new Uint32Array(shapes.ranks.length + 1);
  for (let row = 0; row < count; row++) at[shapes.ranks[shapes.ofRow[row]!]! + 1]!++;
  for (let i = 1; i < at.length; i++) at[i]! += at[i - 1]!;
  const rows = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const row = byStart[i]!;
    rows[at[shapes.ranks[shapes.ofRow[row]!]!]!++] = row;
  }
  turnEveryOther(rows, at);
  const positions = new Uint32Array(count);
  for (let i = 0; i < count; i++) positions[rows[i]!] = i;
  return { rows, positions, byStart };
}

/** Runs end where the next one begins, in time too: a jump back to the first start would widen the
 *  deltas of all starts near to it. `ends` of each run. */
function turnEveryOther(rows: Uint32Array, ends: Uint32Array): void {
  for (let run = 1; run < ends.length - 1; run += 2) {
    rows.subarray(ends[run - 1]!, ends[run]!).reverse();
  }
}

/** Packs start and row into one double, because those sort natively. Starts are rounded to what is
 *  left beside the row: ns for ranges of days, more for longer ones, which is fine for an order. */
function sortByStart(startNano: Uint32Array, count: number): Uint32Array {
  const near = count === 0 ? 0 : startNano[1]!;
  const keys = new Float64Array(count);
  let min = Infinity;
  let max = -Infinity;
  for (let row = 0; row < count; row++) {
    const start = (startNano[row * 2 + 1]! - near) * WORD + startNano[row * 2]!;
    keys[row] = start;
    if (start < min) min = start;
    if (start > max) max = start;
  }
  const rowSpan = 2 ** (32 - Math.clz32(count));
  const unit = Math.max(1, (max - min) / (2 ** 52 / rowSpan));
  for (let row = 0; row < count; row++) {
    keys[row] = Math.floor((keys[row]! - min) / unit) * rowSpan + row;
  }
  keys.sort();
  const rows = new Uint32Array(count);
  for (let i = 0; i < count; i++) rows[i] = keys[i]! % rowSpan;
  return rows;
}

/** Each row's combination of resource, name and kind, and the rank of each combination. */
function numberShapes(collector: RowCollector): { ofRow: Uint32Array; ranks: Uint32Array } {
  const { count, dense, resources, seed } = collector;
  const ofRow = new Uint32Array(count);
  const firstRows: number[] = [];
  let size = 1024;
  let slots = new Int32Array(size);
  const slotOf = (row: number): number => {
    let hash = Math.imul(dense.names[row]! ^ seed, 0x9e3779b1) ^ dense.kinds[row]!;
    hash = Math.imul(hash ^ (hash >>> 15) ^ dense.resources[row]!, 0x85ebca6b);
    return (hash ^ (hash >>> 13)) & (size - 1);
  };
  const isSame = (a: number, b: number): boolean =>
    dense.names[a] === dense.names[b] &&
    dense.resources[a] === dense.resources[b] &&
    dense.kinds[a] === dense.kinds[b];
  for (let row = 0; row < count; row++) {
    let slot = slotOf(row);
    while (slots[slot] !== 0 && !isSame(firstRows[slots[slot]! - 1]!, row)) {
      slot = (slot + 1) & (size - 1);
    }
    if (slots[slot] === 0) {
      slots[slot] = firstRows.push(row);
      if (firstRows.length * 2 > size) {
        slots = new Int32Array((size *= 2));
        firstRows.forEach((first, i) => {
          let to = slotOf(first);
          while (slots[to] !== 0) to = (to + 1) & (size - 1);
          slots[to] = i + 1;
        });
        slot = slotOf(row);
        while (!isSame(firstRows[slots[slot]! - 1]!, row)) slot = (slot + 1) & (size - 1);
      }
    }
    ofRow[row] = slots[slot]! - 1;
  }
  const services = resources.list.map(({ values }) => values.get('service')?.low ?? 0);
  const order = firstRows.map((_, i) => i);
  order.sort((x, y) => {
    const a = firstRows[x]!;
    const b = firstRows[y]!;
    return (
      services[dense.resources[a]!]! - services[dense.resources[b]!]! ||
      dense.names[a]! - dense.names[b]! ||
      dense.kinds[a]! - dense.kinds[b]! ||
      dense.resources[a]! - dense.resources[b]!
    );
  });
  const ranks = new Uint32Array(order.length);
  order.forEach((shape, rank) => (ranks[shape] = rank));
  return { ofRow, ranks };
}
