/** What the traces of a search are put in order by. Most traces are whole in one file, and its index
 *  says all; those that several files have, and those of files whose index does not say what the page
 *  may see, are put together here. */

import { setImmediate } from 'node:timers/promises';
import type { DataFile } from '../manifest.ts';
import { BLOCK_TRACES } from '../index-ids.ts';
import type { TraceKeys } from '../segment-index.ts';
import { fromIndex } from './from-index.ts';
import { rowsOf } from './file-rows.ts';
import type { QueryResult } from './messages.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import type { SearchRows } from './search-rows.ts';
import { type Candidate, type IndexedFile, packedAt, type SharedView } from './shared-traces.ts';
import { joined, SharedParts } from './shared-parts.ts';
import { arrivedBy } from './snapshot.ts';
import { allTrue, SqlBuilder } from './sql-builder.ts';
import { inOrder, keyOf, type SummaryOrder } from './summary-walk.ts';

export interface SummarySources {
  /** Their indices say all of their traces but those apart. */
  readonly files: readonly IndexedFile[];
  readonly shared: SharedView;
  readonly isApart: (ids: Uint8Array, at: number) => boolean;
  readonly apart: readonly (readonly Candidate[])[];
}

/** More rows are not looked at one by one. */
const CUT_ROWS_MAX = 3_000_000;
/** Looked up in every file. */
const LISTED_A_TURN = 64;
/** Traces put together before others get a turn, and those that are opened at once. */
const CHUNK = 4096;
const CHUNK_OPENED = 64;

/** Undefined when the indices do not say enough. */
export async function summarySources(
  search: SearchRows,
  order: SummaryOrder,
): Promise<SummarySources | undefined> {
  const { context, visible } = search;
  const cut = visible.filter((file) => search.isCut(file));
  const whole = visible
    .filter((file) => !search.isCut(file))
    .map((file) => withBounds(file, context));
  const known = whole.filter((file) => file !== undefined);
  const stored = context.manifest.files
    .map((file) => withBounds(file, context))
    .filter((file) => file !== undefined);
  // Indices tell of damaged rows too, which searches leave out and speak of.
  const isWhole = visible.every(({ damage }) => damage === undefined);
  const isEnough = known.length === whole.length && sumOfRows(cut) <= CUT_ROWS_MAX;
  if (!isWhole || !isEnough) return undefined;
  const view = await context.shared.cover(stored, context);
  if (view === undefined) return undefined;
  const apart = new Apart(
    context,
    view,
    known.filter(({ kind }) => kind !== 'fresh'),
  );
  for (const fresh of known)
    if (fresh.kind === 'fresh') fromIndex(fresh, context, () => addFresh(apart, fresh));
  if (cut.length > 0) await addCut(apart, search, cut);
  return {
    files: apart.files,
    shared: view,
    isApart: (ids, at) => apart.isListed(ids, at),
    apart: await apart.candidates(order),
  };
}

function withBounds(file: DataFile, context: ReadContext): IndexedFile | undefined {
  const { index } = file;
  if (index === undefined) return undefined;
  const bounds = fromIndex(file, context, () => index.bounds());
  return bounds && { ...file, index };
}

