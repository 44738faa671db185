/** Which files have rows of given traces, by the trace ids in their indices. */

import { StorageError } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';

/** Files looked at before others get a turn. */
const FILES_A_TURN = 8;

/** Those in `known`, and those that have one of the traces: 16 bytes each, ascending. */
export async function filesWithAny(
  files: readonly DataFile[],
  traceIds: Uint8Array,
  known: ReadonlySet<DataFile> = new Set(),
): Promise<DataFile[]> {
  const found: DataFile[] = [];
  for (const [i, file] of files.entries()) {
    if (i % FILES_A_TURN === FILES_A_TURN - 1) await new Promise(setImmediate);
    if (known.has(file) || mayHaveAny(file, traceIds)) found.push(file);
  }
  return found;
}

function mayHaveAny({ index }: DataFile, traceIds: Uint8Array): boolean {
  try {
    return index === undefined || index.hasAny(traceIds);
  } catch (error) {
    // Its rows can be read all the same.
    if (error instanceof StorageError && error.code === 'damaged') return true;
    throw error;
  }
}
