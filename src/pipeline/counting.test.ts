import { expect, test } from 'vitest';
import { PartlyRefused, PipelineError, type Batch } from '../component/consumer.ts';
import { OwnMetrics } from '../component/telemetry.ts';
import { makeSpan } from '../model/trace/span.fixture.ts';
import { batchOf } from '../model/trace/span.ts';
import { aroundExporter } from './counting.ts';

const never = new AbortController().signal;
const batch = batchOf('default', [makeSpan({}), makeSpan({}), makeSpan({})]);

async function after(consume: (batch: Batch) => Promise<void>) {
  const metrics = new OwnMetrics();
  const counted = aroundExporter({ consume }, { metrics, id: 'out', signal: 'traces' });
  const outcome = await counted.consume(batch, never).then(
    () => 'resolved',
    () => 'rejected',
  );
  const value = async (name: string) =>
    (await metrics.registry.getSingleMetric(`otelcol_exporter_${name}_spans_total`)?.get())
      ?.values[0]?.value ?? 0;
  return { outcome, sent: await value('sent'), failed: await value('send_failed') };
}

test('what an exporter sent and what failed is counted', async () => {
  expect(await after(async () => {})).toEqual({ outcome: 'resolved', sent: 3, failed: 0 });
  const failing = () => Promise.reject(new PipelineError('timed_out', 'late'));
  expect(await after(failing)).toEqual({ outcome: 'rejected', sent: 0, failed: 3 });
});

test('of a partial success each item counts as what became of it, and the sender is not told', async () => {
  const partly = (items: number) => () => Promise.reject(new PartlyRefused(items, 'no'));
  expect(await after(partly(2))).toEqual({ outcome: 'resolved', sent: 1, failed: 2 });
  expect(await after(partly(99))).toEqual({ outcome: 'resolved', sent: 0, failed: 3 });
});
