/** The spans of all traces that are decided at one tick, in one growing batch. Deciding seals it,
 *  and all its memory goes at once; nothing is kept per span but its columns.
 *
 *  Traces whose root has come may be decided earlier: then what has come so far is sealed as a part,
 *  theirs is copied out, and a part that has become mostly theirs is made again without it. */

import { SpanBatchBuilder } from '../../model/batch/builder.ts';
import { appendRows, concat, gather } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { durationFromWords } from '../../model/time.ts';
import { rowSize } from '../../model/batch/row-size.ts';
import type { Reason } from './record.ts';
import type { HeldTrace } from './trace.ts';

const WORD = 0x1_0000_0000;

/** What is counted of a trace while its spans come. */
export interface TraceState {
  /** The 16 bytes of its id as a latin1 string. */
  readonly key: string;
  /** undefined once it is decided or given up. */
  arena: Arena | undefined;
  decision: boolean | undefined;
  /** Why it is kept. */
  reason: Reason | undefined;
  /** On the clock that never steps back. */
  readonly arrivedMs: number;
  decidedMs: number;
  /** Its number in the arena. */
  readonly index: number;
  /** Start of the span that came first, as words. */
  origin: { readonly low: number; readonly high: number } | undefined;
  /** ns since the origin: exact below 2^53. */
  startNano: number;
  endNano: number;
  statusBits: number;
  spanCount: number;
  byteSize: number;
}

/** Rows that were sealed because some were taken out. */
interface Part {
  readonly batch: SpanBatch;
  readonly traceOfRow: Uint32Array;
}

export interface Due {
  readonly trace: HeldTrace;
  readonly state: TraceState;
}

export class Arena {
  /** Decided when the clock reaches this tick. */
  readonly tick: number;
  readonly #builder = new SpanBatchBuilder();
  readonly #traces: TraceState[] = [];
  /** Trace number of each row. */
  #traceOfRow = new Uint32Array(1024);
  #rows = 0;
  #parts: Part[] = [];
  byteSize = 0;

  constructor(tick: number) {
    this.tick = tick;
  }

  open(key: string, arrivedMs: number): TraceState {
    const state: TraceState = {
      key,
      arena: this,
      decision: undefined,
      reason: undefined,
      arrivedMs,
      decidedMs: 0,
      index: this.#traces.length,
      origin: undefined,
      startNano: Number.POSITIVE_INFINITY,
      endNano: Number.NEGATIVE_INFINITY,
      statusBits: 0,
      spanCount: 0,
      byteSize: 0,
    };
    this.#traces.push(state);
    return state;
  }

