/** Changes attributes of resources, with the actions of the attributes processor. */
import { z } from 'zod';
import { compileActions } from '../../component/attribute-actions/actions.ts';
import { AttributeAction } from '../../component/attribute-actions/config.ts';
import { compileListActions } from '../../component/attribute-actions/list-actions.ts';
import { admitThrough, isSpans } from '../../component/consumer.ts';
import { defineProcessor } from '../../component/define.ts';
import { withMessage, type MessageBatch } from '../../component/message-batch.ts';
import { BatchEditor } from '../../model/batch/editor.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { mapResources, type ResourceGroup } from '../../model/signal-message.ts';
import { logsCodec, metricsCodec } from '../../wire/otlp-messages/codec.ts';

const ResourceConfig = z.strictObject({
  attributes: z.array(AttributeAction).min(1).describe('Done one after another.'),
});

type ResourceConfig = z.output<typeof ResourceConfig>;

export const component = defineProcessor<ResourceConfig>({
  type: 'resource',
  stability: 'beta',
  summary: 'Changes attributes of resources.',
  signals: ['traces', 'metrics', 'logs'],
  config: ResourceConfig,
  create: ({ config, next }) => {
    const editSpans = spanEdit(config);
    const editMessages = messageEdit(config);
    return {
      ...admitThrough(next),
      async consume(batch, signal) {
        await next.consume(isSpans(batch) ? editSpans(batch) : editMessages(batch), signal);
      },
    };
  },
});

function spanEdit({ attributes }: ResourceConfig) {
  const action = compileActions(attributes);
  return (batch: SpanBatch): SpanBatch => {
    const editor = new BatchEditor(batch);
    const run = action(editor);
    if (run === undefined) return batch;
    editor.edit('resources', run);
    return editor.finish();
  };
}

function messageEdit({ attributes: actions }: ResourceConfig) {
  const action = compileListActions(actions);
  return (batch: MessageBatch): MessageBatch => {
    const { payload, client } = batch;
    const edit = <Item>(group: ResourceGroup<Item>): ResourceGroup<Item> => {
      const attributes = action(group.resource.attributes, client);
      if (attributes === group.resource.attributes) return group;
      return { ...group, resource: { ...group.resource, attributes } };
    };
    return batch.signal === 'metrics'
      ? withMessage(batch, metricsCodec, mapResources(payload.message(metricsCodec), edit))
      : withMessage(batch, logsCodec, mapResources(payload.message(logsCodec), edit));
  };
}
