/** Rollups of data files that were read lately, because a chart asks for the same ones again and
 *  again. A file's never changes: one that is rewritten has another name. */

import { StorageError } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import type { RedPartial } from '../red/partial.ts';

const BYTES_MAX = 48 * 1024 * 1024;

export class RedCache {
  readonly #bytesMax: number;
  readonly #known = new Map<string, { readonly red: RedPartial; readonly bytes: number }>();
  #bytes = 0;

  constructor(bytesMax: number = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** undefined when the file has none that can be used. */
  of(file: DataFile): RedPartial | undefined {
    // What a deletion has not rewritten yet counts what is deleted.
    if (file.deleted !== undefined && file.deleted.size > 0) return undefined;
    const known = this.#known.get(file.path);
    if (known !== undefined) {
      this.#known.delete(file.path);
      this.#known.set(file.path, known);
      return known.red;
    }
    const red = readRed(file);
    if (red !== undefined) this.#keep(file.path, red);
    return red;
  }

  #keep(path: string, red: RedPartial): void {
    const bytes = bytesOf(red);
    this.#known.set(path, { red, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#known) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#known.delete(oldest);
      this.#bytes -= freed;
    }
  }
}

function readRed({ index }: DataFile): RedPartial | undefined {
  try {
    return index?.red();
  } catch (error) {
    // The spans are there, and are asked instead.
    if (error instanceof StorageError && error.code === 'damaged') return undefined;
    throw error;
  }
}

function bytesOf({ cells, operations, edges }: RedPartial): number {
  return cells.count * 77 + cells.codes.length * 6 + operations.length * 200 + edges.length * 100;
}
