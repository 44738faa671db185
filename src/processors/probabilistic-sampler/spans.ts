/** Sampling of spans by columns: one pass that decides row by row, one edit of the tracestates of
 *  what is kept, one gather. What a tracestate means is worked out once for each different one.
 *  Hot: benchmark `bench/pipeline.ts`. */
import { AttributeType } from '../../model/attribute.ts';
import { BatchEditor } from '../../model/batch/editor.ts';
import { gather } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { doubleFromWords } from '../../model/batch/view.ts';
import type { SamplerConfig } from './config.ts';
import { Tally, thresholdsOf, type Policy, type Thresholds } from './decision.ts';
import { hashOn, hashRandomness, seededHash } from './hash.ts';
import { ALWAYS, isLie, keeps, NEVER, randomnessText, type Word56 } from './threshold.ts';
import {
  parseTraceState,
  raisedThreshold,
  writeTraceState,
  type TraceState,
} from './trace-state.ts';

const PRIORITY_KEY = 'sampling.priority';
const ID_BYTES = 16;
/** The bytes of a trace id that are random. */
const RANDOM_AT = 9;

/** What a tracestate means for the spans that have it. */
interface Meaning {
  /** undefined when it is malformed, or when hashing meets marks of another sampler: then it stays
   *  as it is, and the span is one that cannot be decided on. */
  readonly state: TraceState | undefined;
  readonly threshold: Word56;
  /** The new tracestates by threshold and, when hashing, by hash. */
  readonly written: Map<number, number>;
}

interface Kept {
  readonly state: TraceState;
  readonly meaning: Meaning;
  readonly threshold: Word56;
  readonly hash: number;
  readonly randomness: Word56 | undefined;
}

export class SpanSampler {
  readonly #thresholds: Thresholds;
  readonly #seeded: number;
  readonly tally = new Tally();

  constructor(config: SamplerConfig) {
    this.#thresholds = thresholdsOf(config);
    this.#seeded = seededHash(config.hash_seed);
  }

  kept(batch: SpanBatch): SpanBatch {
    const pass = new Pass(batch, this.#thresholds, this.#seeded);
    return pass.run(this.tally);
  }
}

class Pass {
  readonly #batch: SpanBatch;
  readonly #editor: BatchEditor;
  readonly #thresholds: Thresholds;
  readonly #seeded: number;
  readonly #meanings = new Map<number, Meaning>();
  readonly #priorityKey: number;
  #policy: Policy = 'missing_randomness';

  constructor(batch: SpanBatch, thresholds: Thresholds, seeded: number) {
    this.#batch = batch;
    this.#editor = new BatchEditor(batch);
    this.#thresholds = thresholds;
    this.#seeded = seeded;
    this.#priorityKey = batch.strings.find(PRIORITY_KEY);
  }

  run(tally: Tally): SpanBatch {
    const { count } = this.#batch;
    const rows = new Uint32Array(count);
    let kept = 0;
    for (let row = 0; row < count; row++) {
      const isKept = this.#decide(row);
      tally.add(this.#policy, isKept);
      if (isKept) rows[kept++] = row;
    }
    const edited = this.#editor.finish();
    return kept === count ? edited : gather(edited, rows.subarray(0, kept));
  }

  #decide(row: number): boolean {
    const { traceIds, traceStates } = this.#batch.spans.columns;
    const stateId = traceStates[row] ?? 0;
    const meaning = this.#meaningOf(stateId);
    const hash = this.#thresholds.isHashing
      ? hashOn(this.#seeded, traceIds, row * ID_BYTES, (row + 1) * ID_BYTES)
      : 0;
    const randomness = this.#randomness(row, meaning, hash);
    const isWrong = isLie(randomness, meaning.state?.threshold);
    const threshold =
      this.#asked(row) ??
      (isWrong || randomness === undefined || meaning.state === undefined
        ? this.#thresholds.onError
        : meaning.threshold);
    const isKept = keeps(threshold, randomness);
    if (isKept && meaning.state !== undefined) {
      const state = isWrong ? withoutThreshold(meaning.state) : meaning.state;
      this.#mark(row, { state, meaning, threshold, hash, randomness });
    }
    return isKept;
  }

  /** The threshold that the span's priority asks for. */
  #asked(row: number): Word56 | undefined {
    const priority = this.#priorityKey < 0 ? undefined : this.#priority(row);
    if (priority === undefined) return undefined;
    this.#policy = 'sampling_priority';
    return priority ? ALWAYS : NEVER;
  }

