import { expect, test, vi } from 'vitest';
import { logBytes, spanCount } from '../../component/batch.fixture.ts';
import { isMessages, sentBy, type Batch, type Consumer } from '../../component/consumer.ts';
import { messagesOfBytes } from '../../component/message-batch.ts';
import type { KeyValueStore, SendingSettings } from '../../component/sending.ts';
import { keyValueStorage, retryOnFailure, sendingQueue } from '../../component/sending.ts';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { SpoorError } from '../../lib/errors.ts';
import type { Client } from '../../model/batch/client.ts';
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

test.each([{ initial_interval: '0s' }, { initial_interval: '1s', multiplier: 0 }])(
  'there is a pause before each attempt, whatever the intervals are: %o',
  async (settings) => {
    const { peer, sender, clock } = setUp({ retry_on_failure: retry(settings) });
    peer.refuseWith = busy();
    let attempts = 0;
    vi.spyOn(peer, 'consume').mockImplementation(async () => {
      attempts++;
      if (attempts < 5) throw busy();
    });
    const sent = sender.consume(batch('a'), never);
    for (let pause = 0; pause < 4; pause++) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(attempts).toBe(pause + 1);
      clock.advance(pause === 0 ? 1000 : 10);
    }
    await sent;
    await sender.stop?.(never);
  },
);

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
  const [, damaged = ''] = [...store.values.keys()].toSorted();
  expect(damaged).toMatch(/^item-0000000000000001-1-\d+$/);
  expect(store.values.size).toBe(3);
  store.values.set(damaged, Uint8Array.of(1, 2, 3));

  const second = await start();
  await second.sender.start?.(never);
  await second.sender.consume(batch('d'), never);
  await vi.waitFor(() => expect(names(second.peer.batches)).toEqual(['a', 'c', 'd']));
  await second.sender.stop?.(never);
  expect([...store.values.keys()]).toEqual([`damaged-${damaged}`]);
  expect(await second.metric('otelcol_exporter_queue_size')).toBe(0);
});

test('a long queue in a store is read as it is sent, also one of an older version', async () => {
  const store = new MapStore();
  const reads: string[] = [];
  const { get } = store;
  store.get = (key) => (reads.push(key), get(key));
  const large = () => batch('x'.repeat(20_000_000));
  for (let i = 0; i < 6; i++)
    store.values.set(
      `item-${i}`.replace(/\d/, (n) => n.padStart(16, '0')),
      encodeItem(large()),
    );
  const made = setUp({
    sending_queue: queue({ storage: 'file_storage', num_consumers: 1 }),
    retry_on_failure: retry(),
  });
  made.host.lend(keyValueStorage, 'file_storage', { client: async () => store });
  made.peer.refuseWith = busy();
  await made.sender.start?.(never);
  await made.sender.consume(large(), never);
  // Six to learn how large they are, three as the first to be sent.
  await vi.waitFor(() => expect(reads).toHaveLength(9));
  made.peer.refuseWith = undefined;
  await until(
    () => made.peer.batches.length === 7,
    (ms) => made.clock.advance(ms),
  );
  await made.sender.stop?.(never);
  expect(store.values.size).toBe(0);
}, 30_000);

const spanBatch = (from: number, count: number, client?: Client) =>
  sentBy(
    batchOf(
      'default',
      Array.from({ length: count }, (_, i) => makeSpan({ name: `${from + i}` })),
    ),
    client,
  );
const merging = (batching: object, settings: object = {}) =>
  queue({ num_consumers: 1, queue_size: 1000, sizer: 'items', batch: batching, ...settings });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
const counts = (batches: readonly Batch[]) => batches.map(({ count }) => count);

test('queued batches are merged up to a size, the rest is sent after flush_timeout', async () => {
  const { peer, sender, clock, metric } = setUp({
    sending_queue: merging({ min_size: 10, max_size: 12, flush_timeout: '3s' }),
  });
  await sender.start?.(never);
  for (let from = 0; from < 9; from += 3) await sender.consume(spanBatch(from, 3), never);
  await settle();
  expect(peer.batches).toEqual([]);
  expect(await metric('otelcol_exporter_queue_size')).toBe(9);
  await sender.consume(spanBatch(9, 24), never);
  await vi.waitFor(() => expect(counts(peer.batches)).toEqual([12, 12]));
  clock.advance(2999);
  await settle();
  expect(peer.batches).toHaveLength(2);
  clock.advance(1);
  await vi.waitFor(() => expect(counts(peer.batches)).toEqual([12, 12, 9]));
  expect(names(peer.batches)).toEqual(numbers(33));
  await vi.waitFor(async () => expect(await metric('otelcol_exporter_queue_size')).toBe(0));
  await sender.stop?.(never);
  expect(clock.pendingCount).toBe(0);
});

