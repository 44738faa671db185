/** The spans of all traces that are decided at one tick, in one growing batch. Deciding seals it,
 *  and all its memory goes at once; nothing is kept per span but its columns. */

import { SpanBatchBuilder } from '../../model/batch/builder.ts';
import { appendRows } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { durationFromWords } from '../../model/time.ts';
import { rowSize } from '../../model/batch/row-size.ts';
import type { HeldTrace } from './trace.ts';

const WORD = 0x1_0000_0000;

/** What is counted of a trace while its spans come. */
export interface TraceState {
  /** The 16 bytes of its id as a latin1 string. */
  readonly key: string;
  /** undefined once it is decided or given up. */
  arena: Arena | undefined;
  decision: boolean | undefined;
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

export class Arena {
  /** Decided when the clock reaches this tick. */
  readonly tick: number;
  readonly #builder = new SpanBatchBuilder();
  readonly #traces: TraceState[] = [];
  /** Trace number of each row. */
  #traceOfRow = new Uint32Array(1024);
  #rows = 0;
  byteSize = 0;

  constructor(tick: number) {
    this.tick = tick;
  }

  open(key: string): TraceState {
    const state: TraceState = {
      key,
      arena: this,
      decision: undefined,
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
  seal(tenant: string): { trace: HeldTrace; state: TraceState }[] {
    const batch = this.#builder.seal(tenant);
    const rows = rowsByTrace(this.#traceOfRow.subarray(0, this.#rows), this.#traces.length);
    return this.#traces.flatMap((state, i) => {
      const own = rows[i];
      if (state.arena !== this || own === undefined) return [];
      return [{ state, trace: { ...summaryOf(state), batch, rows: own } }];
    });
  }

  #grow(): void {
    const grown = new Uint32Array(this.#traceOfRow.length * 2);
    grown.set(this.#traceOfRow);
    this.#traceOfRow = grown;
  }
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
