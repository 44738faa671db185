/** What a file's index says of a trace. A file whose index is damaged is asked always. */

import { messageOf } from '../../../lib/errors.ts';
import { hexAt, TRACE_ID_BYTES } from '../../../model/ids.ts';
import type { DataFile } from '../manifest.ts';
import type { PartialSummary } from '../segment-index.ts';
import type { ReadContext } from './read-context.ts';

/** Its part, nothing, or that it cannot tell. */
export type IndexAnswer =
  | { readonly summary: PartialSummary; readonly rowGroups: readonly number[] }
  | 'absent'
  | 'damaged';

export function askIndex(
  { onWarning }: ReadContext,
  { index, path, deleted }: DataFile,
  traceId: Uint8Array,
): IndexAnswer {
  if (deleted?.has(hexAt(traceId, 0, TRACE_ID_BYTES))) return 'absent';
  if (index === undefined) return 'damaged';
  try {
    const position = index.find(traceId);
    if (position < 0) return 'absent';
    return { summary: index.summaryAt(position), rowGroups: index.rowGroupsAt(position) };
  } catch (error) {
    onWarning(`the index of ${path} is damaged: ${messageOf(error)}`);
    return 'damaged';
  }
}