test('sizes in bytes hold for what is sent, whatever it is cut from', async () => {
  const { peer, sender } = setUp({
    sending_queue: merging(
      { min_size: 4000, max_size: 4000 },
      { sizer: 'bytes', queue_size: 1_000_000 },
    ),
  });
  await sender.start?.(never);
  for (let from = 0; from < 300; from += 100) await sender.consume(spanBatch(from, 100), never);
  await sender.stop?.(never);
  expect(names(peer.batches)).toEqual(numbers(300));
  expect(Math.max(...peer.batches.map(({ byteSize }) => byteSize))).toBeLessThanOrEqual(4000);
  expect(Math.min(...counts(peer.batches.slice(0, -3)))).toBeGreaterThan(5);
});

test('what differs in tenant or in a header named is not merged, and the header goes along', async () => {
  const from = (team: string): Client => ({
    address: '10.0.0.1',
    metadata: new Map([
      ['x-team', [team]],
      ['x-other', ['y']],
    ]),
    auth: new Map(),
  });
  const { peer, sender } = setUp({
    sending_queue: merging({ min_size: 4, partition: { metadata_keys: ['X-Team'] } }),
  });
  await sender.start?.(never);
  for (const team of ['a', 'b', 'a', 'b', 'a'])
    await sender.consume(spanBatch(0, 2, from(team)), never);
  await sender.consume(batchOf('other', [makeSpan({})]), never);
  await sender.stop?.(never);
  const sent = peer.batches.map((one) => [
    one.tenant,
    one.count,
    one.client?.metadata.get('x-team'),
  ]);
  expect(sent).toEqual([
    ['default', 4, ['a']],
    ['default', 4, ['b']],
    ['default', 2, ['a']],
    ['other', 1, undefined],
  ]);
  expect(peer.batches.some(({ client }) => client?.metadata.has('x-other'))).toBe(false);
});

test('an item in a store is deleted when all of it was sent, not before', async () => {
  const store = new MapStore();
  const start = async () => {
    const made = setUp({
      sending_queue: merging({ min_size: 4, max_size: 4 }, { storage: 'file_storage' }),
      retry_on_failure: retry(),
    });
    made.host.lend(keyValueStorage, 'file_storage', { client: async () => store });
    await made.sender.start?.(never);
    return made;
  };
  const first = await start();
  await first.sender.consume(spanBatch(0, 3), never);
  await first.sender.consume(spanBatch(3, 3), never);
  // 0-3 went; 4 and 5 wait, and with them the second item.
  await vi.waitFor(() => expect(store.values.size).toBe(1));
  expect(names(first.peer.batches)).toEqual(numbers(4));
  first.peer.refuseWith = busy();
  await first.sender.stop?.(never);
  expect(store.values.size).toBe(1);

  const second = await start();
  await second.sender.consume(spanBatch(6, 1), never);
  await vi.waitFor(() => expect(names(second.peer.batches)).toEqual(['3', '4', '5', '6']));
  await vi.waitFor(() => expect(store.values.size).toBe(0));
  await second.sender.stop?.(never);
});

test('a caller that waits for the result hears of each part of its batch', async () => {
  const { peer, sender } = setUp({
    sending_queue: merging({ min_size: 2, max_size: 2 }, { wait_for_result: true }),
  });
  await sender.start?.(never);
  await sender.consume(spanBatch(0, 6), never);
  expect(counts(peer.batches)).toEqual([2, 2, 2]);
  peer.refuseWith = new SpoorError('bad', 'bad', { retryable: false });
  await expect(sender.consume(spanBatch(0, 4), never)).rejects.toMatchObject({ code: 'bad' });
  await sender.stop?.(never);
  await expect(sender.consume(batch(), never)).rejects.toMatchObject({ code: 'not_running' });
});

test.each([
  [{ batch: {} }, undefined],
  [{ batch: { enabled: false, min_size: 9 }, sizer: 'items', queue_size: 8 }, undefined],
  [{ batch: { min_size: 9 }, sizer: 'items', queue_size: 8 }, 'at most queue_size'],
  [{ batch: { min_size: 9, sizer: 'bytes' }, sizer: 'items', queue_size: 8 }, undefined],
  [{ batch: { min_size: 9, max_size: 8 } }, 'at least min_size'],
  [{ batch: { flush_timeout: 0 } }, 'above 0'],
  [{ batch: { partition: { metadata_keys: ['a', 'A'] } } }, 'twice'],
])('settings of merging %j', (settings, fault) => {
  const { success, error } = sendingQueue().safeParse(settings);
  expect(success).toBe(fault === undefined);
  if (fault !== undefined) expect(error?.message).toContain(fault);
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
