/** Newest and oldest first: the order key is the start of a trace's newest matching span, so ever
 *  larger intervals of time are asked, from one end, until the page is full. */

import type { DataFile } from '../manifest.ts';
import type { TimeRange } from '../../contract.ts';
import { overlaps } from './file-rows.ts';
import { filesWithAny } from './files-with.ts';
import { FIRST_ROWS, intervalsOf, intervalsUp } from './intervals.ts';
import type { QueryPlan } from './messages.ts';
import { type FoundTrace, type SearchRows, STARTS } from './search-rows.ts';
import { SqlBuilder } from './sql-builder.ts';

/** A larger page is asked for at once. */
const LOOKED_UP_MAX = 1000;

/** Read in one go, beside the rows of a first interval: as long as a few statements take. */
const LITTLE = 10;
const NOTHING_YET = { asked: 0, found: 0 };

/** Intervals of time, newest first: what is found in one lies before all that follow. */
export async function findNewest(
  search: SearchRows,
  files: readonly DataFile[],
): Promise<FoundTrace[]> {
  const { range, after, wanted } = search;
  const found = new Map<string, bigint>();
  let until = range.endNano;
  for (const [i, point] of intervalsOf(files, optionsOf(search)).entries()) {
    const isFirst = i === 0 && search.traces === undefined;
    const isRest = !isFirst && (await isLittleLeft(search, files, { asked: i, found: found.size }));
    const from = isRest ? range.startNano : point;
    // Behind a cursor a trace counts only if no matching span lies before it, so everything up
    // to here is asked again; without one an interval adds to what the last ones found.
    const interval = { startNano: from, endNano: after === undefined ? until : range.endNano };
    const traces = await inInterval(search, files, { interval, direction: 'DESC' });
    if (after !== undefined) found.clear();
    for (const { traceId, key } of traces) {
      if (!found.has(traceId)) found.set(traceId, key);
    }
    if (found.size >= wanted || from === range.startNano) break;
    until = from;
  }
  return [...found].map(([traceId, key]) => ({ traceId, key })).slice(0, wanted);
}

/** Intervals of time from the start of the range on. A trace counts in one only if no matching span
 *  of it lies behind: those of a page are looked up there. */
export async function findOldest(
  search: SearchRows,
  files: readonly DataFile[],
): Promise<FoundTrace[]> {
  const { range, wanted } = search;
  const isLittle = search.traces !== undefined && (await isLittleLeft(search, files, NOTHING_YET));
  for (const endNano of intervalsUp(files, optionsOf(search))) {
    const isLast = isLittle || endNano === range.endNano || wanted > LOOKED_UP_MAX;
    const interval = isLast ? range : { startNano: range.startNano, endNano };
    const found = await inInterval(search, files, { interval, direction: 'ASC' });
    if (isLast) return found;
    if (found.length < wanted) continue;
    const later = await haveLater(search, found, endNano);
    const certain = found.filter(({ traceId }) => !later.has(traceId));
    if (certain.length >= wanted) return certain;
  }
  return [];
}

function optionsOf({ range, after, context: { firstRows } }: SearchRows) {
  return { range, cursorKey: after?.key, firstRows };
}

/** Which of the traces have a matching span from then on. */
async function haveLater(
  search: SearchRows,
  traces: readonly FoundTrace[],
  startNano: bigint,
): Promise<ReadonlySet<string>> {
  const range = { startNano, endNano: search.range.endNano };
  const ids = traces.map(({ traceId }) => traceId).toSorted();
  const behind = search.visible.filter((file) => overlaps(file, range));
  const files = await filesWithAny(await search.narrow(behind), Buffer.from(ids.join(''), 'hex'));
  return search.among(files, ids, { range });
}

/** Whether all that is left is asked at once, after so many intervals: what two of them do not have
 *  at all fills no page soon, and of few rows intervals cost more than they spare. */
async function isLittleLeft(
  search: SearchRows,
  files: readonly DataFile[],
  { asked, found }: { asked: number; found: number },
): Promise<boolean> {
  if (asked > 1 && found === 0) return true;
  const left = await search.narrow(files);
  return search.rowsIn(left) <= LITTLE * (search.context.firstRows ?? FIRST_ROWS);
}

interface Interval {
  readonly interval: TimeRange;
  readonly direction: 'ASC' | 'DESC';
}

async function inInterval(
  search: SearchRows,
  files: readonly DataFile[],
  { interval, direction }: Interval,
): Promise<FoundTrace[]> {
  const overlapping = files.filter((file) => overlaps(file, interval));
  const plan = (some: readonly DataFile[]): QueryPlan | undefined => {
    const sql = new SqlBuilder();
    const rows = search.matching(sql, { files: some, range: interval, select: STARTS });
    if (rows === undefined) return undefined;
    return sql.plan(
      `SELECT trace_id, max(start_nano) AS key FROM ${rows} GROUP BY trace_id` +
        search.page(sql, direction),
    );
  };
  return search.ask(await search.narrow(overlapping), plan);
}
