/** Changes attributes of spans, of the data points of metrics and of log records: sets, deletes,
 *  hashes, extracts, converts. What is deleted or hashed here is gone from everything below, the disk
 *  included. */
import { z } from 'zod';
import { compileActions } from '../../component/attribute-actions/actions.ts';
import { AttributeAction } from '../../component/attribute-actions/config.ts';
import { compileListActions } from '../../component/attribute-actions/list-actions.ts';
import { admitThrough, isSpans, PipelineError, type Batch } from '../../component/consumer.ts';
import { defineProcessor, type ProcessorContext } from '../../component/define.ts';
import { withMessage, type MessageBatch } from '../../component/message-batch.ts';
import { compileFilter } from '../../filter/evaluate.ts';
import { included, matchLog, matchMetric } from '../../filter/match-items.ts';
import { foreignCriteria, includeExclude, MatchProperties } from '../../filter/match-properties.ts';
import { BatchEditor } from '../../model/batch/editor.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { SpanView } from '../../model/batch/view.ts';
import { mapPoints } from '../../model/metrics.ts';
import { mapItems } from '../../model/signal-message.ts';
import { logsCodec, metricsCodec } from '../../wire/otlp-messages/codec.ts';

const AttributesConfig = z.strictObject({
  actions: z.array(AttributeAction).min(1).describe('Done one after another.'),
  include: MatchProperties.optional().describe(
    'Only spans, metrics and log records that match this.',
  ),
  exclude: MatchProperties.optional().describe(
    'Not spans, metrics and log records that match this.',
  ),
});

type AttributesConfig = z.output<typeof AttributesConfig>;

export const component = defineProcessor<AttributesConfig>({
  type: 'attributes',
  stability: 'beta',
  summary: 'Changes attributes of spans, data points and log records.',
  signals: ['traces', 'metrics', 'logs'],
  config: AttributesConfig,
  create: (context) => {
    checkCriteria(context);
    const { config, next } = context;
    const editSpans = spanEdit(config);
    const edit = { metrics: metricEdit(config), logs: logEdit(config) };
    return {
      ...admitThrough(next),
      async consume(batch, signal) {
        const edited = isSpans(batch) ? editSpans(batch) : edit[batch.signal](batch);
        await next.consume(edited, signal);
      },
    };
  },
});

function spanEdit({ actions, include, exclude }: AttributesConfig) {
  const action = compileActions(actions);
  const filter = includeExclude(include, exclude);
  const isWanted = filter && compileFilter(filter);
  return (batch: SpanBatch): SpanBatch => {
    const editor = new BatchEditor(batch);
    const run = action(editor);
    if (run === undefined) return batch;
    const view = new SpanView(batch);
    editor.edit('spans', (attributes, row) => {
      if (isWanted === undefined || isWanted(view.at(row))) run(attributes);
    });
    return editor.finish();
  };
}

function metricEdit(config: AttributesConfig) {
  const action = compileListActions(config.actions);
  const isWanted = included(matchMetric, config);
  return (batch: MessageBatch): MessageBatch => {
    const { client, payload } = batch;
    const edited = mapItems(payload.message(metricsCodec), (metric, around) => {
      if (metric.data === undefined || !isWanted(metric, around)) return metric;
      const data = mapPoints(metric.data, (point) => {
        const attributes = action(point.attributes, client);
        return attributes === point.attributes ? point : { ...point, attributes };
      });
      return data === metric.data ? metric : { ...metric, data };
    });
    return withMessage(batch, metricsCodec, edited);
  };
}

function logEdit(config: AttributesConfig) {
  const action = compileListActions(config.actions);
  const isWanted = included(matchLog, config);
  return (batch: MessageBatch): MessageBatch => {
    const { client, payload } = batch;
    const edited = mapItems(payload.message(logsCodec), (record, around) => {
      if (!isWanted(record, around)) return record;
      const attributes = action(record.attributes, client);
      return attributes === record.attributes ? record : { ...record, attributes };
    });
    return withMessage(batch, logsCodec, edited);
  };
}

/** Criteria that say nothing about a signal: an error where none is left or where they are of
 *  another signal's items; of metrics, which only names and resources select, a notice, as one
 *  configuration often serves traces and metrics. */
function checkCriteria({ config, signal, id, host }: ProcessorContext<AttributesConfig, Batch>) {
  for (const [block, match] of Object.entries({
    include: config.include,
    exclude: config.exclude,
  })) {
    const foreign = match === undefined ? [] : foreignCriteria(match, signal);
    if (foreign.length === 0) continue;
    const what = `${id}: ${block}::${foreign.join(', ')} say nothing about ${signal}`;
    if (signal !== 'metrics') throw new PipelineError('bad_settings', what);
    host.notice(`${what} and are left out`);
  }
}
