/** Rollups of data files that were read lately, because a chart asks for the same ones again and
 *  again. A file's never changes: one that is rewritten has another name. */

import { StorageError } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import type { RedPartial } from '../red/partial.ts';

const BYTES_MAX = 48 * 1024 * 1024;

/** Which of a file's rollups, and what of it. */
export interface WantedRed {
  /** All its minutes as one will do; the rollup by minutes may come all the same. */
  readonly isSummed: boolean;
  readonly withBuckets: boolean;
}

const EVERYTHING: WantedRed = { isSummed: false, withBuckets: true };

interface Known {
  readonly red: RedPartial;
  readonly bytes: number;
}

export class RedCache {
  readonly #bytesMax: number;
  readonly #known = new Map<string, Known>();
  #bytes = 0;

  constructor(bytesMax: number = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** undefined when the file has none that can be used. */
  of(file: DataFile, wanted: WantedRed = EVERYTHING): RedPartial | undefined {
    // What a deletion has not rewritten yet counts what is deleted.
    if (file.deleted !== undefined && file.deleted.size > 0) return undefined;
    const sums = wanted.isSummed ? this.#of(file, 'sums', wanted) : undefined;
    return sums ?? this.#of(file, 'red', wanted);
  }

  #of(file: DataFile, name: 'red' | 'sums', { withBuckets }: WantedRed): RedPartial | undefined {
    const key = `${name} ${file.path}`;
    const known = this.#known.get(key);
    const red = known?.red ?? readRed(file, name);
    if (red === undefined) return undefined;
    // Histograms take room from the time on when they are looked at.
    const bytes = Math.max(known?.bytes ?? 0, bytesOf(red, withBuckets));
    this.#known.delete(key);
    this.#known.set(key, { red, bytes });
    this.#bytes += bytes - (known?.bytes ?? 0);
    this.#forget();
    return red;
  }

  #forget(): void {
    for (const [oldest, { bytes }] of this.#known) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#known.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}

function readRed({ index }: DataFile, name: 'red' | 'sums'): RedPartial | undefined {
  try {
    return index?.[name]();
  } catch (error) {
    // The spans are there, and are asked instead.
    if (error instanceof StorageError && error.code === 'damaged') return undefined;
    throw error;
  }
}

function bytesOf({ cells, operations, edges }: RedPartial, withBuckets: boolean): number {
  // Packed, a bucket and its count take about one byte.
  const buckets = (cells.starts.at(-1) ?? 0) * (withBuckets ? 7 : 1);
  return cells.count * 77 + buckets + operations.length * 200 + edges.length * 100;
}
