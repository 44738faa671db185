/** Drops spans and their events, metrics and their data points, log records, and whole resources
 *  that a condition is true of. */
import { admitThrough, isSpans, type Batch, type Consumer } from '../../component/consumer.ts';
import { defineProcessor, type ProcessorContext } from '../../component/define.ts';
import { Conditions } from './conditions.ts';
import { FilterConfig } from './config.ts';
import { logsFilter, metricsFilter } from './messages.ts';
import { SpanFilter } from './spans.ts';

export const component = defineProcessor<FilterConfig>({
  type: 'filter',
  stability: 'beta',
  summary: 'Drops spans, metrics, log records and parts of them by condition.',
  signals: ['traces', 'metrics', 'logs'],
  config: FilterConfig,
  create: (context) => createFilter(context),
});

function createFilter(context: ProcessorContext<FilterConfig, Batch>): Consumer<Batch> {
  const { next } = context;
  const keep = keeper(context);
  const dropped = droppedCounter(context);
  return {
    ...admitThrough(next),
    async consume(batch, signal) {
      const kept = keep(batch);
      if (kept.count < batch.count) dropped(batch.count - kept.count);
      if (kept.count > 0 || batch.count === 0) await next.consume(kept, signal);
    },
  };
}

function keeper(context: ProcessorContext<FilterConfig, Batch>): (batch: Batch) => Batch {
  const { config, signal } = context;
  const conditions = new Conditions(context);
  if (signal === 'traces') {
    const filter = new SpanFilter(config, conditions);
    return (batch) => (isSpans(batch) ? filter.kept(batch) : batch);
  }
  const { include, exclude } = config[signal] ?? {};
  // Nothing about this signal: then it need not be decoded.
  if (conditions.isEmpty && !include && !exclude) return (batch) => batch;
  const filter =
    signal === 'metrics' ? metricsFilter(config, conditions) : logsFilter(config, conditions);
  return (batch) => (isSpans(batch) ? batch : filter(batch));
}

const COUNTED = { traces: 'spans', metrics: 'datapoints', logs: 'logs' } as const;

function droppedCounter({ telemetry, signal, id }: ProcessorContext<FilterConfig, Batch>) {
  const items = COUNTED[signal];
  return (count: number): void =>
    telemetry
      .counter({
        name: `otelcol_processor_filter_${items}_filtered_total`,
        help: `Number of ${items} dropped by the filter processor.`,
        labels: ['filter'],
      })
      .labels({ filter: id })
      .inc(count);
}