  /** Sets the policy with it. */
  #randomness(row: number, { state }: Meaning, hash: number): Word56 | undefined {
    this.#policy = 'missing_randomness';
    if (!this.#thresholds.isHashing && state?.randomness !== undefined) {
      this.#policy = 'sampling_randomness';
      return state.randomness;
    }
    const { traceIds } = this.#batch.spans.columns;
    const at = row * ID_BYTES;
    if (isZero(traceIds, at) || (state === undefined && !this.#thresholds.isHashing)) {
      return undefined;
    }
    if (this.#thresholds.isHashing) {
      this.#policy = 'trace_id_hash';
      return hashRandomness(hash);
    }
    this.#policy = 'trace_id_w3c';
    return {
      high: bytesAt(traceIds, at + RANDOM_AT, 3),
      low: bytesAt(traceIds, at + RANDOM_AT + 3, 4),
    };
  }

  #meaningOf(stateId: number): Meaning {
    let meaning = this.#meanings.get(stateId);
    if (meaning === undefined) {
      const parsed = parseTraceState(this.#batch.strings.text(stateId));
      const isTaken = this.#thresholds.isHashing && (parsed?.randomness ?? parsed?.threshold);
      const state = isTaken ? undefined : parsed;
      const threshold = this.#thresholds.of(state?.threshold);
      meaning = { state, threshold, written: new Map() };
      this.#meanings.set(stateId, meaning);
    }
    return meaning;
  }

  /** Writes into the tracestate how much of its like was kept. */
  #mark(row: number, { state, meaning, threshold, hash, randomness }: Kept): void {
    // With another threshold than usual (a priority, an error) nothing is remembered.
    const isUsual = threshold === meaning.threshold && state === meaning.state;
    let id = isUsual ? meaning.written.get(hash) : undefined;
    if (id === undefined) {
      const isNew = this.#thresholds.isHashing && randomness !== undefined;
      const rv = isNew ? randomnessText(randomness) : state.rv;
      id = this.#editor.strings.add(writeTraceState(state, rv, raisedThreshold(state, threshold)));
      if (isUsual) meaning.written.set(hash, id);
    }
    this.#editor.setTraceState(row, id);
  }

  /** What `sampling.priority` asks for; undefined when it asks for nothing. */
  #priority(row: number): boolean | undefined {
    const { starts, keys, types, values } = this.#batch.spans.attributes;
    for (let i = starts[row] ?? 0; i < (starts[row + 1] ?? 0); i++) {
      if (keys[i] !== this.#priorityKey) continue;
      const low = values[i * 2] ?? 0;
      const high = values[i * 2 + 1] ?? 0;
      return wanted(this.#number(types[i], low, high));
    }
    return undefined;
  }

  #number(type: number | undefined, low: number, high: number): number {
    if (type === AttributeType.int) return (high | 0) * 2 ** 32 + low;
    if (type === AttributeType.double) return doubleFromWords(low, high);
    const text = type === AttributeType.string ? this.#batch.strings.text(low).trim() : '';
    return text === '' ? Number.NaN : Number(text);
  }
}

/** Negative numbers, and what is no number, leave the decision to the percentage. */
function wanted(priority: number): boolean | undefined {
  if (priority === 0) return false;
  return priority > 0 ? true : undefined;
}

function withoutThreshold(state: TraceState): TraceState {
  return { ...state, threshold: undefined, thresholdText: undefined };
}

function bytesAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

function isZero(ids: Uint8Array, at: number): boolean {
  for (let i = 0; i < ID_BYTES; i++) if (ids[at + i] !== 0) return false;
  return true;
}
