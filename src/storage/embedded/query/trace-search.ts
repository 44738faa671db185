/** Finds the ids of the traces that have a matching span, exactly and in order, page by page.
 *
 *  newest: the order key is the start of a trace's newest matching span, so ever larger intervals of
 *  time are asked, newest first, until the page is full; oldest: the same from the other end. All
 *  other orders need the whole range. */

import type { Filter } from '../../../filter/ast.ts';
import { hexAt } from '../../../model/ids.ts';
import type { TimeRange, TraceOrder } from '../../contract.ts';
import type { DataFile, RowRange } from '../manifest.ts';
import type { Cursor } from './cursor.ts';
import { overlaps, rangeSql, rowsOf } from './file-rows.ts';
import { filterSql } from './filter-sql.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { allTrue, FALSE, SqlBuilder, TRUE } from './sql-builder.ts';
import { FIRST_ROWS, intervalsOf, intervalsUp } from './intervals.ts';
import { narrowFiles } from './narrow-files.ts';
import { partsOf, rowRangeSql } from './file-parts.ts';
import { filesWithAny } from './files-with.ts';
import { arrivedBy, visibleFiles } from './snapshot.ts';

export interface FoundTrace {
  readonly traceId: string;
  /** What the order goes by. */
  readonly key: bigint;
}

export interface FoundPage {
  readonly found: readonly FoundTrace[];
  /** Where the page ends; absent when nothing was found. */
  readonly end?: Cursor | undefined;
  readonly hasMore: boolean;
}

export interface SpanSearch {
  readonly range: TimeRange;
  /** Of spans alone: without conditions on the trace as a whole. */
  readonly filter?: Filter | undefined;
  readonly order: TraceOrder;
  readonly limit: number;
  readonly after?: Cursor | undefined;
}

export async function findTraceIds(context: ReadContext, query: SpanSearch): Promise<FoundPage> {
  const search = new Search(context, query);
  const all = await search.run();
  const found = all.slice(0, query.limit);
  const last = found.at(-1);
  const end = last === undefined ? undefined : search.cursorAt(last);
  return { found, end, hasMore: all.length > query.limit };
}

class Search {
  readonly #context: ReadContext;
  readonly #range: TimeRange;
  readonly #filter: Filter | undefined;
  readonly #order: TraceOrder;
  readonly #after: Cursor | undefined;
  readonly #walTo: number;
  /** One more than the page, to know whether there is another. */
  readonly #wanted: number;
  readonly #visible: readonly DataFile[];
  /** Of files that were narrowed: where rows that match are; undefined = anywhere. */
  readonly #places = new Map<DataFile, readonly RowRange[] | undefined>();

