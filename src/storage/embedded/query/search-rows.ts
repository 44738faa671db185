/** The rows that a search is about: of which files, which of them can match, and how they are asked.
 *  What every way of finding traces works with. */

import type { Filter } from '../../../filter/ast.ts';
import { hexAt } from '../../../model/ids.ts';
import type { TimeRange, TraceOrder } from '../../contract.ts';
import type { DataFile, RowRange } from '../manifest.ts';
import type { ChosenTraces } from './chosen-traces.ts';
import type { Cursor } from './cursor.ts';
import { partsOf, rowRangeSql } from './file-parts.ts';
import { rangeSql, rowsOf, traceIdList } from './file-rows.ts';
import { filterSql } from './filter-sql.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import { narrowFiles } from './narrow-files.ts';
import { namedParents } from './parent-sql.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { arrivedBy, visibleFiles } from './snapshot.ts';
import { allTrue, SqlBuilder, TRUE } from './sql-builder.ts';

export interface FoundTrace {
  readonly traceId: string;
  /** What the order goes by. */
  readonly key: bigint;
}

export interface SpanSearch {
  readonly range: TimeRange;
  /** Of spans alone: without conditions on the trace as a whole. */
  readonly filter?: Filter | undefined;
  readonly order: TraceOrder;
  readonly limit: number;
  readonly after?: Cursor | undefined;
  /** No others are looked for. */
  readonly traces?: ChosenTraces | undefined;
}

export type Places = ReadonlyMap<DataFile, readonly RowRange[] | undefined>;

interface Some {
  readonly files: readonly DataFile[];
  readonly range: TimeRange;
  readonly select: string;
  /** Of files that are read in part; those that are narrowed unless said. */
  readonly places?: Places | undefined;
}

export class SearchRows {
  readonly context: ReadContext;
  readonly range: TimeRange;
  readonly filter: Filter | undefined;
  readonly order: TraceOrder;
  readonly after: Cursor | undefined;
  readonly traces: ChosenTraces | undefined;
  /** One more than the page, to know whether there is another. */
  readonly wanted: number;
  /** All files that the page may see, oldest first. */
  readonly visible: readonly DataFile[];
  readonly #walTo: number;
  /** Of files that were narrowed: where rows that match are; undefined = anywhere. */
  readonly #places = new Map<DataFile, readonly RowRange[] | undefined>();

  constructor(context: ReadContext, query: SpanSearch) {
    this.context = context;
    this.range = query.range;
    this.filter = query.filter;
    this.order = query.order;
    this.after = query.after;
    this.traces = query.traces;
    const { files, walTo } = visibleFiles(context.manifest, this.after?.walTo);
    this.visible = files;
    this.#walTo = walTo;
    this.wanted = query.limit + 1;
  }

