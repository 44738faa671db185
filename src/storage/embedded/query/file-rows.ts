/** The rows of several files as one source. Files have different columns, and a column that a file
 *  lacks cannot be named, so a condition is made for each file; files for which it comes out the
 *  same are read together. */

import type { DataFile } from '../manifest.ts';
import { quoteText, type SqlBuilder, TRUE, FALSE } from './sql-builder.ts';
import type { TimeRange } from '../../contract.ts';

const UNSIGNED_MAX = 2n ** 64n - 1n;

export interface RowsOf {
  /** What to select, for a file with these columns. */
  readonly select: (columns: ReadonlySet<string>) => string;
  readonly where: (columns: ReadonlySet<string>, file: DataFile) => string;
}

/** A subquery in brackets; undefined when no file has a row that qualifies. */
export function rowsOf(files: readonly DataFile[], { select, where }: RowsOf): string | undefined {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const columns = columnNames(file);
    const condition = where(columns, file);
    if (condition === FALSE) continue;
    const tail = condition === TRUE ? '' : ` WHERE ${condition}`;
    const key = `SELECT ${select(columns)} FROM \u0000${tail}`;
    const paths = groups.get(key);
    if (paths === undefined) groups.set(key, [file.path]);
    else paths.push(file.path);
  }
  if (groups.size === 0) return undefined;
  const parts = [...groups].map(([key, paths]) => key.replace('\u0000', () => source(paths)));
  return `(${parts.join(' UNION ALL ')})`;
}

function source(paths: readonly string[]): string {
  return `read_parquet([${paths.map(quoteText).join(', ')}])`;
}

const known = new WeakMap<DataFile, ReadonlySet<string>>();

export function columnNames(file: DataFile): ReadonlySet<string> {
  const names = known.get(file) ?? new Set(file.columns.map((column) => column.name));
  known.set(file, names);
  return names;
}

/** Conditions a range needs for a file, none where all its rows are inside. */
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
