/** Indices of stitched flushes are kept for a while for their identity hashes, by which resends are
 *  recognised after a restart. They name traces too: one that names a deleted trace is replaced by an
 *  index of nothing but the other hashes. */

import { bytesFromHex, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { StorageError } from '../../contract.ts';
import { IndexWriter } from '../encode/index-writer.ts';
import { type FileSystem, replaceFile } from '../file-system.ts';
import { openIndex } from '../index-file.ts';
import type { Tombstone } from './tombstone.ts';

export async function forgetSpent(
  files: FileSystem,
  paths: readonly string[],
  tombstones: readonly Tombstone[],
): Promise<void> {
  for (const path of paths) {
    const rest = withoutTraces(path, tombstones);
    if (rest === 'useless') await files.unlink(path);
    else if (rest !== 'unconcerned') await replaceFile(files, path, rest);
  }
}

function withoutTraces(
  path: string,
  tombstones: readonly Tombstone[],
): Uint8Array | 'unconcerned' | 'useless' {
  try {
    const index = openIndex(path);
    const ids = tombstones.flatMap(({ traceIds }) => [...traceIds].toSorted());
    const isNamed = ids.some((id) => {
      const bytes = bytesFromHex(id, TRACE_ID_BYTES);
      return bytes !== undefined && index.find(bytes) >= 0;
    });
    if (!isNamed) return 'unconcerned';
    const gone = hashesOf(tombstones);
    const kept = index.hashes().filter((hash) => !gone.has(hash));
    if (kept.length === 0) return 'useless';
    const words = new Uint32Array(kept.buffer, kept.byteOffset, kept.length * 2);
    return new IndexWriter().finish(index.header, { hashes: words });
  } catch (error) {
    if (error instanceof StorageError && error.code === 'damaged') return 'useless';
    throw error;
  }
}

/** As an index gives them. */
export function hashesOf(tombstones: readonly Tombstone[]): Set<bigint> {
  return new Set(
    tombstones.flatMap(({ hashes }) => [...new BigUint64Array(hashes.slice().buffer)]),
  );
}
