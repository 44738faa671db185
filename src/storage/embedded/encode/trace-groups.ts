/** The traces of the rows collected so far. Hot: benchmark `bench/row-group.ts`. */

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

/** Rows by trace. */
export interface TraceRows {
  /** Traces by their earliest start: numbers of TraceGroups. */
  readonly traces: Uint32Array;
  /** Where each trace stands in `traces`. */
  readonly ranks: Uint32Array;
  /** Rows of a trace together, by start. */
  readonly rows: Uint32Array;
  /** traces[i] has rows[starts[i], starts[i + 1]). */
  readonly starts: Uint32Array;
}

/** `byStart`: all rows by their start. */
export function rowsByTrace(groups: TraceGroups, byStart: Uint32Array): TraceRows {
  const { ofRow, count } = groups;
  const ranks = new Uint32Array(count).fill(count);
  const traces = new Uint32Array(count);
  const starts = new Uint32Array(count + 1);
  let seen = 0;
  for (let i = 0; i < byStart.length; i++) {
    const trace = ofRow[byStart[i]!]!;
    if (ranks[trace] === count) {
      traces[seen] = trace;
      ranks[trace] = seen++;
    }
    starts[ranks[trace]! + 1]!++;
  }
  for (let i = 1; i <= count; i++) starts[i]! += starts[i - 1]!;
  const at = starts.slice();
  const rows = new Uint32Array(byStart.length);
  for (let i = 0; i < byStart.length; i++) {
    const row = byStart[i]!;
    rows[at[ranks[ofRow[row]!]!]!++] = row;
  }
  return { traces, ranks, rows, starts };
}
