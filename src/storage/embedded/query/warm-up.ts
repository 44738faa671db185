/** A query that touches every file and reads nothing but footers. */

import type { DataFile } from '../manifest.ts';
import { rowsOf } from './file-rows.ts';
import type { QueryPlan } from './messages.ts';
import { SqlBuilder, TRUE } from './sql-builder.ts';

export function warmUpPlan(files: readonly DataFile[]): QueryPlan | undefined {
  const rows = rowsOf(files, { select: () => 'trace_id', where: () => TRUE });
  if (rows === undefined) return undefined;
  return new SqlBuilder().plan(`SELECT count(*) FROM ${rows} AS spans`);
}