  /** Copies the rows; `states[i]` is the trace of `rows[i]`. */
  add(batch: SpanBatch, rows: readonly number[], states: readonly TraceState[]): void {
    appendRows(this.#builder, batch, rows);
    while (this.#rows + rows.length > this.#traceOfRow.length) this.#grow();
    for (const [i, row] of rows.entries()) {
      const state = states[i];
      if (state === undefined) continue;
      this.#traceOfRow[this.#rows++] = state.index;
      this.byteSize += count(state, batch, row);
    }
  }

  /** Every trace that was not given up, with its rows. The arena is empty afterwards. */
  seal(tenant: string): Due[] {
    if (this.#parts.length > 0) return this.take(tenant, this.#traces);
    const batch = this.#builder.seal(tenant);
    return this.#dueIn(batch, this.#traceOfRow.subarray(0, this.#rows));
  }

  /** These traces with their rows, as far as they were not given up. The others stay. */
  take(tenant: string, states: readonly TraceState[]): Due[] {
    this.#closePart(tenant);
    const isWanted = new Uint8Array(this.#traces.length);
    for (const { index, arena } of states) if (arena === this) isWanted[index] = 1;
    const pieces = this.#parts.map((part) => rowsOf(part, (trace) => isWanted[trace] === 1));
    const due = this.#dueIn(
      concat(pieces.map(({ batch }) => batch)),
      joined(pieces.map(({ traceOfRow }) => traceOfRow)),
    );
    for (const { state } of due) this.byteSize -= state.byteSize;
    const isLeft = (trace: number): boolean =>
      isWanted[trace] === 0 && this.#traces[trace]?.arena === this;
    this.#parts = this.#parts.flatMap((part) => shrunk(part, isLeft));
    return due;
  }

  #dueIn(batch: SpanBatch, traceOfRow: Uint32Array): Due[] {
    const rows = rowsByTrace(traceOfRow, this.#traces.length);
    return this.#traces.flatMap((state, i) => {
      const own = rows[i];
      if (state.arena !== this || own === undefined || own.length === 0) return [];
      return [{ state, trace: { ...summaryOf(state), batch, rows: own } }];
    });
  }

  #closePart(tenant: string): void {
    if (this.#rows === 0) return;
    const traceOfRow = this.#traceOfRow.slice(0, this.#rows);
    this.#parts.push({ batch: this.#builder.seal(tenant), traceOfRow });
    this.#rows = 0;
  }

  #grow(): void {
    const grown = new Uint32Array(this.#traceOfRow.length * 2);
    grown.set(this.#traceOfRow);
    this.#traceOfRow = grown;
  }
}

/** Copies what it keeps, strings too, so that the rest can be freed. */
function rowsOf({ batch, traceOfRow }: Part, isKept: (trace: number) => boolean): Part {
  const kept = traceOfRow.filter(isKept);
  const rows = new Uint32Array(kept.length);
  let next = 0;
  for (const [row, trace] of traceOfRow.entries()) if (isKept(trace)) rows[next++] = row;
  return { batch: concat([gather(batch, rows)]), traceOfRow: kept };
}

/** The part without what is gone, once that is more than half of it: so a row is copied a few times
 *  at most, however often something is taken out. */
function shrunk(part: Part, isLeft: (trace: number) => boolean): Part[] {
  const left = part.traceOfRow.reduce((sum, trace) => sum + (isLeft(trace) ? 1 : 0), 0);
  if (left === 0) return [];
  return [left * 2 < part.traceOfRow.length ? rowsOf(part, isLeft) : part];
}

function joined(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

function count(state: TraceState, batch: SpanBatch, row: number): number {
  const { startNano, endNano, statusCodes } = batch.spans.columns;
  const low = startNano[row * 2] ?? 0;
  const high = startNano[row * 2 + 1] ?? 0;
  state.origin ??= { low, high };
  const start = (high - state.origin.high) * WORD + (low - state.origin.low);
  const end = start + durationFromWords(startNano, endNano, row);
  const size = rowSize(batch, row);
  state.startNano = Math.min(state.startNano, start);
  state.endNano = Math.max(state.endNano, end);
  state.statusBits |= 1 << (statusCodes[row] ?? 0);
  state.spanCount += 1;
  state.byteSize += size;
  return size;
}

function summaryOf({ startNano, endNano, statusBits, spanCount, byteSize }: TraceState) {
  return { startNano, endNano, statusBits, spanCount, byteSize };
}

/** Counting sort: the rows of trace `t` in order of arrival. */
function rowsByTrace(traceOfRow: Uint32Array, traces: number): Uint32Array[] {
  const ends = new Uint32Array(traces + 1);
  for (const trace of traceOfRow) ends[trace + 1] = (ends[trace + 1] ?? 0) + 1;
  for (let t = 0; t < traces; t++) ends[t + 1] = (ends[t + 1] ?? 0) + (ends[t] ?? 0);
  const next = ends.slice();
  const sorted = new Uint32Array(traceOfRow.length);
  traceOfRow.forEach((trace, row) => {
    const at = next[trace] ?? 0;
    sorted[at] = row;
    next[trace] = at + 1;
  });
  return Array.from({ length: traces }, (_, t) => sorted.subarray(ends[t], ends[t + 1]));
}
