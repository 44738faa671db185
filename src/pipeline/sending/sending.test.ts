import { expect, test, vi } from 'vitest';
import { logBytes, spanCount } from '../../component/batch.fixture.ts';
import { isMessages, sentBy, type Batch, type Consumer } from '../../component/consumer.ts';
import { messagesOfBytes } from '../../component/message-batch.ts';
import type { KeyValueStore, SendingSettings } from '../../component/sending.ts';
import { keyValueStorage, retryOnFailure, sendingQueue } from '../../component/sending.ts';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { SpoorError } from '../../lib/errors.ts';
import { makeSpan } from '../../model/trace/span.fixture.ts';
import { batchOf, spansOf } from '../../model/trace/span.ts';
import { decodeItem, encodeItem } from './item-codec.ts';
import { aroundSending } from './sending.ts';

const never = new AbortController().signal;
const batch = (name = 'op') => batchOf('default', [makeSpan({ name })]);
const busy = (retryAfterMs?: number) =>
  new SpoorError('busy', 'busy', { retryable: true, retryAfterMs });
const names = (batches: readonly Batch[]) =>
  batches.flatMap((one) => ('signal' in one ? [] : spansOf(one).map(({ name }) => name)));
/** What a promise is rejected with; caught at once, looked at later. */
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const settle = () => vi.waitFor(() => Promise.resolve());

function setUp(settings: Partial<SendingSettings>) {
  const base = { ...testContext({}, 'out'), signal: 'traces' } as const;
  const context = { ...base, counting: (sending: Consumer<Batch>) => sending };
  const peer = new RecordingConsumer();
  const sender = aroundSending(peer, { timeout: 0, ...settings }, context);
  const metric = async (name: string) =>
    (await context.telemetry.registry.getSingleMetric(name)?.get())?.values[0]?.value;
  return { ...context, peer, sender, metric };
}

const retry = (settings: object = {}) =>
  retryOnFailure().parse({ randomization_factor: 0, ...settings });
const queue = (settings: object = {}) => sendingQueue().parse(settings);

/** Moves time by one second at a time until the condition holds. */
async function until(condition: () => boolean, advance: (ms: number) => void): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) {
    advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(condition()).toBe(true);
}

test('without a queue the caller waits, and a retryable failure is tried again', async () => {
  const { peer, sender, clock } = setUp({ retry_on_failure: retry() });
  await sender.start?.(never);
  peer.refuseWith = busy();
  let sent = false;
  const sending = sender.consume(batch(), never).then(() => (sent = true));
  await until(
    () => clock.monotonicMs() >= 30_000,
    (ms) => clock.advance(ms),
  );
  expect(sent).toBe(false);
  peer.refuseWith = undefined;
  await until(
    () => sent,
    (ms) => clock.advance(ms),
  );
  await sending;
  expect(peer.batches).toHaveLength(1);
});

test('a permanent failure and one that lasted too long go to the caller', async () => {
  const { peer, sender, clock } = setUp({ retry_on_failure: retry({ max_elapsed_time: '10s' }) });
  peer.refuseWith = new SpoorError('bad', 'bad', { retryable: false });
  await expect(sender.consume(batch(), never)).rejects.toMatchObject({ code: 'bad' });
  peer.refuseWith = busy();
  const late = failureOf(sender.consume(batch(), never));
  await until(
    () => clock.monotonicMs() > 12_000,
    (ms) => clock.advance(ms),
  );
  expect(await late).toMatchObject({ code: 'busy' });
});

test('the wait is never shorter than what the peer asked for', async () => {
  const { peer, sender, clock } = setUp({ retry_on_failure: retry() });
  peer.refuseWith = busy(60_000);
  const sending = sender.consume(batch(), never);
  await until(
    () => clock.monotonicMs() >= 50_000,
    (ms) => clock.advance(ms),
  );
  peer.refuseWith = undefined;
  expect(peer.batches).toHaveLength(0);
  await until(
    () => peer.batches.length === 1,
    (ms) => clock.advance(ms),
  );
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(60_000);
  await sending;
});

