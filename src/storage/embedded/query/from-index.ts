/** Reads of an index that may be damaged: it is made again then, and whoever asked does without it. */

import type { DataFile } from '../manifest.ts';
import { isDamage } from './run-on-files.ts';

export interface IndexUse {
  /** Told of a file whose index turned out to be damaged. */
  readonly onDamagedIndex?: ((file: DataFile) => void) | undefined;
}

/** Throws what `read` does. */
export function fromIndex<T>(file: DataFile, { onDamagedIndex }: IndexUse, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isDamage(error)) onDamagedIndex?.(file);
    throw error;
  }
}