  cursorAt({ key, traceId }: FoundTrace): Cursor {
    return { order: this.order, key, traceId, walTo: this.#walTo };
  }

  /** Whether some of its rows had not arrived when the first page was made. */
  isCut(file: DataFile): boolean {
    return this.after !== undefined && file.walTo > this.after.walTo;
  }

  /** Whether all its rows are in the range. */
  isInside(file: DataFile): boolean {
    return file.minStartNano >= this.range.startNano && file.maxStartNano < this.range.endNano;
  }

  /** Those of the files where something may match. */
  async narrow(files: readonly DataFile[]): Promise<DataFile[]> {
    const unknown = files.filter((file) => !this.#places.has(file));
    for (const file of unknown) this.#places.set(file, NOWHERE);
    const some = unknown.filter(({ path }) => this.traces?.places.has(path) !== false);
    for (const { file, rows } of await narrowFiles(some, this.filter)) {
      const both = inBoth(rows, this.traces?.places.get(file.path));
      this.#places.set(file, both?.length === 0 ? NOWHERE : both);
    }
    return files.filter((file) => this.#places.get(file) !== NOWHERE);
  }

  /** Whether rows that match may be in one of these row groups of a file that was narrowed. */
  mayBeIn(file: DataFile, rowGroups: readonly number[]): boolean {
    const ranges = this.#places.get(file);
    const { rowGroupRows } = file;
    if (ranges === undefined || rowGroupRows === undefined) return true;
    let from = 0;
    return rowGroupRows.some((rows, rowGroup) => {
      const [start, end] = [from, (from += rows)];
      return rowGroups.includes(rowGroup) && ranges.some((r) => r.from < end && r.to > start);
    });
  }

  /** How many rows of files that were narrowed would be read. */
  rowsIn(files: readonly DataFile[]): number {
    const parts = [...partsOf(files, this.#places)];
    const rows = parts.map(([file, range]) => (range ? range.to - range.from : file.rows));
    return rows.reduce((sum, count) => sum + count, 0);
  }

  async ask(
    files: readonly DataFile[],
    plan: (files: readonly DataFile[]) => QueryPlan | undefined,
  ): Promise<FoundTrace[]> {
    const result = await askFiles(this.context, files, plan);
    return result === undefined ? [] : foundTraces(result);
  }

  /** Which of the traces have a row that matches, in these files. */
  async among(
    files: readonly DataFile[],
    traceIds: readonly string[],
    { range = this.range, places }: { range?: TimeRange; places?: Places } = {},
  ): Promise<ReadonlySet<string>> {
    const found = await this.ask(files, (some) => {
      const sql = new SqlBuilder();
      const rows = this.matching(sql, { files: some, range, places, select: STARTS });
      if (rows === undefined) return undefined;
      const ids = traceIds.map((id) => sql.bind(Buffer.from(id, 'hex'), 'BLOB'));
      return sql.plan(
        `SELECT trace_id, max(start_nano) AS key FROM ${rows} AS found` +
          ` WHERE trace_id IN (${ids.join(', ')}) GROUP BY trace_id`,
      );
    });
    return new Set(found.map(({ traceId }) => traceId));
  }

  /** A subquery of the rows that match; undefined when there can be none. */
  matching(
    sql: SqlBuilder,
    { files, range, select, places = this.#places }: Some,
  ): string | undefined {
    const parts = partsOf(files, places);
    const rows = rowsOf([...parts.keys()], {
      select: () => select,
      parents: namedParents(this.filter),
      where: (shape, file) =>
        allTrue([
          ...rangeSql(sql, range, file),
          ...rowRangeSql(parts.get(file)),
          ...arrivedBy(sql, this.after?.walTo, { shape, file }),
          this.filter === undefined ? TRUE : filterSql(this.filter, sql, shape),
        ]),
    });
    return rows && this.ofChosen(rows);
  }

  /** Of rows with their trace ids, those of the traces that are looked for. */
  ofChosen(rows: string): string {
    if (this.traces === undefined) return rows;
    return `(FROM ${rows} AS found WHERE trace_id IN ${traceIdList(this.traces.ids)})`;
  }

  /** All rows of the traces that are looked for are in these parts of the files. */
  partsWithAll(files: readonly DataFile[]): Map<DataFile, RowRange | undefined> {
    const places = this.traces?.places;
    if (places === undefined) return partsOf(files, new Map());
    const some = files.filter(({ path }) => places.has(path));
    return partsOf(some, new Map(some.map((file) => [file, places.get(file.path)])));
  }

  /** What follows a GROUP BY of traces with a `key`. */
  page(sql: SqlBuilder, direction: 'ASC' | 'DESC', condition = TRUE): string {
    const all = allTrue([condition, this.#isBehindCursor(sql, direction)]);
    const having = all === TRUE ? '' : ` HAVING ${all}`;
    return `${having} ORDER BY key ${direction}, trace_id LIMIT ${this.wanted}`;
  }

  #isBehindCursor(sql: SqlBuilder, direction: 'ASC' | 'DESC'): string {
    if (this.after === undefined) return TRUE;
    const key = sql.bind(this.after.key, 'UBIGINT');
    const id = sql.bind(Buffer.from(this.after.traceId, 'hex'), 'BLOB');
    const beyond = direction === 'DESC' ? '<' : '>';
    return `(key ${beyond} ${key} OR (key = ${key} AND trace_id > ${id}))`;
  }
}

export const STARTS = 'trace_id, start_nano';

/** Of a file where nothing matches. */
const NOWHERE: readonly RowRange[] = [];

/** Both ascending and apart; undefined = all rows. */
function inBoth(
  a: readonly RowRange[] | undefined,
  b: readonly RowRange[] | undefined,
): readonly RowRange[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.flatMap((one) =>
    b
      .map((other) => ({ from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) }))
      .filter(({ from, to }) => from < to),
  );
}

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
