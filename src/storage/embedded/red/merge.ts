/** Adds partials up, and keeps them small where names of spans are as many as spans: beyond a bound
 *  the operations with the fewest calls are counted together by service and kind. Their names are
 *  lost to the rollup and to it alone: who asks for names is answered from the spans. */

import {
  type RedCells,
  type RedEdge,
  type RedOperation,
  type RedPartial,
  SLOWEST,
  SLOWEST_ERROR,
} from './partial.ts';

/** Operations of one file that are told apart. */
const OPERATIONS_MAX = 4096;

/** Minutes since 1970 lie below. */
const MINUTES = 2 ** 29;

export function mergeRed(partials: readonly RedPartial[]): RedPartial {
  const [only] = partials;
  if (only !== undefined && partials.length === 1) return only;
  const sum = new RedSum();
  for (const partial of partials) sum.add(partial);
  return foldOperations(sum.finish());
}

export function foldOperations(
  partial: RedPartial,
  operationsMax: number = OPERATIONS_MAX,
): RedPartial {
  const { operations, cells } = partial;
  if (operations.length <= operationsMax) return partial;
  const calls = new Float64Array(operations.length);
  for (let i = 0; i < cells.count; i++) calls[cells.operations[i]!]! += cells.calls[i]!;
  const kept = new Set(
    operations
      .map((_, i) => i)
      .toSorted((a, b) => calls[b]! - calls[a]! || a - b)
      .slice(0, operationsMax),
  );
  const sum = new RedSum((operation, i) =>
    kept.has(i) ? operation : { ...operation, name: '', isRest: true },
  );
  sum.add(partial);
  return sum.finish();
}

/** The same with calls that were in no edge before. */
export function withEdges(partial: RedPartial, edges: readonly RedEdge[]): RedPartial {
  if (edges.length === 0) return partial;
  const sum = new RedSum();
  const { operations, cells } = partial;
  sum.addEdges([...partial.edges, ...edges]);
  return {
    operations,
    cells,
    edges: sum.finish().edges,
    unresolved: partial.unresolved - edges.length,
  };
}

/** The same with all minutes as one, the first of them: a fortieth of the buckets. */
export function sumMinutes(partial: RedPartial): RedPartial {
  const { cells, edges } = partial;
  const first = cells.minutes.reduce((least, minute) => Math.min(least, minute), MINUTES);
  const sum = new RedSum();
  sum.add({
    ...partial,
    cells: { ...cells, minutes: cells.minutes.map(() => first) },
    edges: edges.map((edge) => ({ ...edge, minute: first })),
  });
  return sum.finish();
}

interface Cell {
  readonly operation: number;
  readonly minute: number;
  calls: number;
  errors: number;
  sum: number;
  min: number;
  max: number;
  errorMax: number;
  readonly histogram: Map<number, number>;
  slowest: Uint8Array | undefined;
  slowestError: Uint8Array | undefined;
}

export interface RedSelection {
  /** Cells and edges of other minutes are left out. From the first, up to but without the last. */
  readonly minutes?: readonly [number, number] | undefined;
  readonly withoutExemplars?: boolean | undefined;
}

type Rename = (operation: RedOperation, i: number) => RedOperation;

export class RedSum {
  readonly #operations: RedOperation[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #cells = new Map<number, Cell>();
  readonly #edges = new Map<string, { -readonly [K in keyof RedEdge]: RedEdge[K] }>();
  readonly #rename: Rename;
  #unresolved = 0;

  constructor(rename: Rename = (operation) => operation) {
    this.#rename = rename;
  }

  add(partial: RedPartial, selection: RedSelection = {}): void {
    const [from, to] = selection.minutes ?? [0, MINUTES];
    const { cells, operations } = partial;
    const numbers = new Int32Array(operations.length).fill(-1);
    for (let i = 0; i < cells.count; i++) {
      const minute = cells.minutes[i]!;
      if (minute < from || minute >= to) continue;
      const old = cells.operations[i]!;
      if (numbers[old]! < 0) numbers[old] = this.#number(this.#rename(operations[old]!, old));
      const cell = this.#cellOf(numbers[old]!, minute);
      if (selection.withoutExemplars !== true) addExemplars(cell, cells, i);
      addCell(cell, cells, i);
    }
    this.addEdges(partial.edges.filter(({ minute }) => minute >= from && minute < to));
    this.#unresolved += partial.unresolved;
  }