  constructor(context: ReadContext, query: SpanSearch) {
    this.#context = context;
    this.#range = query.range;
    this.#filter = query.filter;
    this.#order = query.order;
    this.#after = query.after;
    const { files, walTo } = visibleFiles(context.manifest, this.#after?.walTo);
    this.#visible = files;
    this.#walTo = walTo;
    this.#wanted = query.limit + 1;
  }

  cursorAt({ key, traceId }: FoundTrace): Cursor {
    return { order: this.#order, key, traceId, walTo: this.#walTo };
  }

  run(): Promise<FoundTrace[]> {
    const inRange = this.#visible.filter((file) => overlaps(file, this.#range));
    switch (this.#order) {
      case 'newest':
        return this.#newest(inRange);
      case 'oldest':
        return this.#oldest(inRange);
      default:
        return this.#bySummaries(inRange);
    }
  }

  /** Intervals of time from the start of the range on. A trace counts in one only if no matching span
   *  of it lies behind: those of a page are looked up there. */
  async #oldest(files: readonly DataFile[]): Promise<FoundTrace[]> {
    const options = {
      range: this.#range,
      cursorKey: this.#after?.key,
      firstRows: this.#context.firstRows,
    };
    for (const endNano of intervalsUp(files, options)) {
      const isLast = endNano === this.#range.endNano || this.#wanted > LOOKED_UP_MAX;
      const range = isLast ? this.#range : { startNano: this.#range.startNano, endNano };
      const overlapping = files.filter((file) => overlaps(file, range));
      const found = await this.#ask(await this.#narrow(overlapping), (some) =>
        this.#byStart(some, 'ASC', range),
      );
      if (isLast) return found;
      if (found.length < this.#wanted) continue;
      const later = await this.#haveLater(found, endNano);
      const certain = found.filter(({ traceId }) => !later.has(traceId));
      if (certain.length >= this.#wanted) return certain;
    }
    return [];
  }

  /** Which of the traces have a matching span from then on. */
  async #haveLater(traces: readonly FoundTrace[], startNano: bigint): Promise<ReadonlySet<string>> {
    const range = { startNano, endNano: this.#range.endNano };
    const ids = traces.map(({ traceId }) => traceId).toSorted();
    const behind = this.#visible.filter((file) => overlaps(file, range));
    const files = await filesWithAny(await this.#narrow(behind), Buffer.from(ids.join(''), 'hex'));
    const later = await this.#ask(files, (some) => this.#among(some, range, ids));
    return new Set(later.map(({ traceId }) => traceId));
  }

  async #bySummaries(inRange: readonly DataFile[]): Promise<FoundTrace[]> {
    const matching = new Set(await this.#narrow(inRange));
    const files = await this.#withRowsOf(matching);
    return this.#ask(files, (some) => this.#bySummary(some, matching));
  }

  /** Those of the files where something may match. */
  async #narrow(files: readonly DataFile[]): Promise<DataFile[]> {
    const unknown = files.filter((file) => !this.#places.has(file));
    for (const file of unknown) this.#places.set(file, NOWHERE);
    for (const { file, rows } of await narrowFiles(unknown, this.#filter)) {
      this.#places.set(file, rows);
    }
    return files.filter((file) => this.#places.get(file) !== NOWHERE);
  }

  /** Intervals of time, newest first: what is found in one lies before all that follow. */
  async #newest(files: readonly DataFile[]): Promise<FoundTrace[]> {
    const found = new Map<string, bigint>();
    let until = this.#range.endNano;
    const { firstRows } = this.#context;
    const cursorKey = this.#after?.key;
    const points = intervalsOf(files, { range: this.#range, cursorKey, firstRows });
    for (const [i, point] of points.entries()) {
      const isRest = i > 0 && (await this.#isRest(files, i, found.size));
      const from = isRest ? this.#range.startNano : point;
      // Behind a cursor a trace counts only if no matching span lies before it, so everything up
      // to here is asked again; without one an interval adds to what the last ones found.
      const endNano = this.#after === undefined ? until : this.#range.endNano;
      const interval = { startNano: from, endNano };
      const overlapping = files.filter((file) => overlaps(file, interval));
      const traces = await this.#ask(await this.#narrow(overlapping), (some) =>
        this.#byStart(some, 'DESC', interval),
      );
      if (this.#after !== undefined) found.clear();
      for (const { traceId, key } of traces) {
        if (!found.has(traceId)) found.set(traceId, key);
      }
      if (found.size >= this.#wanted || from === this.#range.startNano) break;
      until = from;
    }
    return [...found].map(([traceId, key]) => ({ traceId, key })).slice(0, this.#wanted);
  }

  /** Whether all that is left is asked at once, after so many intervals: what two of them do not have
   *  at all fills no page soon, and of few rows intervals cost more than they spare. */
  async #isRest(files: readonly DataFile[], asked: number, found: number): Promise<boolean> {
    if (asked > 1 && found === 0) return true;
    const left = await this.#narrow(files);
    const parts = [...partsOf(left, this.#places)];
    const rows = parts.map(([file, range]) => (range ? range.to - range.from : file.rows));
    return (
      rows.reduce((sum, count) => sum + count, 0) <=
      LITTLE * (this.#context.firstRows ?? FIRST_ROWS)
    );
  }

  async #ask(
    files: readonly DataFile[],
    plan: (files: readonly DataFile[]) => QueryPlan | undefined,
  ): Promise<FoundTrace[]> {
    const result = await askFiles(this.#context, files, plan);
    return result === undefined ? [] : foundTraces(result);
  }

  #among(
    files: readonly DataFile[],
    range: TimeRange,
    traceIds: readonly string[],
  ): QueryPlan | undefined {
    const sql = new SqlBuilder();
    const rows = this.#matching(sql, { files, range, select: 'trace_id, start_nano' });
    if (rows === undefined) return undefined;
    const ids = traceIds.map((id) => sql.bind(Buffer.from(id, 'hex'), 'BLOB'));
    return sql.plan(
      `SELECT trace_id, max(start_nano) AS key FROM ${rows} AS found` +
        ` WHERE trace_id IN (${ids.join(', ')}) GROUP BY trace_id`,
    );
  }

  #byStart(
    files: readonly DataFile[],
    direction: 'ASC' | 'DESC',
    range: TimeRange,
  ): QueryPlan | undefined {
    const sql = new SqlBuilder();
    const rows = this.#matching(sql, { files, range, select: 'trace_id, start_nano' });
    if (rows === undefined) return undefined;
    return sql.plan(
      `SELECT trace_id, max(start_nano) AS key FROM ${rows} GROUP BY trace_id` +
        `${this.#having(sql, direction)} ORDER BY key ${direction}, trace_id LIMIT ${this.#wanted}`,
    );
  }

  /** The files that may have rows of traces that match in the given ones: all that there are, unless
   *  so few traces match that the indices can be asked. */
  async #withRowsOf(matching: ReadonlySet<DataFile>): Promise<readonly DataFile[]> {
    if (this.#visible.every((file) => matching.has(file))) return this.#visible;
    const result = await askFiles(this.#context, [...matching], (files) =>
      this.#matchingIds(files),
    );
    const [ids] = result?.columns ?? [];
    if (result === undefined || ids?.kind !== 'bytes') return [];
    if (result.rows > KNOWN_IDS_MAX) return this.#visible;
    return filesWithAny(this.#visible, ids.bytes, matching);
  }

  #matchingIds(files: readonly DataFile[]): QueryPlan | undefined {
    const sql = new SqlBuilder();
    const rows = this.#matching(sql, { files, range: this.#range, select: 'trace_id' });
    const limit = `LIMIT ${KNOWN_IDS_MAX + 1}`;
    if (rows === undefined) return undefined;
    return sql.plan(`SELECT DISTINCT trace_id FROM ${rows} ORDER BY trace_id ${limit}`);
  }

  /** Over all rows of the traces that match, wherever they are. */
  #bySummary(files: readonly DataFile[], mayMatch: ReadonlySet<DataFile>): QueryPlan | undefined {
    const sql = new SqlBuilder();
    const { key, direction, columns } = SUMMARY_KEYS[this.#order];
    const isFiltered = this.#filter !== undefined;
    const isEvery = !isFiltered && files.every((file) => this.#isInside(file));
    const all = rowsOf(files, {
      select: (_, file) => {
        const isIn = `${this.#isInRange(sql, file)} AS is_in`;
        return ['trace_id', ...columns, ...(isFiltered || isEvery ? [] : [isIn])].join(', ');
      },
      where: (shape, file) => allTrue(arrivedBy(sql, this.#after?.walTo, { shape, file })),
    });
    const inRange = files.filter((file) => mayMatch.has(file));
    const some = { files: inRange, range: this.#range, select: 'trace_id' };
    const matching = isFiltered ? this.#matching(sql, some) : undefined;
    if (all === undefined || (isFiltered && matching === undefined)) return undefined;
    const those = isFiltered ? ` SEMI JOIN ${matching} AS matching USING (trace_id)` : '';
    const having = isFiltered || isEvery ? TRUE : 'bool_or(is_in)';
    const conditions = this.#having(sql, direction, having);
    return sql.plan(
      `SELECT trace_id, (${key})::UBIGINT AS key FROM ${all} AS spans${those} GROUP BY trace_id` +
        `${conditions} ORDER BY key ${direction}, trace_id LIMIT ${this.#wanted}`,
    );
  }

  /** Of a row of the file. */
  #isInRange(sql: SqlBuilder, file: DataFile): string {
    return overlaps(file, this.#range) ? allTrue(rangeSql(sql, this.#range, file)) : FALSE;
  }

  #isInside(file: DataFile): boolean {
    return file.minStartNano >= this.#range.startNano && file.maxStartNano < this.#range.endNano;
  }

  #matching(
    sql: SqlBuilder,
    { files, range, select }: { files: readonly DataFile[]; range: TimeRange; select: string },
  ): string | undefined {
    const parts = partsOf(files, this.#places);
    return rowsOf([...parts.keys()], {
      select: () => select,
      where: (shape, file) =>
        allTrue([
          ...rangeSql(sql, range, file),
          ...rowRangeSql(parts.get(file)),
          ...arrivedBy(sql, this.#after?.walTo, { shape, file }),
          this.#filter === undefined ? TRUE : filterSql(this.#filter, sql, shape),
        ]),
    });
  }

  #having(sql: SqlBuilder, direction: 'ASC' | 'DESC', condition = TRUE): string {
    const all = allTrue([condition, this.#isBehindCursor(sql, direction)]);
    return all === TRUE ? '' : ` HAVING ${all}`;
  }

  #isBehindCursor(sql: SqlBuilder, direction: 'ASC' | 'DESC'): string {
    const after = this.#after;
    if (after === undefined) return TRUE;
    const key = sql.bind(after.key, 'UBIGINT');
    const id = sql.bind(Buffer.from(after.traceId, 'hex'), 'BLOB');
    const beyond = direction === 'DESC' ? '<' : '>';
    return `(key ${beyond} ${key} OR (key = ${key} AND trace_id > ${id}))`;
  }
}

/** A larger page is asked for at once. */
const LOOKED_UP_MAX = 1000;

/** Read in one go, beside the rows of a first interval: as long as a few statements take. */
const LITTLE = 10;

/** With more traces that match, files are read rather than their indices. */
const KNOWN_IDS_MAX = 200_000;

/** Of a file where nothing matches. */
const NOWHERE: readonly RowRange[] = [];

/** Times that make no sense (an end before the start, beyond 2^64) must not fail the query. */
const DURATION =
  'coalesce(TRY_CAST(max(start_nano::HUGEINT + duration_nano) - min(start_nano) AS UBIGINT), 0)';
interface SummaryKey {
  readonly key: string;
  readonly direction: 'ASC' | 'DESC';
  readonly columns: readonly string[];
}

const TIMES = ['start_nano', 'duration_nano'];
const SUMMARY_KEYS: Record<TraceOrder, SummaryKey> = {
  newest: { key: 'max(start_nano)', direction: 'DESC', columns: TIMES },
  oldest: { key: 'max(start_nano)', direction: 'ASC', columns: TIMES },
  longest: { key: DURATION, direction: 'DESC', columns: TIMES },
  shortest: { key: DURATION, direction: 'ASC', columns: TIMES },
  mostSpans: { key: 'count(*)', direction: 'DESC', columns: [] },
  mostErrors: { key: 'count(*) FILTER (status = 2)', direction: 'DESC', columns: ['status'] },
};

function foundTraces({ rows, columns }: QueryResult): FoundTrace[] {
  const [ids, keys] = columns;
  if (ids?.kind !== 'bytes' || keys?.kind !== 'bigint') return [];
  const found: FoundTrace[] = [];
  for (let row = 0; row < rows; row++) {
    const traceId = hexAt(ids.bytes, ids.offsets[row] ?? 0, 16);
    found.push({ traceId, key: BigInt.asUintN(64, keys.values[row] ?? 0n) });
  }
  return found;
}
