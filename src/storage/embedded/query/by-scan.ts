/** Orders by the trace as a whole from all rows of the traces that match, wherever they are: as slow as
 *  there are rows, and right whatever the indices know. by-summary.ts is asked first. */

import type { TraceOrder } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import { rowRangeSql } from './file-parts.ts';
import { overlaps, rangeSql, rowsOf } from './file-rows.ts';
import { filesWithAny } from './files-with.ts';
import type { QueryPlan } from './messages.ts';
import type { FoundTrace, SearchRows } from './search-rows.ts';
import { arrivedBy } from './snapshot.ts';
import { allTrue, FALSE, SqlBuilder, TRUE } from './sql-builder.ts';

/** `ids`: of the traces that match, 16 bytes each, ascending; absent when they are too many. */
export async function findByScan(
  search: SearchRows,
  matching: ReadonlySet<DataFile>,
  ids: Uint8Array | undefined,
): Promise<FoundTrace[]> {
  const files =
    ids === undefined ? search.visible : await filesWithAny(search.visible, ids, matching);
  return search.ask(files, (some) => scanPlan(search, some, matching));
}

function scanPlan(
  search: SearchRows,
  files: readonly DataFile[],
  mayMatch: ReadonlySet<DataFile>,
): QueryPlan | undefined {
  const { filter, range, after } = search;
  const sql = new SqlBuilder();
  const { key, direction, columns } = SUMMARY_KEYS[search.order];
  const isFiltered = filter !== undefined;
  const isEvery = !isFiltered && files.every((file) => search.isInside(file));
  const parts = search.partsWithAll(files);
  const all = rowsOf([...parts.keys()], {
    select: (_, file) => {
      const inRange = overlaps(file, range) ? allTrue(rangeSql(sql, range, file)) : FALSE;
      const isIn = isFiltered || isEvery ? [] : [`${inRange} AS is_in`];
      return ['trace_id', ...columns, ...isIn].join(', ');
    },
    where: (shape, file) =>
      allTrue([...rowRangeSql(parts.get(file)), ...arrivedBy(sql, after?.walTo, { shape, file })]),
  });
  const some = files.filter((file) => mayMatch.has(file));
  const matching = isFiltered
    ? search.matching(sql, { files: some, range, select: 'trace_id' })
    : undefined;
  if (all === undefined || (isFiltered && matching === undefined)) return undefined;
  const those = isFiltered ? ` SEMI JOIN ${matching} AS matching USING (trace_id)` : '';
  const condition = isFiltered || isEvery ? TRUE : 'bool_or(is_in)';
  return sql.plan(
    `SELECT trace_id, (${key})::UBIGINT AS key FROM ${all} AS spans${those} GROUP BY trace_id` +
      search.page(sql, direction, condition),
  );
}

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
