/** Which flushes become one segment: enough of them, or those of an hour that is over, or as many
 *  as fit before their columns together pass what a segment may have. */

import type { DataFile } from './manifest.ts';
import { SEGMENT_COLUMNS_MAX } from './schema.ts';

const HOUR_MS = 3_600_000;

export interface StitchLimits {
  readonly rowGroups: number;
  readonly nowMs: number;
}

/** Flushes that follow each other, oldest first; empty when there is nothing to do. */
export function nextStitch(files: readonly DataFile[], limits: StitchLimits): readonly DataFile[] {
  const flushes = files.filter(({ kind }) => kind === 'flush');
  const columns = new Set<string>();
  const chosen: DataFile[] = [];
  let rowGroups = 0;
  for (const file of flushes) {
    const isNext = chosen.length === 0 || file.from === (chosen.at(-1)?.to ?? 0) + 1;
    for (const { name } of file.columns) columns.add(name);
    const isTooWide = columns.size > SEGMENT_COLUMNS_MAX;
    // A lone flush that fits nothing before or behind it stays a file of its own.
    if (chosen.length === 1 && (!isNext || isTooWide)) {
      return nextStitch(files.slice(files.indexOf(file)), limits);
    }
    if (!isNext || isTooWide) return chosen;
    chosen.push(file);
    rowGroups += file.rowGroups;
    if (rowGroups >= limits.rowGroups) return chosen.length > 1 ? chosen : [];
  }
  const thisHour = Math.floor(limits.nowMs / HOUR_MS);
  const past = chosen.filter((file) => hourOf(file) < thisHour);
  return past.length > 1 ? past : [];
}

function hourOf({ index }: DataFile): number {
  return Math.floor((index?.header.writtenAtMs ?? Infinity) / HOUR_MS);
}
