import { expect, test } from 'vitest';
import { spanCount } from '../../component/batch.fixture.ts';
import { PipelineError } from '../../component/consumer.ts';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { component } from './connector.ts';

const never = new AbortController().signal;

test('data goes on as it is, and whoever asks first hears what the next pipeline says', async () => {
  const recording = new RecordingConsumer();
  const next = {
    consume: recording.consume.bind(recording),
    admit(bytes: number) {
      if (bytes > 10) throw new PipelineError('overloaded', 'memory is short', { retryable: true });
    },
  };
  const forward = component.create({ ...testContext({}), from: 'traces', to: 'traces', next });
  const batch = spanCount(2);
  await forward.consume(batch, never);
  expect(recording.batches[0]).toBe(batch);
  expect(() => forward.admit?.(10)).not.toThrow();
  expect(() => forward.admit?.(11)).toThrow('memory is short');
});
