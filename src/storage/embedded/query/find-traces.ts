/** A page of traces: found by their matching spans, shown by their summaries.
 *
 *  Conditions on the trace as a whole are answered by the summaries. The filter falls apart into
 *  cases (filter/trace-conditions.ts). Where few traces can be the case's by their indices, no others
 *  are asked for (chosen-traces.ts). The candidates of each are read in order, ever more at a time,
 *  those whose summary is not the case's are left out, and the streams that remain are merged. No
 *  trace is in two of them. */

import { EVERY } from '../../../filter/ast.ts';
import {
  countTraceConditions,
  type TraceCase,
  traceCases,
} from '../../../filter/trace-conditions.ts';
import {
  StorageError,
  type TraceOrder,
  type TracePage,
  type TraceQuery,
  type TraceSummary,
} from '../../contract.ts';
import { type ChosenTraces, chooseTraces } from './chosen-traces.ts';
import { type Cursor, decodeCursor, encodeCursor } from './cursor.ts';
import type { ReadContext } from './read-context.ts';
import { summarize } from './summaries.ts';
import type { FoundTrace, SpanSearch } from './search-rows.ts';
import { findTraceIds } from './trace-search.ts';

const LIMIT_MAX = 100_000;
/** Candidates asked for at once when few of them pass. */
const CANDIDATES_MAX = 20_000;

export async function findTraces(context: ReadContext, query: TraceQuery): Promise<TracePage> {
  if (!Number.isSafeInteger(query.limit) || query.limit < 1 || query.limit > LIMIT_MAX) {
    throw new StorageError('invalid', `the limit must be between 1 and ${LIMIT_MAX}`);
  }
  const warnings = new Set<string>();
  const warned: ReadContext = {
    ...context,
    onWarning: (warning) => {
      warnings.add(warning);
      context.onWarning(warning);
    },
  };
  const order = query.order ?? 'newest';
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, order);
  const search: SpanSearch = { ...query, order, after };
  const isOfSpans = query.filter === undefined || countTraceConditions(query.filter) === 0;
  const { traces, cursor } = await (isOfSpans ? findBySpans : findByCases)(warned, search);
  return {
    traces,
    ...(cursor === undefined ? {} : { cursor: encodeCursor(cursor) }),
    warnings: [...warnings],
  };
}

interface Found {
  readonly traces: readonly TraceSummary[];
  readonly cursor?: Cursor | undefined;
}

async function findBySpans(context: ReadContext, search: SpanSearch): Promise<Found> {
  const { found, end, hasMore } = await findTraceIds(context, search);
  const traces = await summarize(
    context,
    found.map(({ traceId }) => traceId),
  );
  return { traces, cursor: hasMore ? end : undefined };
}

async function findByCases(context: ReadContext, search: SpanSearch): Promise<Found> {
  const streams = casesOf(search).map((each) => new CaseStream(context, search, each));
  const traces: TraceSummary[] = [];
  let end: Cursor | undefined;
  for (;;) {
    const heads = await Promise.all(streams.map((stream) => stream.head()));
    const first = earliest(heads, search.order);
    if (first === undefined) return { traces };
    if (traces.length === search.limit) return { traces, cursor: end };
    const stream = streams[first.index];
    stream?.next();
    traces.push(first.head.summary);
    end = stream?.cursorAt(first.head);
  }
}

function casesOf({ filter = EVERY }: SpanSearch): TraceCase[] {
  try {
    return traceCases(filter);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'the filter cannot be asked';
    throw new StorageError('invalid', message, { cause });
  }
}

interface Head extends FoundTrace {
  readonly summary: TraceSummary;
}

/** The traces of one case, in order. */
class CaseStream {
  readonly #context: ReadContext;
  readonly #search: SpanSearch;
  readonly #case: TraceCase;
  #limit: number;
  #after: Cursor | undefined;
  #isOver = false;
  #ready: Head[] = [];
  /** Found when it is first read. */
  #chosen: { readonly traces: ChosenTraces | undefined } | undefined;

  constructor(context: ReadContext, search: SpanSearch, of: TraceCase) {
    this.#context = context;
    this.#search = search;
    this.#case = of;
    // One more tells whether there is another page.
    this.#limit = search.limit + 1;
    this.#after = search.after;
  }

  /** The next trace, without taking it; undefined when there is none. */
  async head(): Promise<Head | undefined> {
    while (this.#ready.length === 0 && !this.#isOver) await this.#read();
    return this.#ready[0];
  }

  next(): void {
    this.#ready.shift();
  }

  /** Pages that begin there see the records of the log that this one saw. */
  cursorAt({ key, traceId }: Head): Cursor | undefined {
    return this.#after && { ...this.#after, key, traceId };
  }

  async #read(): Promise<void> {
    const { range } = this.#search;
    this.#chosen ??= { traces: await chooseTraces(this.#context, this.#case, range) };
    const { traces } = this.#chosen;
    if (traces?.ids.length === 0) {
      this.#isOver = true;
      return;
    }
    const page = await findTraceIds(this.#context, {
      ...this.#search,
      filter: this.#case.spans,
      limit: this.#limit,
      after: this.#after,
      traces,
    });
    const ids = page.found.map(({ traceId }) => traceId);
    const summaries = await summarize(this.#context, ids);
    const byId = new Map(summaries.map((summary) => [summary.traceId, summary]));
    for (const found of page.found) {
      const summary = byId.get(found.traceId);
      if (summary !== undefined && this.#case.isFor(factsOf(summary))) {
        this.#ready.push({ ...found, summary });
      }
    }
    this.#after = page.end;
    this.#isOver = !page.hasMore;
    this.#limit = Math.min(this.#limit * 4, CANDIDATES_MAX);
  }
}

function factsOf({ startNano, endNano, rootService, rootName }: TraceSummary) {
  return { durationNano: endNano - startNano, rootService, rootName };
}

function earliest(
  heads: readonly (Head | undefined)[],
  order: TraceOrder,
): { index: number; head: Head } | undefined {
  let best: { index: number; head: Head } | undefined;
  for (const [index, head] of heads.entries()) {
    if (head !== undefined && (best === undefined || isBefore(head, best.head, order))) {
      best = { index, head };
    }
  }
  return best;
}

function isBefore(a: FoundTrace, b: FoundTrace, order: TraceOrder): boolean {
  if (a.key === b.key) return a.traceId < b.traceId;
  const isAscending = order === 'oldest' || order === 'shortest';
  return isAscending ? a.key < b.key : a.key > b.key;
}
