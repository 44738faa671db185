import { describe, expect, test } from 'vitest';
import { logBytes, namesOf, spanCount, spansNamed } from '../../component/batch.fixture.ts';
import { isMessages, sentBy } from '../../component/consumer.ts';
import { messagesOfBytes } from '../../component/message-batch.ts';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { silentLogger } from '../../lib/logger.ts';
import { BatchConfig } from './config.ts';
import { Batcher } from './processor.ts';

function configOf(input: object): BatchConfig {
  const { value, problems } = decode(BatchConfig, input);
  if (value === undefined) throw new Error(JSON.stringify(problems));
  return value;
}

function batcher(input: object) {
  const next = new RecordingConsumer();
  const warnings: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (_: object, message: string) => void warnings.push(message),
  };
  const context = { ...testContext(configOf(input)), logger, signal: 'traces' as const, next };
  return { next, clock: context.clock, processor: new Batcher(context), context, warnings };
}

/** Lets promise callbacks run; nothing here waits for time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

const never = new AbortController().signal;

/** What became of a promise so far. */
function watched(promise: Promise<void>) {
  const state = { outcome: 'waiting', error: undefined as unknown };
  promise.then(
    () => (state.outcome = 'accepted'),
    (error: unknown) => {
      state.outcome = 'refused';
      state.error = error;
    },
  );
  return state;
}

