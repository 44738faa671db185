/** A query that touches the files searched first and reads nothing but footers. Those of a long
 *  history would take hundreds of megabytes for files that nobody may ever ask. */

import type { DataFile } from '../manifest.ts';
import { rowsOf } from './file-rows.ts';
import type { QueryPlan } from './messages.ts';
import { SqlBuilder, TRUE } from './sql-builder.ts';

const FILES_MAX = 16;

export function warmUpPlan(files: readonly DataFile[]): QueryPlan | undefined {
  const newest = files
    .toSorted((a, b) => Number(b.maxStartNano - a.maxStartNano))
    .slice(0, FILES_MAX);
  const rows = rowsOf(newest, { select: () => 'trace_id', where: () => TRUE });
  if (rows === undefined) return undefined;
  return new SqlBuilder().plan(`SELECT count(*) FROM ${rows} AS spans`);
}
