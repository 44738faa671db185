/** `record_policy`: writes onto the scopes of what is passed on which policy kept it, under the names
 *  that a Collector uses, so that one can see in a trace why it is there. */

import { AttributeType } from '../../model/attribute.ts';
import { BatchEditor } from '../../model/batch/editor.ts';
import { concat, gather } from '../../model/batch/gather.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';

/** Why a trace is kept. */
export interface Reason {
  readonly policy: string;
  /** The sub-policy that a composite policy went by, whether or not that policy decided. */
  readonly compositePolicy?: string | undefined;
}

interface KeptRows {
  readonly rows: Iterable<number>;
  readonly reason: Reason;
  /** The trace was forgotten and only a decision cache knew it. */
  readonly isCached: boolean;
}

/** The rows of one batch, each group with its reason, as a batch of its own. */
export function recorded(batch: SpanBatch, groups: readonly KeptRows[]): SpanBatch {
  const byLabel = Map.groupBy(groups, ({ reason, isCached }) =>
    JSON.stringify([reason.policy, reason.compositePolicy, isCached]),
  );
  return concat([...byLabel.values()].map((same) => labelled(batch, same)));
}

function labelled(batch: SpanBatch, groups: readonly KeptRows[]): SpanBatch {
  const [first] = groups;
  const rows = Uint32Array.from(groups.flatMap((group) => [...group.rows]));
  const chosen = gather(batch, rows);
  if (first === undefined) return chosen;
  const { reason, isCached } = first;
  const editor = new BatchEditor(chosen);
  const texts = [
    ['tailsampling.policy', reason.policy],
    ['tailsampling.composite_policy', reason.compositePolicy],
  ].flatMap(([key = '', text]) =>
    text === undefined ? [] : [{ key: editor.strings.id(key), text: editor.strings.id(text) }],
  );
  const cached = editor.strings.id('tailsampling.cached_decision');
  editor.edit('scopes', (attributes) => {
    for (const { key, text } of texts) attributes.set(key, AttributeType.string, text, 0);
    if (isCached) attributes.set(cached, AttributeType.bool, 1, 0);
  });
  return editor.finish();
}
