/** Finds the ids of the traces that have a matching span, exactly and in order, page by page.
 *
 *  newest: the order key is the start of a trace's newest matching span, so files are asked newest
 *  first, in ever larger steps, until no file left could change the page. All other orders need
 *  every file of the range. */

import type { Filter } from '../../../filter/ast.ts';
import { hexAt } from '../../../model/ids.ts';
import { StorageError, type TimeRange, type TraceOrder, type TraceQuery } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import { type Cursor, decodeCursor, encodeCursor } from './cursor.ts';
import { overlaps, rangeSql, rowsOf } from './file-rows.ts';
import { filterSql } from './filter-sql.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { allTrue, SqlBuilder, TRUE } from './sql-builder.ts';
import { arrivedBy, visibleFiles } from './snapshot.ts';

interface FoundTrace {
  readonly traceId: string;
  readonly key: bigint;
}

export interface FoundPage {
  readonly traceIds: readonly string[];
  readonly cursor?: string | undefined;
}

/** Rows of the first step of a search for the newest; further steps double. */
const FIRST_STEP_ROWS = 400_000;
const LIMIT_MAX = 100_000;

export async function findTraceIds(context: ReadContext, query: TraceQuery): Promise<FoundPage> {
  if (!Number.isSafeInteger(query.limit) || query.limit < 1 || query.limit > LIMIT_MAX) {
    throw new StorageError('invalid', `the limit must be between 1 and ${LIMIT_MAX}`);
  }
  const search = new Search(context, query);
  const found = await search.run();
  const traces = found.slice(0, query.limit);
  const last = traces.at(-1);
  const hasMore = found.length > query.limit && last !== undefined;
  return {
    traceIds: traces.map(({ traceId }) => traceId),
    cursor: hasMore ? encodeCursor(search.cursorAt(last)) : undefined,
  };
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

  constructor(context: ReadContext, query: TraceQuery) {
    this.#context = context;
    this.#range = query.range;
    this.#filter = query.filter;
    this.#order = query.order ?? 'newest';
    this.#after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, this.#order);
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
        return this.#ask(inRange, (files) => this.#byStart(files, 'ASC'));
      default:
        return this.#ask(this.#visible, (files) => this.#bySummary(files));
    }
  }

  async #newest(files: readonly DataFile[]): Promise<FoundTrace[]> {
    const steps = stepsOf(files, this.#after?.key);
    const found = new Map<string, bigint>();
    let asked: DataFile[] = [];
    for (const step of steps) {
      // Behind a cursor a trace counts only if none of its spans lies before it, so all files
      // so far are asked together; without one a step adds to what the last ones found.
      asked = this.#after === undefined ? step.files : [...asked, ...step.files];
      const traces = await this.#ask(asked, (some) => this.#byStart(some, 'DESC'));
      if (this.#after !== undefined) found.clear();
      for (const { traceId, key } of traces) {
        const known = found.get(traceId);
        if (known === undefined || known < key) found.set(traceId, key);
      }
      const certain = [...found.values()].filter((key) => key > step.restBelow).length;
      if (certain >= this.#wanted) break;
    }
    return [...found]
      .map(([traceId, key]) => ({ traceId, key }))
      .toSorted((a, b) => descending(a.key, b.key) || (a.traceId < b.traceId ? -1 : 1))
      .slice(0, this.#wanted);
  }

  async #ask(
    files: readonly DataFile[],
    plan: (files: readonly DataFile[]) => QueryPlan | undefined,
  ): Promise<FoundTrace[]> {
    const result = await askFiles(this.#context, files, plan);
    return result === undefined ? [] : foundTraces(result);
  }

  #byStart(files: readonly DataFile[], direction: 'ASC' | 'DESC'): QueryPlan | undefined {
    const sql = new SqlBuilder();
    const rows = this.#matching(sql, files, 'trace_id, start_nano');
    if (rows === undefined) return undefined;
    return sql.plan(
      `SELECT trace_id, max(start_nano) AS key FROM ${rows} GROUP BY trace_id` +
        `${this.#having(sql, direction)} ORDER BY key ${direction}, trace_id LIMIT ${this.#wanted}`,
    );
  }

  /** Over all rows of the traces that match, wherever they are. */
  #bySummary(files: readonly DataFile[]): QueryPlan | undefined {
    const sql = new SqlBuilder();
    const inRange = files.filter((file) => overlaps(file, this.#range));
    const matching = this.#matching(sql, inRange, 'trace_id');
    if (matching === undefined) return undefined;
    const all = rowsOf(files, {
      select: () => 'trace_id, start_nano, duration_nano, status',
      where: (columns, file) => allTrue(arrivedBy(sql, this.#after?.walTo, { columns, file })),
    });
    const { key, direction } = SUMMARY_KEYS[this.#order];
    return sql.plan(
      `SELECT trace_id, (${key})::UBIGINT AS key FROM ${all} AS spans ` +
        `SEMI JOIN ${matching} AS matching USING (trace_id) GROUP BY trace_id` +
        `${this.#having(sql, direction)} ORDER BY key ${direction}, trace_id LIMIT ${this.#wanted}`,
    );
  }

  #matching(sql: SqlBuilder, files: readonly DataFile[], select: string): string | undefined {
    return rowsOf(files, {
      select: () => select,
      where: (columns, file) =>
        allTrue([
          ...rangeSql(sql, this.#range, file),
          ...arrivedBy(sql, this.#after?.walTo, { columns, file }),
          this.#filter === undefined ? TRUE : filterSql(this.#filter, sql, columns),
        ]),
    });
  }

  #having(sql: SqlBuilder, direction: 'ASC' | 'DESC'): string {
    const after = this.#after;
    if (after === undefined) return '';
    const key = sql.bind(after.key, 'UBIGINT');
    const id = sql.bind(Buffer.from(after.traceId, 'hex'), 'BLOB');
    const beyond = direction === 'DESC' ? '<' : '>';
    return ` HAVING key ${beyond} ${key} OR (key = ${key} AND trace_id > ${id})`;
  }
}

/** Times that make no sense (an end before the start, beyond 2^64) must not fail the query. */
const DURATION =
  'coalesce(TRY_CAST(max(start_nano::HUGEINT + duration_nano) - min(start_nano) AS UBIGINT), 0)';
const SUMMARY_KEYS: Record<TraceOrder, { key: string; direction: 'ASC' | 'DESC' }> = {
  newest: { key: 'max(start_nano)', direction: 'DESC' },
  oldest: { key: 'max(start_nano)', direction: 'ASC' },
  longest: { key: DURATION, direction: 'DESC' },
  shortest: { key: DURATION, direction: 'ASC' },
  mostSpans: { key: 'count(*)', direction: 'DESC' },
  mostErrors: { key: 'count(*) FILTER (status = 2)', direction: 'DESC' },
};

interface Step {
  readonly files: DataFile[];
  /** No row of the files that follow starts later. */
  readonly restBelow: bigint;
}

/** Files by their newest row, in steps that double. All that may hold spans before the cursor are
 *  in the first. */
function stepsOf(files: readonly DataFile[], cursorKey: bigint | undefined): Step[] {
  const sorted = files.toSorted((a, b) => descending(a.maxStartNano, b.maxStartNano));
  const steps: Step[] = [];
  let step: DataFile[] = [];
  let rows = 0;
  let enough = FIRST_STEP_ROWS;
  for (const [i, file] of sorted.entries()) {
    step.push(file);
    rows += file.rows;
    const next = sorted[i + 1];
    const isBefore = cursorKey !== undefined && (next?.maxStartNano ?? -1n) >= cursorKey;
    if (next !== undefined && (rows < enough || isBefore)) continue;
    steps.push({ files: step, restBelow: next?.maxStartNano ?? -1n });
    step = [];
    rows = 0;
    enough *= 2;
  }
  return steps;
}

function descending(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a > b ? -1 : 1;
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
