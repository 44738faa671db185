/** Where a search for the newest (or the oldest) stops to look whether it has enough: points in time
 *  from there on, such that about so many rows lie before the first and ever more between those that
 *  follow. */

import type { TimeRange } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';

/** Rows of the first interval; each that follows has so many times those of the last. */
export const FIRST_ROWS = 100_000;
const GROWTH = 4;

type Timed = Pick<DataFile, 'minStartNano' | 'maxStartNano' | 'rows'>;

export interface IntervalOptions {
  readonly range: TimeRange;
  /** Behind a cursor rows count from it on: those before are only looked at to leave traces out. */
  readonly cursorKey: bigint | undefined;
  readonly firstRows?: number | undefined;
}

/** Strictly ascending; the last is the end of the range. */
export function intervalsUp(files: readonly Timed[], options: IntervalOptions): bigint[] {
  const { range, cursorKey } = options;
  // Time turned round: of whole nanoseconds, since a range includes its start and not its end.
  const turned = {
    ...options,
    range: { startNano: 1n - range.endNano, endNano: 1n - range.startNano },
    cursorKey: cursorKey === undefined ? undefined : -cursorKey,
  };
  const mirrored = files.map(({ minStartNano, maxStartNano, rows }) => ({
    minStartNano: -maxStartNano,
    maxStartNano: -minStartNano,
    rows,
  }));
  return intervalsOf(mirrored, turned).map((point) => 1n - point);
}

/** Strictly descending; the last is the start of the range. */
export function intervalsOf(
  files: readonly Timed[],
  { range, cursorKey, firstRows = FIRST_ROWS }: IntervalOptions,
): bigint[] {
  const until = cursorKey === undefined || cursorKey > range.endNano ? range.endNano : cursorKey;
  const spreads = files.map((file) => spreadOf(file, range.startNano, until));
  const total = rowsFrom(spreads, 0);
  const points: bigint[] = [];
  for (let rows = firstRows; rows < total; rows *= GROWTH) {
    const offset = Math.floor(pointWith(spreads, rows));
    const point = range.startNano + BigInt(offset);
    if (offset > 0 && point < (points.at(-1) ?? until)) points.push(point);
  }
  return [...points, range.startNano];
}

/** A file's rows over time, as if they were even; times count from the start of the range. */
interface Spread {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}

function spreadOf(file: Timed, startNano: bigint, until: bigint): Spread {
  const from = Number(file.minStartNano - startNano);
  const to = Math.max(Number(file.maxStartNano - startNano), from + 1);
  const end = Number(until - startNano);
  const part = Math.min(1, Math.max(0, (end - from) / (to - from)));
  return { from, to: Math.min(to, end), rows: file.rows * part };
}

function rowsFrom(spreads: readonly Spread[], at: number): number {
  return spreads.reduce((sum, { from, to, rows }) => {
    if (to <= at) return sum;
    return sum + (from >= at ? rows : (rows * (to - at)) / (to - from));
  }, 0);
}

/** The latest time from which on there are at least so many rows, closely enough. */
function pointWith(spreads: readonly Spread[], rows: number): number {
  let low = 0;
  let high = spreads.reduce((latest, { to }) => Math.max(latest, to), 0);
  for (let i = 0; i < 48; i++) {
    const middle = (low + high) / 2;
    if (rowsFrom(spreads, middle) >= rows) low = middle;
    else high = middle;
  }
  return low;
}
