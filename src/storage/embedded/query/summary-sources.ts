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
import { type IndexedFile, packedAt, type SharedView } from './shared-traces.ts';
import { arrivedBy } from './snapshot.ts';
import { allTrue, SqlBuilder } from './sql-builder.ts';
import { type Candidate, keyOf, type SummaryOrder } from './summary-walk.ts';

export interface SummarySources {
  /** Their indices say all of their traces but those apart. */
  readonly files: readonly IndexedFile[];
  readonly shared: SharedView;
  readonly isApart: (ids: Uint8Array, at: number) => boolean;
  readonly apart: readonly Candidate[];
}

/** More rows are not looked at one by one. */
const CUT_ROWS_MAX = 3_000_000;
const TRACES_A_TURN = 10_000;

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
  const isEnough = known.length === whole.length && sumOfRows(cut) <= CUT_ROWS_MAX;
  if (!isEnough) return undefined;
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
  readonly #byFlush = new Map<number, IndexedFile | undefined>();

  readonly #context: ReadContext;

  constructor(context: ReadContext, view: SharedView, files: readonly IndexedFile[]) {
    this.#context = context;
    this.#view = view;
    this.files = files;
  }

  isListed(ids: Uint8Array, at: number): boolean {
    return this.#listed.size > 0 && this.#listed.has(packedAt(ids, at));
  }

  add(packedId: string, keys: TraceKeys): void {
    this.#listed.set(packedId, joined(this.#listed.get(packedId), keys));
  }

  async candidates(order: SummaryOrder): Promise<Candidate[]> {
    const candidates: Candidate[] = [];
    const add = (packedId: string, keys: TraceKeys | undefined) => {
      if (keys !== undefined) candidates.push({ packedId, key: keyOf(order, keys) });
    };
    for (let number = 0; number < this.#view.count; number++) {
      const packedId = this.#view.packedIdOf(number);
      add(packedId, this.#shared(number, this.#listed.get(packedId)));
      if (number % TRACES_A_TURN === 0) await setImmediate();
    }
    let looked = 0;
    for (const [packedId, keys] of this.#listed) {
      if (this.#view.numberOf(packedId) !== undefined) continue;
      add(packedId, joined(this.#alone(packedId), keys));
      if (++looked % (TRACES_A_TURN / 100) === 0) await setImmediate();
    }
    return candidates;
  }

  /** Of what was found of it, what is in files that the page may see, and what was listed. */
  #shared(number: number, listed: TraceKeys | undefined): TraceKeys | undefined {
    let keys = listed;
    for (const part of this.#view.partsOf(number)) {
      const file = this.#fileOf(part.from);
      if (file === undefined || this.#isDeleted(file, number)) continue;
      keys = joined(keys, part);
    }
    return keys;
  }

  #isDeleted({ deleted }: DataFile, number: number): boolean {
    if (deleted === undefined || deleted.size === 0) return false;
    return deleted.has(Buffer.from(this.#view.packedIdOf(number), 'latin1').toString('hex'));
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

  #fileOf(flush: number): IndexedFile | undefined {
    if (!this.#byFlush.has(flush)) {
      const file = this.files.find(({ from, to }) => from <= flush && to >= flush);
      this.#byFlush.set(flush, file);
    }
    return this.#byFlush.get(flush);
  }
}

function joined(a: TraceKeys | undefined, b: TraceKeys): TraceKeys {
  if (a === undefined) return b;
  return {
    startNano: a.startNano < b.startNano ? a.startNano : b.startNano,
    endNano: a.endNano > b.endNano ? a.endNano : b.endNano,
    spanCount: a.spanCount + b.spanCount,
    errorCount: a.errorCount + b.errorCount,
  };
}