  addEdges(edges: readonly RedEdge[]): void {
    for (const edge of edges) this.#addEdge(edge);
  }

  finish(): RedPartial {
    const cells = [...this.#cells.values()].toSorted(
      (a, b) => a.operation - b.operation || a.minute - b.minute,
    );
    return {
      operations: this.#operations,
      cells: columnsOf(cells),
      edges: [...this.#edges.values()],
      unresolved: this.#unresolved,
    };
  }

  #number(operation: RedOperation): number {
    const { service, name, kind, isRest } = operation;
    const key = `${kind} ${isRest ? 1 : 0} ${service.length} ${service}${name}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#operations.push(operation) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  #cellOf(operation: number, minute: number): Cell {
    const key = operation * MINUTES + minute;
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const cell: Cell = {
      operation,
      minute,
      calls: 0,
      errors: 0,
      sum: 0,
      min: Infinity,
      max: -1,
      errorMax: -1,
      histogram: new Map(),
      slowest: undefined,
      slowestError: undefined,
    };
    this.#cells.set(key, cell);
    return cell;
  }

  #addEdge(edge: RedEdge): void {
    const { parent, child, minute, calls, errors } = edge;
    const key = `${minute} ${parent.length} ${parent}${child}`;
    const known = this.#edges.get(key);
    if (known === undefined) {
      this.#edges.set(key, { ...edge });
      return;
    }
    known.calls += calls;
    known.errors += errors;
  }
}

function addCell(cell: Cell, cells: RedCells, i: number): void {
  cell.calls += cells.calls[i]!;
  cell.errors += cells.errors[i]!;
  cell.sum += cells.sums[i]!;
  cell.min = Math.min(cell.min, cells.mins[i]!);
  cell.max = Math.max(cell.max, cells.maxs[i]!);
  const { histogram } = cell;
  const { codes, counts, starts } = cells;
  const end = starts[i + 1]!;
  for (let j = starts[i]!; j < end; j++) {
    const code = codes[j]!;
    histogram.set(code, (histogram.get(code) ?? 0) + counts[j]!);
  }
}

/** Before the cell's maximum is that of both. How slow the slowest error was is not kept: that of
 *  the cell with the slower spans is taken for the slower one. */
function addExemplars(cell: Cell, cells: RedCells, i: number): void {
  const max = cells.maxs[i]!;
  const has = cells.exemplars[i]!;
  if (max > cell.max && (has & SLOWEST) !== 0) {
    cell.slowest = cells.exemplarIds.subarray(i * 32, i * 32 + 16);
  }
  if (max > cell.errorMax && (has & SLOWEST_ERROR) !== 0) {
    cell.errorMax = max;
    cell.slowestError = cells.exemplarIds.subarray(i * 32 + 16, i * 32 + 32);
  }
}

function columnsOf(cells: readonly Cell[]): RedCells {
  const count = cells.length;
  const starts = new Uint32Array(count + 1);
  cells.forEach(({ histogram }, i) => (starts[i + 1] = starts[i]! + histogram.size));
  const codes = new Uint16Array(starts[count]!);
  const counts = new Uint32Array(starts[count]!);
  const exemplars = new Uint8Array(count);
  const exemplarIds = new Uint8Array(count * 32);
  cells.forEach(({ histogram, slowest, slowestError }, i) => {
    let at = starts[i]!;
    for (const [code, number] of [...histogram].toSorted(([a], [b]) => a - b)) {
      codes[at] = code;
      counts[at++] = number;
    }
    if (slowest !== undefined) exemplarIds.set(slowest, i * 32);
    if (slowestError !== undefined) exemplarIds.set(slowestError, i * 32 + 16);
    exemplars[i] =
      (slowest === undefined ? 0 : SLOWEST) | (slowestError === undefined ? 0 : SLOWEST_ERROR);
  });
  return {
    count,
    operations: Uint32Array.from(cells, ({ operation }) => operation),
    minutes: Uint32Array.from(cells, ({ minute }) => minute),
    calls: Uint32Array.from(cells, ({ calls }) => calls),
    errors: Uint32Array.from(cells, ({ errors }) => errors),
    sums: Float64Array.from(cells, ({ sum }) => sum),
    mins: Float64Array.from(cells, ({ min }) => min),
    maxs: Float64Array.from(cells, ({ max }) => max),
    starts,
    codes,
    counts,
    exemplars,
    exemplarIds,
  };
}
