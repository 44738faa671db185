/** The traces of the rows collected so far, and the order rows are written in: traces by their
 *  earliest start, rows of a trace together and by start. Neighbours in time stay neighbours, so
 *  deltas of starts are small, and a trace is one run of rows. Hot: benchmark `bench/encode.ts`. */

import type { SpanBatch } from '../../../model/batch/span-batch.ts';

export class TraceGroups {
  count = 0;
  /** 16 bytes a trace. */
  ids = new Uint8Array(1024 * 16);
  /** Which trace a row is of. */
  ofRow = new Uint32Array(4096);
  #rows = 0;
  #slots = new Int32Array(4096);
  #mask = 4095;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  reset(): void {
    this.count = 0;
    this.#rows = 0;
    this.#slots.fill(0);
  }

  add(batch: SpanBatch): void {
    const { traceIds } = batch.spans.columns;
    const rows = batch.count;
    while (this.#rows + rows > this.ofRow.length) {
      const grown = new Uint32Array(this.ofRow.length * 2);
      grown.set(this.ofRow);
      this.ofRow = grown;
    }
    let last = -1;
    for (let row = 0; row < rows; row++) {
      // Spans of a trace tend to come together.
      if (last < 0 || !this.#equals(last, traceIds, row * 16))
        last = this.#find(traceIds, row * 16);
      this.ofRow[this.#rows + row] = last;
    }
    this.#rows += rows;
  }

  #find(ids: Uint8Array, at: number): number {
    let slot = this.#hash(ids, at) & this.#mask;
    for (;;) {
      const known = this.#slots[slot]! - 1;
      if (known < 0) break;
      if (this.#equals(known, ids, at)) return known;
      slot = (slot + 1) & this.#mask;
    }
    const trace = this.count++;
    if (this.count * 16 > this.ids.length) {
      const grown = new Uint8Array(this.ids.length * 2);
      grown.set(this.ids);
      this.ids = grown;
    }
    for (let i = 0; i < 16; i++) this.ids[trace * 16 + i] = ids[at + i]!;
    this.#slots[slot] = trace + 1;
    if (this.count * 2 > this.#mask) this.#rehash();
    return trace;
  }

  #rehash(): void {
    const size = this.#slots.length * 2;
    this.#slots = new Int32Array(size);
    this.#mask = size - 1;
    for (let trace = 0; trace < this.count; trace++) {
      let slot = this.#hash(this.ids, trace * 16) & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = trace + 1;
    }
  }

  #hash(ids: Uint8Array, at: number): number {
    let hash = this.#seed;
    for (let i = at; i < at + 16; i += 4) {
      const word = ids[i]! | (ids[i + 1]! << 8) | (ids[i + 2]! << 16) | (ids[i + 3]! << 24);
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #equals(trace: number, ids: Uint8Array, at: number): boolean {
    const own = this.ids;
    const start = trace * 16;
    for (let i = 0; i < 16; i++) if (own[start + i] !== ids[at + i]) return false;
    return true;
  }
}

/** Rows in the order they are written. */
export interface RowOrder {
  /** Row at each position. */
  readonly rows: Uint32Array;
  /** Position of each row. */
  readonly positions: Uint32Array;
  /** Traces in the order they are written: numbers of TraceGroups. */
  readonly traces: Uint32Array;
  /** The i-th written trace has positions starts[i] to starts[i + 1]. */
  readonly starts: Uint32Array;
}

const WORD = 0x1_0000_0000;

/** `startNano`: two words a row. */
export function orderRows(groups: TraceGroups, startNano: Uint32Array, count: number): RowOrder {
  const traceCount = groups.count;
  const { ofRow } = groups;
  // Counted from a time near by, doubles are exact over a hundred days.
  const near = count === 0 ? 0 : startNano[1]!;
  const starts = new Float64Array(count);
  const firsts = new Float64Array(traceCount).fill(Infinity);
  const sizes = new Uint32Array(traceCount);
  for (let row = 0; row < count; row++) {
    const start = (startNano[row * 2 + 1]! - near) * WORD + startNano[row * 2]!;
    starts[row] = start;
    const trace = ofRow[row]!;
    sizes[trace]!++;
    if (start < firsts[trace]!) firsts[trace] = start;
  }
  const traces = new Uint32Array(traceCount);
  for (let i = 0; i < traceCount; i++) traces[i] = i;
  traces.sort((a, b) => firsts[a]! - firsts[b]! || a - b);
  const ends = new Uint32Array(traceCount);
  const traceStarts = new Uint32Array(traceCount + 1);
  let at = 0;
  for (let i = 0; i < traceCount; i++) {
    traceStarts[i] = ends[traces[i]!] = at;
    at += sizes[traces[i]!]!;
  }
  traceStarts[traceCount] = at;
  const rows = new Uint32Array(count);
  for (let row = 0; row < count; row++) rows[ends[ofRow[row]!]!++] = row;
  for (let i = 0; i < traceCount; i++) {
    sortRun(rows, traceStarts[i]!, traceStarts[i + 1]!, starts);
  }
  const positions = new Uint32Array(count);
  for (let i = 0; i < count; i++) positions[rows[i]!] = i;
  return { rows, positions, traces, starts: traceStarts };
}

const INSERTION_MAX = 48;

/** Sorts rows[from, to) by key, stable. */
function sortRun(rows: Uint32Array, from: number, to: number, keys: Float64Array): void {
  if (to - from > INSERTION_MAX) {
    rows.subarray(from, to).sort((a, b) => keys[a]! - keys[b]! || a - b);
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const row = rows[i]!;
    const key = keys[row]!;
    let j = i - 1;
    while (j >= from && keys[rows[j]!]! > key) {
      rows[j + 1] = rows[j]!;
      j--;
    }
    rows[j + 1] = row;
  }
}
