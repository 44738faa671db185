/** What a file's index says of a trace. A file whose index is damaged is asked always. */

import { hexAt, TRACE_ID_BYTES } from '../../../model/ids.ts';
import type { DataFile } from '../manifest.ts';
import type { PartialSummary } from '../segment-index.ts';
import { fromIndex } from './from-index.ts';
import type { ReadContext } from './read-context.ts';
import { isDamage } from './run-on-files.ts';

/** Its part, nothing, or that it cannot tell. */
export type IndexAnswer =
  | { readonly summary: PartialSummary; readonly rowGroups: readonly number[] }
  | 'absent'
  | 'damaged';

export function askIndex(
  { onDamagedIndex }: ReadContext,
  file: DataFile,
  traceId: Uint8Array,
): IndexAnswer {
  const { index, deleted } = file;
  if (deleted?.has(hexAt(traceId, 0, TRACE_ID_BYTES))) return 'absent';
  if (index === undefined) return 'damaged';
  try {
    return fromIndex(file, { onDamagedIndex }, () => {
      const position = index.find(traceId);
      if (position < 0) return 'absent';
      return { summary: index.summaryAt(position), rowGroups: index.rowGroupsAt(position) };
    });
  } catch (error) {
    if (!isDamage(error)) throw error;
    // Until it is made again the rows say what it does not.
    return 'damaged';
  }
}
