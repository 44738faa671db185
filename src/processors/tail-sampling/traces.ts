/** The traces of one tenant: undecided ones in arenas by the tick they are decided at, decided ones
 *  as long as they are remembered, and two caches of ids beyond that. */

import { LruMap, LruSet } from '../../lib/lru.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { isZeroAt } from '../../model/ids.ts';
import { Arena, type Due, type TraceState } from './arena.ts';
import type { TailSamplingConfig } from './config.ts';
import type { Reason } from './record.ts';

export interface TraceEvents {
  /** An undecided trace was given up to make room; its spans are dropped. */
  evicted(spans: number): void;
  /** A trace grew past its bound; its spans are dropped. */
  tooLarge(spans: number): void;
  isNew(): void;
  /** A trace was forgotten so long after its first span. */
  removed(ageMs: number): void;
}

/** A row of a trace that was decided before. */
export interface LateRow {
  readonly row: number;
  readonly reason: Reason;
  readonly isCached: boolean;
}

/** Rows of a batch by what becomes of them. */
export interface Sorted {
  readonly held: { readonly row: number; readonly key: string }[];
  /** Their trace was sampled: pass on at once. */
  readonly late: LateRow[];
  /** How many rows a cache decided. */
  cachedCount: number;
  /** Their trace was not sampled. */
  droppedCount: number;
  /** Remembered traces that had been decided. */
  readonly decidedTraces: Set<TraceState>;
}

interface Remembered {
  /** undefined: not sampled. */
  readonly reason: Reason | undefined;
  readonly isCached: boolean;
}

/** What became of a trace, and when. */
export interface Decided {
  readonly reason: Reason | undefined;
  readonly nowMs: number;
}

/** When a trace whose first span comes now is decided, and one whose root does. */
export interface DecisionTicks {
  readonly tick: number;
  /** undefined: a root changes nothing. */
  readonly rootTick?: number | undefined;
  readonly nowMs: number;
}

export class TenantTraces {
  readonly tenant: string;
  readonly #config: TailSamplingConfig;
  readonly #events: TraceEvents;
  readonly #states = new Map<string, TraceState>();
  readonly #arenas = new Map<number, Arena>();
  /** By tick, traces that are decided before their arena because their root has come. */
  readonly #early = new Map<number, Set<TraceState>>();
  readonly #sampled: LruMap<string, Reason>;
  readonly #notSampled: LruSet<string>;

  constructor(tenant: string, config: TailSamplingConfig, events: TraceEvents) {
    this.tenant = tenant;
    this.#config = config;
    this.#events = events;
    this.#sampled = new LruMap(config.decision_cache.sampled_cache_size);
    this.#notSampled = new LruSet(config.decision_cache.non_sampled_cache_size);
  }

  get count(): number {
    return this.#states.size;
  }

  get heldBytes(): number {
    let sum = 0;
    for (const arena of this.#arenas.values()) sum += arena.byteSize;
    return sum;
  }

  /** Changes nothing: what is passed on may still be refused. */
  sort(batch: SpanBatch, among: Sorted['held'] = rowsOf(batch)): Sorted {
    const sorted: Sorted = {
      held: [],
      late: [],
      cachedCount: 0,
      droppedCount: 0,
      decidedTraces: new Set(),
    };
    for (const { row, key } of among) this.#sortRow(sorted, row, key);
    return sorted;
  }

  #sortRow(sorted: Sorted, row: number, key: string): void {
    const known = this.#remembered(key, sorted);
    if (known === undefined) sorted.held.push({ row, key });
    else if (known.reason === undefined) sorted.droppedCount += 1;
    else sorted.late.push({ row, reason: known.reason, isCached: known.isCached });
  }

  #remembered(key: string, sorted: Sorted): Remembered | undefined {
    const state = this.#states.get(key);
    if (state !== undefined) {
      if (state.decision === undefined) return undefined;
      sorted.decidedTraces.add(state);
      return { reason: state.reason, isCached: false };
    }
    const reason = this.#sampled.get(key);
    if (reason === undefined && !this.#notSampled.has(key)) return undefined;
    sorted.cachedCount += 1;
    return { reason, isCached: true };
  }

