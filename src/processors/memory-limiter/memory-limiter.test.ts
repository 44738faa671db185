import { expect, test } from 'vitest';
import { spanCount } from '../../component/batch.fixture.ts';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { startReceiver, SPANS } from '../../receivers/otlp/receiver.fixture.ts';
import { component as exporter } from '../../exporters/otlp-http/exporter.ts';
import { batchOf } from '../../model/trace/span.ts';
import { limitsOf, MemoryLimiterConfig } from './config.ts';
import { processMemory } from './memory.ts';
import { component, MemoryLimiter } from './processor.ts';

const never = new AbortController().signal;
const MIB = 2 ** 20;

function setUp(settings: object = {}) {
  const config = MemoryLimiterConfig.parse({
    check_interval: '1s',
    limit_mib: 500,
    spike_limit_mib: 100,
    ...settings,
  });
  const context = testContext(config, 'memory_limiter');
  const memory = {
    used: 100 * MIB,
    collected: 0,
    /** What a collection frees. */
    garbage: 0,
    usedBytes: () => memory.used,
    totalBytes: () => 1000 * MIB,
    collectGarbage() {
      memory.collected += 1;
      memory.used -= memory.garbage;
    },
  };
  const next = new RecordingConsumer();
  const limiter = new MemoryLimiter({ ...context, next, signal: 'traces' }, memory);
  const metric = async (outcome: string) =>
    (
      await context.telemetry.registry
        .getSingleMetric(`otelcol_processor_memory_limiter_${outcome}_spans_total`)
        ?.get()
    )?.values[0]?.value;
  return { ...context, memory, next, limiter, metric };
}

const refusal = { code: 'overloaded', retryable: true, retryAfterMs: 1000 };

test('refuses from the soft limit on, and takes data again below it', async () => {
  const { limiter, memory, clock, next, metric } = setUp();
  await limiter.start();
  await limiter.consume(spanCount(3), never);
  memory.used = 400 * MIB;
  clock.advance(1000);
  await expect(limiter.consume(spanCount(2), never)).rejects.toMatchObject(refusal);
  expect(() => limiter.admit(1)).toThrow('memory is short');
  memory.used = 399 * MIB;
  clock.advance(1000);
  limiter.admit(1);
  await limiter.consume(spanCount(1), never);
  expect(next.itemCount).toBe(4);
  expect([await metric('accepted'), await metric('refused')]).toEqual([4, 2]);
  await limiter.stop();
  expect(clock.pendingCount).toBe(0);
});

test('what was admitted since the last look counts as used', async () => {
  const { limiter, clock } = setUp();
  await limiter.start();
  limiter.admit(350 * MIB);
  expect(() => limiter.admit(60 * MIB)).toThrow('memory is short');
  limiter.admit(50 * MIB);
  clock.advance(1000);
  limiter.admit(350 * MIB);
  await limiter.stop();
});

test('garbage is collected first, not more often than asked', async () => {
  const { limiter, memory, clock } = setUp();
  memory.garbage = 200 * MIB;
  await limiter.start();
  memory.used = 420 * MIB;
  clock.advance(1000);
  expect(memory.collected).toBe(1);
  await limiter.consume(spanCount(1), never);
  memory.used = 420 * MIB;
  clock.advance(1000);
  expect(memory.collected).toBe(1);
  await expect(limiter.consume(spanCount(1), never)).rejects.toMatchObject(refusal);
  memory.used = 600 * MIB;
  clock.advance(1000);
  expect(memory.collected).toBe(2);
  await limiter.stop();
});

test.each([
  [{ limit_mib: 500, spike_limit_mib: 100 }, 500, 400],
  [{ limit_mib: 500, spike_limit_mib: 0 }, 500, 400],
  [
    { limit_mib: 0, limit_percentage: 50, spike_limit_percentage: 10, spike_limit_mib: 0 },
    500,
    400,
  ],
])('limits of %j', (settings, hard, soft) => {
  const config = MemoryLimiterConfig.parse({ check_interval: '1s', ...settings });
  expect(limitsOf(config, 1000 * MIB)).toEqual({ hardBytes: hard * MIB, softBytes: soft * MIB });
});

test.each([
  [{ limit_mib: 1 }, 'check_interval'],
  [{ check_interval: '0s', limit_mib: 1 }, 'longer than 0'],
  [{ check_interval: '1s' }, 'limit_mib or limit_percentage'],
  [{ check_interval: '1s', limit_mib: 10, spike_limit_mib: 10 }, 'smaller than limit_mib'],
])('%j is refused', (settings, part) => {
  expect(JSON.stringify(decode(component.config, settings).problems)).toContain(part);
});

test('the real process has memory, and its garbage can be collected', () => {
  const memory = processMemory();
  expect(memory.usedBytes()).toBeGreaterThan(MIB);
  expect(memory.totalBytes()).toBeGreaterThan(memory.usedBytes());
  memory.collectGarbage();
});

test('a receiver asks before it decodes: the client is told to come back', async () => {
  const { limiter, memory, next } = setUp();
  memory.used = 450 * MIB;
  await limiter.start();
  const peer = await startReceiver({ next: { traces: limiter } });
  const { value } = decode(exporter.config, { endpoint: peer.http });
  const sender = exporter.create({ ...testContext(value), signal: 'traces' });
  await sender.start?.(never);
  await expect(sender.consume(batchOf('default', SPANS), never)).rejects.toMatchObject({
    code: 'busy',
    retryAfterMs: 1000,
  });
  expect(next.batches).toEqual([]);
  await sender.stop?.(never);
  await peer.receiver.stop?.(never);
  await limiter.stop();
});
