/** Which flushes become one segment: enough of them, or those of an hour that is over, or as many
 *  as fit before their columns or bytes together pass what a segment may have. */

import type { DataFile } from './manifest.ts';
import { SEGMENT_COLUMNS_MAX } from './schema.ts';

const HOUR_MS = 3_600_000;
/** A segment is read as a whole where it is copied or checked, and what is deleted of it writes it
 *  anew. Node reads no file above 2 GiB at once. */
const SEGMENT_BYTES_MAX = 2 ** 30;

export interface StitchLimits {
  readonly rowGroups: number;
  readonly nowMs: number;
}

/** Flushes that follow each other, oldest first; empty when there is nothing to do. A lone flush
 *  that fits nothing before or behind it stays a file of its own. */
export function nextStitch(files: readonly DataFile[], limits: StitchLimits): readonly DataFile[] {
  let run = new Run();
  for (const file of files.filter(({ kind }) => kind === 'flush')) {
    if (!run.takes(file)) {
      if (run.files.length > 1) return run.files;
      run = new Run();
    }
    run.add(file);
    if (run.rowGroups >= limits.rowGroups && run.files.length > 1) return run.files;
  }
  const thisHour = Math.floor(limits.nowMs / HOUR_MS);
  const past = run.files.filter((file) => hourOf(file) < thisHour);
  return past.length > 1 ? past : [];
}

/** Files that may become one. */
class Run {
  readonly files: DataFile[] = [];
  rowGroups = 0;
  #bytes = 0;
  readonly #columns = new Set<string>();

  takes(file: DataFile): boolean {
    const last = this.files.at(-1);
    if (last === undefined) return true;
    const columns = new Set([...this.#columns, ...namesOf(file)]);
    const fits = this.#bytes + file.bytes <= SEGMENT_BYTES_MAX;
    return fits && file.from === last.to + 1 && columns.size <= SEGMENT_COLUMNS_MAX;
  }

  add(file: DataFile): void {
    this.files.push(file);
    this.rowGroups += file.rowGroups;
    this.#bytes += file.bytes;
    for (const name of namesOf(file)) this.#columns.add(name);
  }
}

function namesOf({ columns }: DataFile): string[] {
  return columns.map(({ name }) => name);
}

function hourOf({ index }: DataFile): number {
  return Math.floor((index?.header.writtenAtMs ?? Infinity) / HOUR_MS);
}