describe('with a timeout up to a second', () => {
  test('callers wait for their merged batch to be accepted further down', async () => {
    const { next, clock, processor } = batcher({ timeout: '200ms' });
    const first = watched(processor.consume(spansNamed(['a', 'b'])));
    const second = watched(processor.consume(spansNamed(['c'])));
    clock.advance(199);
    await settle();
    expect([first.outcome, second.outcome, next.batches.length]).toEqual(['waiting', 'waiting', 0]);
    clock.advance(1);
    await settle();
    expect([first.outcome, second.outcome]).toEqual(['accepted', 'accepted']);
    expect(next.batches.map(namesOf)).toEqual([['a', 'b', 'c']]);
  });

  test('one failure goes to every caller of that batch and to no other', async () => {
    const { next, clock, processor } = batcher({ timeout: '1s', send_batch_size: 3 });
    next.refuseWith = new Error('no');
    const callers = [
      watched(processor.consume(spanCount(2))),
      watched(processor.consume(spanCount(1))),
    ];
    await settle();
    expect(callers.map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
    next.refuseWith = undefined;
    const later = watched(processor.consume(spanCount(1)));
    clock.advance(1000);
    await settle();
    expect(later.outcome).toBe('accepted');
  });

  test('a full batch leaves at once and the timer starts anew', async () => {
    const { next, clock, processor } = batcher({ timeout: '1s', send_batch_size: 4 });
    void processor.consume(spanCount(2));
    clock.advance(900);
    void processor.consume(spanCount(2));
    await settle();
    expect(next.itemCount).toBe(4);
    void processor.consume(spanCount(1));
    clock.advance(900);
    await settle();
    expect(next.itemCount).toBe(4);
    clock.advance(100);
    await settle();
    expect(next.itemCount).toBe(5);
  });

  test('a batch larger than the maximum is cut, and its caller waits for every piece', async () => {
    const { next, clock, processor } = batcher({
      timeout: '1s',
      send_batch_size: 4,
      send_batch_max_size: 4,
    });
    const caller = watched(processor.consume(spanCount(10)));
    await settle();
    expect(next.batches.map((batch) => batch.count)).toEqual([4, 4]);
    expect(caller.outcome).toBe('waiting');
    clock.advance(1000);
    await settle();
    expect(next.batches.map((batch) => batch.count)).toEqual([4, 4, 2]);
    expect(next.batches.flatMap(namesOf)).toEqual(namesOf(spanCount(10)));
    expect(caller.outcome).toBe('accepted');
  });

  test('tenants are never mixed', async () => {
    const { next, clock, processor } = batcher({});
    void processor.consume(spanCount(1, 'a'));
    void processor.consume(spanCount(1, 'b'));
    void processor.consume(spanCount(1, 'a'));
    clock.advance(200);
    await settle();
    expect(next.batches.map(({ tenant, count }) => [tenant, count])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });
});

test('a timeout of 0 passes every batch on at once', async () => {
  const { next, processor, clock } = batcher({ timeout: 0 });
  await processor.consume(spanCount(3));
  await processor.consume(spanCount(2));
  expect(next.batches.map((batch) => batch.count)).toEqual([3, 2]);
  expect(clock.pendingCount).toBe(0);
});

test('a longer timeout acknowledges at once, and says when that was too early', async () => {
  const { next, clock, processor, context, warnings } = batcher({ timeout: '5s' });
  await processor.consume(spanCount(3));
  expect(next.batches).toEqual([]);
  next.refuseWith = new Error('no');
  clock.advance(5000);
  await settle();
  expect(warnings).toEqual(['acknowledged data was refused further down and is lost']);
  expect(await context.telemetry.registry.metrics()).toContain(
    'otelcol_processor_batch_items_lost_total{processor="test"} 3',
  );
});

test('stopping sends what waits and leaves no timer', async () => {
  const { next, clock, processor } = batcher({ timeout: '10s' });
  await processor.consume(spanCount(3));
  await processor.stop(never);
  expect(next.itemCount).toBe(3);
  expect(clock.pendingCount).toBe(0);
});

test('past its bound of bytes it refuses retryably, and takes again once it has room', async () => {
  const { next, clock, processor } = batcher({ timeout: '10s', send_batch_size: 0 });
  const bytes = new Uint8Array(100 * 2 ** 20);
  const large = messagesOfBytes({ signal: 'logs', count: 1, tenant: 'default', bytes });
  await processor.consume(large);
  await expect(processor.consume(large)).rejects.toMatchObject({
    code: 'overloaded',
    retryable: true,
  });
  clock.advance(10_000);
  await settle();
  expect(next.batches).toHaveLength(1);
  await processor.consume(large);
});

test('requests of metrics and logs join by their bytes', async () => {
  const { next, clock, processor } = batcher({});
  void processor.consume(logBytes([10, 1, 1], 2));
  void processor.consume(logBytes([10, 1, 2], 3));
  clock.advance(200);
  await settle();
  const [batch] = next.batches;
  expect(batch).toMatchObject({ signal: 'logs', count: 5, byteSize: 6 });
  expect(batch && isMessages(batch) ? [...batch.payload.bytes] : []).toEqual([10, 1, 1, 10, 1, 2]);
});

describe('with metadata_keys', () => {
  const sent = (tenant: string, trace = '1') =>
    sentBy(spanCount(1), {
      address: '',
      metadata: new Map([
        ['x-tenant', [tenant]],
        ['x-trace', [trace]],
      ]),
      auth: new Map(),
    });

  test('batches are kept apart by these headers, which go on with them', async () => {
    const { next, clock, processor } = batcher({ metadata_keys: ['X-Tenant'] });
    for (const batch of [sent('a'), sent('b'), sent('a', '2'), spanCount(1)]) {
      void processor.consume(batch);
    }
    clock.advance(200);
    await settle();
    const seen = next.batches.map(({ count, client }) => [count, [...(client?.metadata ?? [])]]);
    expect(seen).toEqual([
      [2, [['x-tenant', ['a']]]],
      [1, [['x-tenant', ['b']]]],
      [1, []],
    ]);
  });

  test('more combinations than the limit are refused', async () => {
    const { processor } = batcher({ metadata_keys: ['x-tenant'], metadata_cardinality_limit: 1 });
    void processor.consume(sent('a'));
    await expect(processor.consume(sent('b'))).rejects.toMatchObject({ code: 'overloaded' });
  });
});

test('without metadata_keys a merged batch has a client only when all came from one', async () => {
  const client = { address: '::1', metadata: new Map(), auth: new Map() };
  for (const [other, expected] of [
    [client, client],
    [undefined, undefined],
  ]) {
    const { next, clock, processor } = batcher({});
    void processor.consume(sentBy(spanCount(1), client));
    void processor.consume(sentBy(spanCount(1), other));
    clock.advance(200);
    await settle();
    expect(next.batches.map((batch) => batch.client)).toEqual([expected]);
  }
});

test('its counters have the names of the Collector', async () => {
  const { processor, context } = batcher({ send_batch_size: 2 });
  await processor.consume(spanCount(2));
  const text = await context.telemetry.registry.metrics();
  expect(text).toContain(
    'otelcol_processor_batch_batch_size_trigger_send_total{processor="test"} 1',
  );
  expect(text).toContain('otelcol_processor_batch_batch_send_size_sum{processor="test"} 2');
});

test.for([
  [{ send_batch_size: 10, send_batch_max_size: 5 }, /send_batch_max_size/],
  [{ metadata_keys: ['X-Tenant', 'x-tenant'] }, /metadata_keys/],
  [{ timeout: '-1s' }, /negative/],
] as const)('%j is refused', ([input, message]) => {
  const { problems } = decode(BatchConfig, input);
  expect(problems.map((problem) => problem.message).join()).toMatch(message);
});