function sumOfRows(files: readonly DataFile[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}

/** The rows that have arrived since the last flush. */
function addFresh(apart: Apart, { index, deleted }: IndexedFile): void {
  for (let block = 0; block * BLOCK_TRACES < index.traceCount; block++) {
    const ids = index.ids(block);
    for (let at = 0; at < ids.length; at += 16) {
      const id = packedAt(ids, at);
      if (deleted?.has(Buffer.from(id, 'latin1').toString('hex')) === true) continue;
      apart.add(id, index.keysAt(block * BLOCK_TRACES + at / 16));
    }
  }
}

/** Files of which the page sees a part: what the rows of it say. */
async function addCut(apart: Apart, search: SearchRows, files: readonly DataFile[]): Promise<void> {
  const result = await askFiles(search.context, files, (some) => {
    const sql = new SqlBuilder();
    const rows = rowsOf(some, {
      select: () => 'trace_id, start_nano, duration_nano, status',
      where: (shape, file) => allTrue(arrivedBy(sql, search.after?.walTo, { shape, file })),
    });
    if (rows === undefined) return undefined;
    return sql.plan(
      'SELECT trace_id, min(start_nano), max(start_nano + duration_nano::HUGEINT)::UBIGINT,' +
        ` count(*), count(*) FILTER (status = 2) FROM ${rows} GROUP BY trace_id`,
    );
  });
  if (result !== undefined) for (const [id, keys] of keysIn(result)) apart.add(id, keys);
}

function* keysIn({ rows, columns }: QueryResult): Generator<[string, TraceKeys]> {
  const [ids, starts, ends, spans, errors] = columns;
  if (ids?.kind !== 'bytes') return;
  const valueAt = (column: typeof ids | typeof starts, row: number): bigint =>
    column?.kind === 'bigint' ? BigInt.asUintN(64, column.values[row] ?? 0n) : 0n;
  for (let row = 0; row < rows; row++) {
    const keys = {
      startNano: valueAt(starts, row),
      endNano: valueAt(ends, row),
      spanCount: Number(valueAt(spans, row)),
      errorCount: Number(valueAt(errors, row)),
    };
    yield [packedAt(ids.bytes, ids.offsets[row] ?? 0), keys];
  }
}

/** Traces that have to be put together. */
class Apart {
  readonly files: readonly IndexedFile[];
  readonly #view: SharedView;
  /** Of files that are not among `files`. */
  readonly #listed = new Map<string, TraceKeys>();
  readonly #parts: SharedParts;
  readonly #context: ReadContext;

  constructor(context: ReadContext, view: SharedView, files: readonly IndexedFile[]) {
    this.#context = context;
    this.#view = view;
    this.files = files;
    this.#parts = new SharedParts(view, files);
  }

  isListed(ids: Uint8Array, at: number): boolean {
    return this.#listed.size > 0 && this.#listed.has(packedAt(ids, at));
  }

  add(packedId: string, keys: TraceKeys): void {
    this.#listed.set(packedId, joined(this.#listed.get(packedId), keys));
  }

  /** In no order but within each list. */
  async candidates(order: SummaryOrder): Promise<Candidate[][]> {
    const listed: Candidate[] = [];
    for (const [packedId, keys] of this.#listed) {
      const number = this.#view.numberOf(packedId);
      const others = number === undefined ? this.#alone(packedId) : this.#parts.keysOf(number);
      listed.push({ packedId, key: keyOf(order, joined(others, keys)) });
      if (listed.length % LISTED_A_TURN === 0) await setImmediate();
    }
    const shared = await this.#sharedIn(order);
    if (listed.length === 0) return shared;
    const others = shared.map((some) => some.filter(({ packedId }) => !this.#listed.has(packedId)));
    return [...others, ...chunksOf(listed, order)];
  }

  /** All shared traces that are in the files; kept for the next page, or who asks the same again. */
  async #sharedIn(order: SummaryOrder): Promise<Candidate[][]> {
    const files = this.files.map(({ path, deleted }) => `${path} ${deleted?.size ?? 0}`);
    const question = [order, this.#view.count, ...files].join('\n');
    const known = this.#view.memo.get(question);
    if (known !== undefined) return known;
    const chunks: Candidate[][] = [];
    for (let from = 0; from < this.#view.count; from += CHUNK) {
      const to = Math.min(from + CHUNK, this.#view.count);
      const some: Candidate[] = [];
      for (let number = from; number < to; number++) {
        const keys = this.#parts.keysOf(number);
        const packedId = this.#view.packedIdOf(number);
        if (keys !== undefined) some.push({ packedId, key: keyOf(order, keys) });
      }
      chunks.push(...chunksOf(some, order));
      await setImmediate();
    }
    this.#view.memo.set(question, chunks);
    return chunks;
  }

  /** Of a trace that is in one of the files at most. */
  #alone(packedId: string): TraceKeys | undefined {
    const id = Buffer.from(packedId, 'latin1');
    if (!this.#view.mayBeStored(id)) return undefined;
    for (const file of this.files.toReversed()) {
      const { index, deleted } = file;
      const keys = fromIndex(file, this.#context, () => {
        const position = index.find(id);
        return position < 0 ? undefined : index.keysAt(position);
      });
      if (keys === undefined) continue;
      return deleted?.has(id.toString('hex')) === true ? undefined : keys;
    }
    return undefined;
  }
}

/** By their order, so that a walk opens the first of them only. */
function chunksOf(traces: Candidate[], order: SummaryOrder): Candidate[][] {
  traces.sort(inOrder(order));
  const chunks: Candidate[][] = [];
  for (let at = 0; at < traces.length; at += CHUNK_OPENED) {
    chunks.push(traces.slice(at, at + CHUNK_OPENED));
  }
  return chunks;
}
