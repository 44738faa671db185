/** Ids as the hex digits that people compare them with. */

import type { FileShape } from './file-shape.ts';
import { parentId } from './parent-sql.ts';

export const traceIdText = 'lower(hex(trace_id))';

export function spanIdText(column: string): string {
  return `lpad(lower(hex(${column})), 16, '0')`;
}

/** '' of a root. */
export function parentIdText(shape: FileShape): string {
  return `coalesce(${spanIdText(parentId(shape))}, '')`;
}
