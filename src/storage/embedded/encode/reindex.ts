/** Looks through the index beside a data file, and makes it again when a byte of it is not as it was
 *  written. */

import { StorageError } from '../../contract.ts';
import { indexPathOf } from '../manifest.ts';
import { type FileSystem, replaceFile } from '../file-system.ts';
import type { HashSeed } from '../identity.ts';
import { openIndex } from '../index-file.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import { rebuildIndex } from './rebuild-index.ts';

/** True when it was made again. Throws StorageError 'damaged' when the Parquet file is damaged too.
 *  `seed`: what identity hashes are made with, for a file whose index has them. */
export async function reindexDamaged(
  files: FileSystem,
  path: string,
  seed: HashSeed | undefined,
): Promise<boolean> {
  const indexPath = indexPathOf(path);
  if (isWhole(indexPath)) return false;
  const file = ParquetFile.open(path);
  try {
    await replaceFile(files, indexPath, await rebuildIndex(file, { seed }));
  } finally {
    file.close();
  }
  return true;
}

/** Reads all of it. */
function isWhole(path: string): boolean {
  try {
    const index = openIndex(path);
    for (let position = 0; position < index.traceCount; position++) index.summaryAt(position);
    index.hashes();
    index.red();
    index.sums();
    index.calls();
    index.values();
    index.bounds();
    return true;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'damaged') return false;
    throw error;
  }
}
