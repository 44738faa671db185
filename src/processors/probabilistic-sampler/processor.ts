/** Keeps a part of traces or log records, decided by an id alone: all instances that see spans of one
 *  trace decide alike without talking to each other. */
import { admitThrough, isSpans, type Batch, type Consumer } from '../../component/consumer.ts';
import { defineProcessor, type ProcessorContext } from '../../component/define.ts';
import { SamplerConfig } from './config.ts';
import type { Tally } from './decision.ts';
import { LogSampler } from './logs.ts';
import { SpanSampler } from './spans.ts';

export const component = defineProcessor<SamplerConfig>({
  type: 'probabilistic_sampler',
  stability: 'beta',
  summary: 'Keeps a percentage of traces or log records.',
  signals: ['traces', 'logs'],
  config: SamplerConfig,
  create: (context) => createSampler(context),
});

function createSampler(context: ProcessorContext<SamplerConfig, Batch>): Consumer<Batch> {
  const { config, next } = context;
  const spans = new SpanSampler(config);
  const logs = new LogSampler(config);
  const count = counter(context);
  return {
    ...admitThrough(next),
    async consume(batch, signal) {
      const kept = isSpans(batch) ? spans.kept(batch) : logs.kept(batch);
      count(isSpans(batch) ? spans.tally : logs.tally);
      if (kept.count > 0) await next.consume(kept, signal);
    },
  };
}

function counter({ telemetry, signal }: ProcessorContext<SamplerConfig, Batch>) {
  return (tally: Tally): void => {
    const sampled = telemetry.counter({
      name: `otelcol_processor_probabilistic_sampler_count_${signal}_sampled_total`,
      help: `Number of ${signal === 'traces' ? 'spans' : 'log records'} that were kept or dropped.`,
      labels: ['policy', 'sampled'],
    });
    tally.flush((policy, isKept, items) => {
      sampled.labels({ policy, sampled: String(isKept) }).inc(items);
    });
  };
}
