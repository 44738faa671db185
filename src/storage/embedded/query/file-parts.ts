/** Files of which only some rows are read. DuckDB leaves out row groups by the numbers of their rows,
 *  but for one range only: each range is a scan of its own. */

import type { DataFile, RowRange } from '../manifest.ts';
import { allTrue, TRUE } from './sql-builder.ts';

/** A file once for each of its ranges, and the files that are read whole. */
export function partsOf(
  files: readonly DataFile[],
  places: ReadonlyMap<DataFile, readonly RowRange[] | undefined>,
): Map<DataFile, RowRange | undefined> {
  const parts = new Map<DataFile, RowRange | undefined>();
  for (const file of files) {
    const ranges = places.get(file);
    if (ranges === undefined) parts.set(file, undefined);
    else for (const range of ranges) parts.set({ ...file }, range);
  }
  return parts;
}

export function rowRangeSql(range: RowRange | undefined): string[] {
  if (range === undefined) return [];
  const { from, to } = range;
  return [`file_row_number >= ${from}`, `file_row_number < ${to}`];
}

/** Conditions on the row numbers of a file, one for each scan of it that misses what is damaged. */
export function readableParts({ rows, damage }: DataFile): string[] {
  if (damage === undefined) return [TRUE];
  const parts: string[] = [];
  let from = 0;
  for (const lost of [...damage.rows, { from: rows, to: rows }]) {
    if (lost.from > from) parts.push(allTrue(rowRangeSql({ from, to: lost.from })));
    from = lost.to;
  }
  return parts;
}
