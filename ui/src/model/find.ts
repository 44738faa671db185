/** Finding in a trace: what the columns hold is searched at once, here; attributes and events are
 *  searched by the server. */

import { spanIdAt, type TraceColumns } from '../../../src/model/trace/columns.ts';

/** Rows whose service, name or span id contains the text, ascending. */
export function findInColumns(columns: TraceColumns, text: string): number[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return [];
  const services = columns.services.map((name) => name.toLowerCase().includes(wanted));
  const names = columns.names.map((name) => name.toLowerCase().includes(wanted));
  const isId = /^[0-9a-f]{4,16}$/.test(wanted);
  const rows: number[] = [];
  for (let row = 0; row < columns.count; row++) {
    const isHit =
      services[columns.serviceIds[row] ?? 0] === true ||
      names[columns.nameIds[row] ?? 0] === true ||
      (isId && spanIdAt(columns, row).includes(wanted));
    if (isHit) rows.push(row);
  }
  return rows;
}

/** Both ascending lists as one, without repeats. */
export function unionRows(a: readonly number[], b: readonly number[]): number[] {
  if (b.length === 0) return [...a];
  return [...new Set([...a, ...b])].sort((one, other) => one - other);
}

/** The place in `matches` of the one after (or before) a row, around the end; -1 when none. */
export function neighbourMatch(matches: readonly number[], row: number, step: 1 | -1): number {
  if (matches.length === 0) return -1;
  if (step > 0) {
    const next = matches.findIndex((match) => match > row);
    return next < 0 ? 0 : next;
  }
  const previous = matches.findLastIndex((match) => match < row);
  return previous < 0 ? matches.length - 1 : previous;
}
