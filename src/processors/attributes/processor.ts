/** Changes attributes of spans: sets, deletes, hashes, extracts, converts. What is deleted or hashed
 *  here is gone from everything below, the disk included. */
import { z } from 'zod';
import { compileActions } from '../../component/attribute-actions/actions.ts';
import { AttributeAction } from '../../component/attribute-actions/config.ts';
import type { Consumer } from '../../component/consumer.ts';
import { defineProcessor } from '../../component/define.ts';
import { compileFilter } from '../../filter/evaluate.ts';
import { includeExclude, MatchProperties } from '../../filter/match-properties.ts';
import { BatchEditor } from '../../model/batch/editor.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { SpanView } from '../../model/batch/view.ts';

const AttributesConfig = z.strictObject({
  actions: z.array(AttributeAction).min(1).describe('Done one after another.'),
  include: MatchProperties.optional().describe('Only spans that match this.'),
  exclude: MatchProperties.optional().describe('Not spans that match this.'),
});

type AttributesConfig = z.output<typeof AttributesConfig>;

export const component = defineProcessor<AttributesConfig, SpanBatch>({
  type: 'attributes',
  stability: 'beta',
  summary: 'Changes attributes of spans.',
  signals: ['traces'],
  config: AttributesConfig,
  create: ({ config, next }) => createEditing(config, next),
});

function createEditing(
  { actions, include, exclude }: AttributesConfig,
  next: Consumer<SpanBatch>,
): Consumer<SpanBatch> {
  const action = compileActions(actions);
  const filter = includeExclude(include, exclude);
  const isWanted = filter && compileFilter(filter);
  return {
    async consume(batch, signal) {
      const editor = new BatchEditor(batch);
      const run = action(editor);
      const view = new SpanView(batch);
      editor.edit('spans', (attributes, row) => {
        if (isWanted === undefined || isWanted(view.at(row))) run(attributes);
      });
      await next.consume(editor.finish(), signal);
    },
  };
}
