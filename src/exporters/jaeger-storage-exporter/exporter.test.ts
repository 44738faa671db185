import { expect, test } from 'vitest';
import { spanCount } from '../../component/batch.fixture.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { StorageError, traceStorage, type StorageBackend } from '../../storage/contract.ts';
import { aroundSending } from '../../pipeline/sending/sending.ts';
import { component } from './exporter.ts';

const never = new AbortController().signal;

/** The exporter as the pipeline has it, before a store that can be made to refuse. */
async function exporting(input: object) {
  const { value, problems } = decode(component.config, { trace_storage: 'main', ...input });
  expect(problems).toEqual([]);
  if (value === undefined) throw new TypeError('no settings');
  const context = { ...testContext(value, 'store'), signal: 'traces' } as const;
  const written: SpanBatch[] = [];
  const state = { failure: undefined as Error | undefined };
  const write = async (batch: SpanBatch) => {
    if (state.failure) throw state.failure;
    written.push(batch);
  };
  // oxlint-disable-next-line typescript/consistent-type-assertions, typescript/no-unsafe-type-assertion -- an exporter writes and asks for nothing else
  const backend = { writer: { write } } as unknown as StorageBackend;
  context.host.lend(traceStorage, 'main', { open: async () => backend });
  const exporter = component.create(context);
  await exporter.start?.(never);
  const settings = component.sending?.(value);
  if (settings === undefined) throw new TypeError('nothing said about sending');
  const sender = aroundSending(
    {
      consume: (batch, signal) =>
        'signal' in batch
          ? Promise.reject(new TypeError('spans alone'))
          : exporter.consume(batch, signal),
    },
    settings,
    { ...context, counting: (next) => next },
  );
  await sender.start?.(never);
  return { sender, written, state, clock: context.clock };
}

const full = new StorageError('unavailable', 'the disk is full', { retryable: true });

test('by itself it has no queue and does not retry: what the store says, the sender hears', async () => {
  const { sender, written, state } = await exporting({});
  await sender.consume(spanCount(2), never);
  expect(written).toHaveLength(1);
  state.failure = full;
  await expect(sender.consume(spanCount(1), never)).rejects.toBe(full);
});

test('a queue answers before the store has, and retries bring it there', async () => {
  const { sender, written, state, clock } = await exporting({
    queue: { queue_size: 1 },
    retry_on_failure: { initial_interval: '1s', randomization_factor: 0 },
  });
  state.failure = full;
  await sender.consume(spanCount(1), never);
  await expect(sender.consume(spanCount(1), never)).rejects.toMatchObject({ code: 'overloaded' });
  expect(written).toEqual([]);
  state.failure = undefined;
  await expect
    .poll(
      () => {
        clock.advance(1000);
        return written.length;
      },
      { timeout: 10_000 },
    )
    .toBe(1);
  await sender.stop?.(never);
});
