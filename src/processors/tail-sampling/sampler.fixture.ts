/** A tail sampler with a clock to move, and what it keeps and counts. */
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { makeSpan, type SpanFields } from '../../model/trace/span.fixture.ts';
import { batchOf, spansOf } from '../../model/trace/span.ts';
import { TailSamplingConfig } from './config.ts';
import { TailSampler } from './processor.ts';

export const never = new AbortController().signal;

export function setUp(settings: object) {
  const config = TailSamplingConfig.parse({ decision_wait: '10s', ...settings });
  const context = testContext(config, 'tail_sampling');
  const next = new RecordingConsumer<SpanBatch>();
  const sampler = new TailSampler({ ...context, next, signal: 'traces' });
  const metric = async (name: string, labels: object = {}, suffix = '') => {
    const found = await context.telemetry.registry
      .getSingleMetric(`otelcol_processor_tail_sampling_${name}`)
      ?.get();
    const isMeant = (value: object) =>
      suffix === '' || ('metricName' in value && String(value.metricName).endsWith(suffix));
    return found?.values.find(
      (value) =>
        isMeant(value) &&
        Object.entries(labels).every(([key, wanted]) => value.labels[key] === wanted),
    )?.value;
  };
  const advance = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      context.clock.advance(1000);
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  const send = (...spans: SpanFields[]) =>
    sampler.consume(batchOf('default', spans.map(makeSpan)), never);
  const kept = () => next.batches.flatMap(spansOf);
  return { sampler, next, metric, advance, send, kept, clock: context.clock };
}
