import { expect, test } from 'vitest';
import { spanCount } from '../component/batch.fixture.ts';
import { PipelineError } from '../component/consumer.ts';
import { RecordingConsumer } from '../component/testbed.ts';
import { fanOut } from './fan-out.ts';

const never = new AbortController().signal;

test('every branch is asked, also when one refuses', async () => {
  const branches = [new RecordingConsumer(), new RecordingConsumer(), new RecordingConsumer()];
  const [, second] = branches;
  if (second) second.refuseWith = new Error('full');
  await expect(fanOut(branches).consume(spanCount(2), never)).rejects.toMatchObject({
    code: 'branch_failed',
    retryable: true,
    message: '1 of 3 branches failed: full',
  });
  expect(branches.map((branch) => branch.itemCount)).toEqual([2, 0, 2]);
});

test('the answer waits for the slowest branch', async () => {
  let release: () => void = () => {};
  const slow = {
    consume: async () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  };
  let isDone = false;
  const consuming = fanOut([new RecordingConsumer(), slow])
    .consume(spanCount(1), never)
    .then(() => {
      isDone = true;
    });
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  expect(isDone).toBe(false);
  release();
  await consuming;
  expect(isDone).toBe(true);
});

test('it is not retryable when trying again can help no branch, and waits as long as the longest asks', async () => {
  const refusing = (retryable: boolean, retryAfterMs?: number) => {
    const consumer = new RecordingConsumer();
    consumer.refuseWith = new PipelineError('overloaded', 'no', { retryable, retryAfterMs });
    return consumer;
  };
  await expect(
    fanOut([refusing(false), refusing(false)]).consume(spanCount(1), never),
  ).rejects.toMatchObject({ retryable: false });
  await expect(
    fanOut([refusing(true, 100), refusing(true, 300), refusing(false)]).consume(
      spanCount(1),
      never,
    ),
  ).rejects.toMatchObject({ retryable: true, retryAfterMs: 300 });
});

test('one branch keeps its own error', async () => {
  const only = new RecordingConsumer();
  only.refuseWith = new PipelineError('overloaded', 'no room');
  await expect(fanOut([only]).consume(spanCount(1), never)).rejects.toBe(only.refuseWith);
});