test('an attempt that takes too long is given up and may be tried again', async () => {
  const base = { ...testContext({}, 'out'), signal: 'traces' } as const;
  const context = { ...base, counting: (sending: Consumer<Batch>) => sending };
  const silent = {
    consume: (_: Batch, signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };
  const sender = aroundSending(silent, { timeout: 5000 }, context);
  const sending = failureOf(sender.consume(batch(), never));
  context.clock.advance(5000);
  expect(await sending).toMatchObject({ code: 'timed_out', retryable: true });
});

test('a queue answers at once, sends in order, and refuses what it cannot hold, counted', async () => {
  const { peer, sender, clock, metric } = setUp({
    sending_queue: queue({ queue_size: 2, num_consumers: 1 }),
    retry_on_failure: retry(),
  });
  peer.refuseWith = busy();
  await sender.start?.(never);
  await sender.consume(batch('a'), never);
  await sender.consume(batch('b'), never);
  await expect(sender.consume(batch('c'), never)).rejects.toMatchObject({
    code: 'overloaded',
    retryable: true,
  });
  expect(await metric('otelcol_exporter_enqueue_failed_spans_total')).toBe(1);
  expect(await metric('otelcol_exporter_queue_size')).toBe(2);
  expect(await metric('otelcol_exporter_queue_capacity')).toBe(2);
  peer.refuseWith = undefined;
  await until(
    () => peer.batches.length === 2,
    (ms) => clock.advance(ms),
  );
  expect(names(peer.batches)).toEqual(['a', 'b']);
  await sender.stop?.(never);
  expect(await metric('otelcol_exporter_queue_size')).toBe(0);
});

test('block_on_overflow lets the caller wait for room, or leave', async () => {
  const { peer, sender, clock } = setUp({
    sending_queue: queue({
      queue_size: 1,
      num_consumers: 1,
      block_on_overflow: true,
      sizer: 'items',
    }),
    retry_on_failure: retry(),
  });
  peer.refuseWith = busy();
  await sender.start?.(never);
  await sender.consume(batch('a'), never);
  const leaving = new AbortController();
  const left = failureOf(sender.consume(batch('b'), leaving.signal));
  leaving.abort(new Error('left'));
  expect(await left).toMatchObject({ message: 'left' });
  const waiting = sender.consume(batch('c'), never);
  peer.refuseWith = undefined;
  await until(
    () => peer.batches.length === 2,
    (ms) => clock.advance(ms),
  );
  await waiting;
  expect(names(peer.batches)).toEqual(['a', 'c']);
  await sender.stop?.(never);
});

test('what can never be sent is dropped, counted, and does not hold up the rest', async () => {
  const { peer, sender, metric } = setUp({ sending_queue: queue({ num_consumers: 1 }) });
  peer.refuseWith = new SpoorError('bad', 'bad', { retryable: false });
  await sender.start?.(never);
  await sender.consume(batch('a'), never);
  await vi.waitFor(async () =>
    expect(await metric('otelcol_exporter_dropped_spans_total')).toBe(1),
  );
  peer.refuseWith = undefined;
  await sender.consume(batch('b'), never);
  await vi.waitFor(() => expect(names(peer.batches)).toEqual(['b']));
  await sender.stop?.(never);
});

test('a memory queue is emptied at stop; what fails then is dropped and counted', async () => {
  const { peer, sender, metric } = setUp({
    sending_queue: queue({ num_consumers: 1 }),
    retry_on_failure: retry(),
  });
  peer.refuseWith = busy();
  await sender.start?.(never);
  for (const name of ['a', 'b', 'c']) await sender.consume(batch(name), never);
  await settle();
  peer.refuseWith = undefined;
  await sender.stop?.(never);
  expect(
    names(peer.batches).length + Number(await metric('otelcol_exporter_dropped_spans_total')),
  ).toBe(3);
  expect(names(peer.batches)).toContain('c');
});

class MapStore implements KeyValueStore {
  readonly values = new Map<string, Uint8Array>();
  keys = async () => [...this.values.keys()];
  get = async (key: string) => this.values.get(key);
  set = async (key: string, value: Uint8Array) => void this.values.set(key, value);
  delete = async (key: string) => void this.values.delete(key);
}

test('a queue in a store survives a stop: the next process sends what was left', async () => {
  const store = new MapStore();
  const start = async () => {
    const made = setUp({
      sending_queue: queue({ storage: 'file_storage', num_consumers: 1 }),
      retry_on_failure: retry(),
    });
    made.host.lend(keyValueStorage, 'file_storage', { client: async () => store });
    return made;
  };
  const first = await start();
  first.peer.refuseWith = busy();
  await first.sender.start?.(never);
  for (const name of ['a', 'b', 'c']) await first.sender.consume(batch(name), never);
  await first.sender.stop?.(never);
  expect(store.values.size).toBe(3);
  store.values.set('item-0000000000000001', Uint8Array.of(1, 2, 3));

  const second = await start();
  await second.sender.start?.(never);
  await second.sender.consume(batch('d'), never);
  await vi.waitFor(() => expect(names(second.peer.batches)).toEqual(['a', 'c', 'd']));
  await second.sender.stop?.(never);
  expect([...store.values.keys()]).toEqual(['damaged-item-0000000000000001']);
});

test('a missing storage extension is told by name', async () => {
  const { sender } = setUp({ sending_queue: queue({ storage: 'file_storage/x' }) });
  await expect(sender.start?.(never)).rejects.toThrow('file_storage/x');
});

test('items of every signal survive their bytes', () => {
  const spans = batch('한글');
  const back = decodeItem(encodeItem(spans));
  expect(names([back])).toEqual(['한글']);
  const bytes = Uint8Array.of(10, 123, 10);
  const metrics = messagesOfBytes({ signal: 'metrics', count: 3, tenant: 'default', bytes });
  const { payload, ...rest } = metrics;
  const again = decodeItem(encodeItem(metrics));
  expect(again).toMatchObject(rest);
  expect(isMessages(again) && [...again.payload.bytes]).toEqual([...payload.bytes]);
  expect(() => decodeItem(Buffer.from('{"signal":"x"}\n'))).toThrow('not a queued batch');
});

test('a queued batch remembers the headers it came with, and not who was authenticated', () => {
  const client = {
    address: '10.0.0.7',
    metadata: new Map([['x-tenant', ['a', 'b']]]),
    auth: new Map([['username', 'ann']]),
  };
  for (const plain of [spanCount(2), logBytes([10, 1, 1], 2)]) {
    const back = decodeItem(encodeItem(sentBy(plain, client)));
    expect(back.count).toBe(2);
    expect(back.client).toEqual({ ...client, auth: new Map() });
    expect(decodeItem(encodeItem(plain)).client).toBeUndefined();
  }
});