  /** True when these rows would bring more new traces than there is room for undecided ones. */
  isOverflowing(held: Sorted['held']): boolean {
    const fresh = new Set(held.filter(({ key }) => !this.#states.has(key)).map(({ key }) => key));
    if (this.#states.size + fresh.size <= this.#config.num_traces) return false;
    let undecided = fresh.size;
    for (const state of this.#states.values()) if (state.arena !== undefined) undecided += 1;
    return undecided > this.#config.num_traces;
  }

  /** Copies the rows into the arenas of their traces. */
  hold(batch: SpanBatch, held: Sorted['held'], ticks: DecisionTicks): void {
    const { rootTick } = ticks;
    const byArena = new Map<Arena, { rows: number[]; states: TraceState[] }>();
    for (const { row, key } of held) {
      const state = this.#states.get(key) ?? this.#open(key, ticks);
      if (state.arena === undefined) continue;
      const group = byArena.get(state.arena) ?? { rows: [], states: [] };
      byArena.set(state.arena, group);
      group.rows.push(row);
      group.states.push(state);
      const isRoot =
        rootTick !== undefined && isZeroAt(batch.spans.columns.parentSpanIds, row * 8, 8);
      if (isRoot && rootTick < state.arena.tick) this.#decideEarly(state, rootTick);
    }
    for (const [arena, { rows, states }] of byArena) arena.add(batch, rows, states);
    this.#dropLarge(byArena, ticks.nowMs);
  }

  #decideEarly(state: TraceState, tick: number): void {
    const known = this.#early.get(tick) ?? new Set();
    this.#early.set(tick, known.add(state));
  }

  #open(key: string, { tick, nowMs }: DecisionTicks): TraceState {
    if (this.#states.size >= this.#config.num_traces) this.#evictOldest(nowMs);
    const arena = this.#arenas.get(tick) ?? new Arena(tick);
    this.#arenas.set(tick, arena);
    const state = arena.open(key, nowMs);
    this.#states.set(key, state);
    this.#events.isNew();
    return state;
  }

  #evictOldest(nowMs: number): void {
    const [oldest] = this.#states.values();
    if (oldest === undefined) return;
    if (oldest.arena !== undefined) this.#events.evicted(oldest.spanCount);
    oldest.arena = undefined;
    this.#events.removed(nowMs - oldest.arrivedMs);
    this.#states.delete(oldest.key);
  }

  #dropLarge(byArena: ReadonlyMap<Arena, { states: TraceState[] }>, nowMs: number): void {
    const most = this.#config.maximum_trace_size_bytes;
    if (most === 0) return;
    for (const { states } of byArena.values()) {
      for (const state of new Set(states)) {
        if (state.byteSize <= most || state.arena === undefined) continue;
        this.#events.tooLarge(state.spanCount);
        this.decided(state, { reason: undefined, nowMs });
      }
    }
  }

  /** The traces whose tick has come, oldest tick first; all of them when `tick` is infinite. */
  *due(tick: number): Iterable<Due[]> {
    yield* this.#dueEarly(tick);
    const ready = [...this.#arenas.values()].filter((arena) => arena.tick <= tick);
    for (const arena of ready.toSorted((a, b) => a.tick - b.tick)) {
      this.#arenas.delete(arena.tick);
      yield arena.seal(this.tenant);
    }
  }

  *#dueEarly(tick: number): Iterable<Due[]> {
    const states = new Set<TraceState>();
    for (const [at, some] of this.#early) {
      if (at > tick) continue;
      this.#early.delete(at);
      for (const state of some) states.add(state);
    }
    for (const [arena, own] of Map.groupBy(states, (state) => state.arena)) {
      if (arena !== undefined && arena.tick > tick) yield arena.take(this.tenant, own);
    }
  }

  decided(state: TraceState, { reason, nowMs }: Decided): void {
    state.arena = undefined;
    state.decision = reason !== undefined;
    state.reason = reason;
    state.decidedMs = nowMs;
    if (reason === undefined) this.#notSampled.add(state.key);
    else this.#sampled.set(state.key, reason);
  }
}

function rowsOf({ spans, count }: SpanBatch): Sorted['held'] {
  const { traceIds } = spans.columns;
  const ids = Buffer.from(traceIds.buffer, traceIds.byteOffset, count * 16);
  return Array.from({ length: count }, (_, row) => ({
    row,
    key: ids.toString('latin1', row * 16, row * 16 + 16),
  }));
}
