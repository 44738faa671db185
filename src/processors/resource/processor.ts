/** Changes attributes of resources, with the actions of the attributes processor. */
import { z } from 'zod';
import { compileActions } from '../../component/attribute-actions/actions.ts';
import { AttributeAction } from '../../component/attribute-actions/config.ts';
import { defineProcessor } from '../../component/define.ts';
import { BatchEditor } from '../../model/batch/editor.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';

const ResourceConfig = z.strictObject({
  attributes: z.array(AttributeAction).min(1).describe('Done one after another.'),
});

export const component = defineProcessor<z.output<typeof ResourceConfig>, SpanBatch>({
  type: 'resource',
  stability: 'beta',
  summary: 'Changes attributes of resources.',
  signals: ['traces'],
  config: ResourceConfig,
  create: ({ config, next }) => {
    const action = compileActions(config.attributes);
    return {
      async consume(batch, signal) {
        const editor = new BatchEditor(batch);
        editor.edit('resources', action(editor));
        await next.consume(editor.finish(), signal);
      },
    };
  },
});
