/** Parents in SQL. In files of today a row says at which place of its trace its parent stands, and
 *  only a parent outside of the row group by its id (docs/formats/segment.md). Whether there is a
 *  parent is seen from these two columns; its id takes a window over the rows of each trace, so it
 *  is made only for who names it. */

import type { DataFile } from '../manifest.ts';
import type { FileShape } from './file-shape.ts';
import { quoteText, TRUE } from './sql-builder.ts';

/** A column of a source that `sourceWithParents` makes. */
const WHOLE_ID = 'whole_parent_id';

/** The id of a row's parent, null of a root. */
export function parentId(shape: FileShape): string {
  if (shape.has('parent_at')) return WHOLE_ID;
  return shape.has('parent_id') ? 'parent_id' : 'NULL::UBIGINT';
}

export function isRoot(shape: FileShape): string {
  const columns = ['parent_id', 'parent_at'].filter((name) => shape.has(name));
  return columns.length === 0 ? 'TRUE' : columns.map((name) => `${name} IS NULL`).join(' AND ');
}

export function hasParents(shape: FileShape): boolean {
  return shape.has('parent_id') || shape.has('parent_at');
}

/** Whether an SQL text names the id of a parent that has to be made. */
export function namesParentId(text: string): boolean {
  return text.includes(WHOLE_ID);
}

type Placed = Pick<DataFile, 'path' | 'rowGroupRows'>;

/** The rows of a file with the ids of their parents. A condition on trace_id reaches the scan, any
 *  other is tested behind the window. `where`: which row groups are read at all. */
export function sourceWithParents(file: Placed, shape: FileShape, where = TRUE): string {
  const source = `read_parquet(${quoteText(file.path)}, file_row_number = true)`;
  const rows = where === TRUE ? source : `${source} WHERE ${where}`;
  const placed = `lag(span_id, parent_at) OVER (
    PARTITION BY ${rowGroupSql(file)}, trace_id ORDER BY start_nano, file_row_number)`;
  const id = shape.has('parent_id') ? `coalesce(parent_id, ${placed})` : placed;
  return `(SELECT *, ${id} AS ${WHOLE_ID} FROM ${rows})`;
}

/** The number of the row group that a row is in. */
function rowGroupSql({ rowGroupRows = [] }: Placed): string {
  let end = 0;
  const cases = rowGroupRows.slice(0, -1).map((rows, i) => {
    end += rows;
    return `WHEN file_row_number < ${end} THEN ${i}`;
  });
  return cases.length === 0 ? '0' : `CASE ${cases.join(' ')} ELSE ${cases.length} END`;
}
