/** The rows of several files as one source. Files have different columns, and a column that a file
 *  lacks cannot be named, so a condition is made for each file; files for which it comes out the
 *  same are read together. */

import type { DataFile } from '../manifest.ts';
import { readableParts } from './file-parts.ts';
import { type FileShape, shapeOf } from './file-shape.ts';
import { namesParentId, sourceWithParents } from './parent-sql.ts';
import { allTrue, quoteText, type SqlBuilder, TRUE, FALSE } from './sql-builder.ts';
import type { TimeRange } from '../../contract.ts';

const UNSIGNED_MAX = 2n ** 64n - 1n;

export interface RowsOf {
  /** What to select, for a file of this shape. */
  readonly select: (shape: FileShape, file: DataFile) => string;
  readonly where: (shape: FileShape, file: DataFile) => string;
  /** `where` holds of children of these spans only; undefined when it does not say. */
  readonly parents?: readonly bigint[] | undefined;
}

/** A subquery in brackets; undefined when no file has a row that qualifies. */
export function rowsOf(
  files: readonly DataFile[],
  { select, where, parents }: RowsOf,
): string | undefined {
  const groups = new Map<string, string[]>();
  const parts: string[] = [];
  for (const file of files) {
    const shape = shapeOf(file);
    const asked = allTrue([where(shape, file), notDeleted(file)]);
    if (asked === FALSE) continue;
    const selected = select(shape, file);
    const hasParents = namesParentId(`${selected} ${asked}`);
    for (const part of readableParts(file)) {
      const condition = hasParents ? asked : allTrue([part, asked]);
      const tail = condition === TRUE ? '' : ` WHERE ${condition}`;
      const key = `SELECT ${selected} FROM \u0000${tail}`;
      if (hasParents) {
        const rows = sourceWithParents(file, shape, { where: part, parents });
        parts.push(key.replace('\u0000', () => rows));
        continue;
      }
      const paths = groups.get(key);
      if (paths === undefined) groups.set(key, [file.path]);
      else paths.push(file.path);
    }
  }
  for (const [key, paths] of groups) parts.push(key.replace('\u0000', () => source(paths)));
  if (parts.length === 0) return undefined;
  return `(${parts.join(' UNION ALL ')})`;
}

/** From so many ids on, a list is joined rather than compared one by one. */
const JOINED_FROM = 50;

/** Leaves out rows of deleted traces that are still in the file. */
function notDeleted({ deleted }: DataFile): string {
  if (deleted === undefined || deleted.size === 0) return TRUE;
  return `trace_id NOT IN ${traceIdList([...deleted])}`;
}

/** What stands behind IN. Ids are hex: they need no quoting. */
export function traceIdList(ids: readonly string[]): string {
  if (ids.length < JOINED_FROM) return `(${ids.map((id) => `unhex('${id}')`).join(', ')})`;
  return `(SELECT unhex(id) FROM unnest(string_split('${ids.join()}', ',')) AS t(id))`;
}

function source(paths: readonly string[]): string {
  return `read_parquet([${paths.map(quoteText).join(', ')}])`;
}

/** Conditions a range needs for a file that overlaps it, none where all its rows are inside. */
export function rangeSql(sql: SqlBuilder, range: TimeRange, file: DataFile): string[] {
  const conditions: string[] = [];
  if (file.minStartNano < range.startNano) {
    conditions.push(`start_nano >= ${sql.bind(unsigned(range.startNano), 'UBIGINT')}`);
  }
  if (file.maxStartNano >= range.endNano) {
    conditions.push(`start_nano < ${sql.bind(unsigned(range.endNano), 'UBIGINT')}`);
  }
  return conditions;
}

export function overlaps(file: DataFile, range: TimeRange): boolean {
  return file.maxStartNano >= range.startNano && file.minStartNano < range.endNano;
}

function unsigned(nano: bigint): bigint {
  if (nano < 0n) return 0n;
  return nano > UNSIGNED_MAX ? UNSIGNED_MAX : nano;
}
