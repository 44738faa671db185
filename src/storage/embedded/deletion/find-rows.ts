/** Which files have rows of some traces, by their indices. Thousands of traces in hundreds of files
 *  are looked up between other work: acknowledgements must not wait for it. */

import { setImmediate } from 'node:timers/promises';
import { bytesFromHex, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { StorageError } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';

export interface FoundRows {
  /** Ids that each file has, by its path. A file whose index is damaged may have any. */
  readonly byPath: ReadonlyMap<string, ReadonlySet<string>>;
  /** Those of them that are certain, and how many spans each has in files. */
  readonly spansOf: ReadonlyMap<string, number>;
  readonly spans: number;
  /** No index was damaged. */
  readonly isCertain: boolean;
}

const LOOKUPS_AT_ONCE = 64;

export async function findRows(
  files: readonly DataFile[],
  wanted: ReadonlySet<string>,
): Promise<FoundRows> {
  // In their order, neighbours are in one block of an index.
  const ids = [...wanted].toSorted().map((id) => ({ id, bytes: bytesFromHex(id, TRACE_ID_BYTES) }));
  const byPath = new Map<string, ReadonlySet<string>>();
  const spansOf = new Map<string, number>();
  let spans = 0;
  let isCertain = true;
  let lookups = 0;
  for (const file of files) {
    const found = new Set<string>();
    for (const { id, bytes } of ids) {
      if (++lookups % LOOKUPS_AT_ONCE === 0) await setImmediate();
      if (file.deleted?.has(id) === true) continue;
      const count = spansIn(file, bytes);
      if (count === 0) continue;
      found.add(id);
      spans += count ?? 0;
      if (count === undefined) isCertain = false;
      else spansOf.set(id, (spansOf.get(id) ?? 0) + count);
    }
    if (found.size > 0) byPath.set(file.path, found);
  }
  return { byPath, spansOf, spans, isCertain };
}

/** Undefined when nobody knows. */
function spansIn({ index }: DataFile, id: Uint8Array | undefined): number | undefined {
  if (id === undefined) return 0;
  if (index === undefined) return undefined;
  try {
    const position = index.find(id);
    return position < 0 ? 0 : index.summaryAt(position).spanCount;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'damaged') return undefined;
    throw error;
  }
}
