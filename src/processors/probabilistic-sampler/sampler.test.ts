import { describe, expect, test } from 'vitest';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import type { AttributeValue } from '../../model/attribute.ts';
import type { SpanBatch } from '../../model/batch/span-batch.ts';
import { makeAttributes, makeSpan, type SpanFields } from '../../model/trace/span.fixture.ts';
import { batchOf, spansOf } from '../../model/trace/span.ts';
import { logRecord, logsBatch, recordsIn } from '../../component/messages.fixture.ts';
import { bucketOf, hashOn, hashRandomness, keptBuckets, seededHash } from './hash.ts';
import { component } from './processor.ts';
import {
  parseThreshold,
  probabilityOf,
  randomnessText,
  thresholdOf,
  thresholdText,
} from './threshold.ts';
import { parseTraceState } from './trace-state.ts';

const never = new AbortController().signal;

function setUp(settings: object, signal: 'traces' | 'logs' = 'traces') {
  const { value, problems } = decode(component.config, settings);
  expect(problems).toEqual([]);
  const context = testContext(value);
  const next = new RecordingConsumer<SpanBatch>();
  return { context, next, processor: component.create({ ...context, signal, next }) };
}

async function sampled(settings: object, ...spans: SpanFields[]) {
  const { context, next, processor } = setUp(settings);
  await processor.consume(batchOf('default', spans.map(makeSpan)), never);
  const metrics = await context.telemetry.registry.metrics();
  return {
    states: next.batches.flatMap((batch) => spansOf(batch)).map(({ traceState }) => traceState),
    count: (policy: string, isKept: boolean) =>
      Number(
        new RegExp(
          `count_traces_sampled_total{policy="${policy}",sampled="${isKept}"} (\\d+)`,
        ).exec(metrics)?.[1] ?? 0,
      ),
  };
}

/** FNV-1a written down once more, with big integers. */
function plainHash(seed: number, bytes: Uint8Array): number {
  let hash = 0x811c9dc5n;
  const seeded = [seed & 255, (seed >>> 8) & 255, (seed >>> 16) & 255, seed >>> 24, ...bytes];
  for (const byte of seeded) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffff_ffffn;
  return Number(hash);
}

describe('hash', () => {
  test('is FNV-1a of the seed in four bytes, then the id', () => {
    expect(hashOn(0x811c9dc5, Buffer.from('foobar'), 0, 6)).toBe(0xbf9cf968);
    for (const seed of [0, 1, 22, 2 ** 32 - 1]) {
      const id = Buffer.from(`0123456789abcde${seed}`).subarray(0, 16);
      expect(hashOn(seededHash(seed), id, 0, 16)).toBe(plainHash(seed, id));
    }
  });

  test.each([
    [100, 16_384],
    [250, 16_384],
    [50, 8192],
    [15.3, 2506],
    [0.01, 1],
    [0.001, 0],
  ])('%d %% are %d buckets', (percentage, buckets) => {
    expect(keptBuckets(percentage)).toBe(buckets);
  });

  test('its randomness keeps what its bucket keeps, at any percentage', () => {
    for (let i = 0; i < 500; i++) {
      const hash = Math.imul(i, 2_654_435_761) >>> 0;
      const top = hashRandomness(hash).high >>> 10;
      expect(top).toBe(16_383 - bucketOf(hash));
    }
  });
});

describe('threshold', () => {
  test.each([
    [1, 4, '0'],
    [0.5, 4, '8'],
    [0.25, 4, 'c'],
    [0.1, 4, 'e666'],
    [0.1, 1, 'e'],
    [1 / 3, 14, 'aaaaaaaaaaaaac'],
    [0.01, 4, 'fd70a'],
    [0.99, 4, '028f6'],
    [2 ** -56, 4, 'ffffffffffffff'],
  ])('to keep %d with %d digits is %s', (probability, precision, text) => {
    expect(thresholdText(thresholdOf(probability, precision))).toBe(text);
  });

  test('is read back as the probability it stands for', () => {
    expect(probabilityOf(parseThreshold('c')!)).toBe(0.25);
    expect(probabilityOf(parseThreshold('0')!)).toBe(1);
    expect(parseThreshold('')).toBeUndefined();
    expect(parseThreshold('0123456789abcde')).toBeUndefined();
    expect(randomnessText(parseThreshold('01')!)).toBe('01000000000000');
  });
});

test.each([
  ['', {}],
  ['a=1', { others: ['a=1'] }],
  [
    'a=1,ot=th:c;x:1;rv:01234567890abc,b=2',
    { rv: '01234567890abc', thresholdText: 'c', extra: ['x:1'], others: ['a=1', 'b=2'] },
  ],
  ['ot=th:xyz', undefined],
  ['ot=rv:12', undefined],
  ['ot=', undefined],
  ['novalue', undefined],
  ['UPPER=1', undefined],
])('the tracestate "%s" is read as %o', (text, wanted) => {
  const state = parseTraceState(text);
  if (wanted === undefined) expect(state).toBeUndefined();
  else expect(state).toMatchObject(wanted);
});

// The last 14 digits of the id are its randomness: these begin with 0, 4, 8, c and f.
const ids = ['0', '4', '8', 'c', 'f'].map((digit) => `${'1'.repeat(18)}${digit.padEnd(14, '0')}`);
const at = (i: number, over: SpanFields = {}): SpanFields => ({ traceId: ids[i]!, ...over });

describe('mode proportional', () => {
  const half = { mode: 'proportional', sampling_percentage: 50 };

  test('keeps by the randomness in the id and says how much', async () => {
    const { states, count } = await sampled(half, ...ids.map((_, i) => at(i)));
    expect(states).toEqual(['ot=th:8', 'ot=th:8', 'ot=th:8']);
    expect(count('trace_id_w3c', true)).toBe(3);
    expect(count('trace_id_w3c', false)).toBe(2);
  });

  test('multiplies with what samplers before have kept, and leaves other members alone', async () => {
    const traceState = 'vendor=1,ot=th:8;x:y';
    const { states } = await sampled(half, ...[2, 3, 4].map((i) => at(i, { traceState })));
    expect(states).toEqual(['ot=th:c;x:y,vendor=1', 'ot=th:c;x:y,vendor=1']);
  });

  test('goes by the randomness the tracestate gives', async () => {
    const { states, count } = await sampled(half, at(0, { traceState: 'ot=rv:f0000000000000' }));
    expect(states).toEqual(['ot=rv:f0000000000000;th:8']);
    expect(count('sampling_randomness', true)).toBe(1);
  });

  test('0 % keeps nothing, 100 % everything', async () => {
    const none = await sampled({ ...half, sampling_percentage: 0 }, at(4));
    expect(none.states).toEqual([]);
    const all = await sampled(
      { ...half, sampling_percentage: 100 },
      at(0),
      at(1, { traceState: 'ot=th:4' }),
    );
    expect(all.states).toEqual(['ot=th:0', 'ot=th:4']);
  });

  test('falls below the least probability: nothing', async () => {
    const traceState = 'ot=th:ffffffffffffff;rv:ffffffffffffff';
    expect((await sampled(half, at(4, { traceState }))).states).toEqual([]);
  });
});

describe('mode equalizing', () => {
  test('brings every arriving probability down to one, never up', async () => {
    const { states } = await sampled(
      { mode: 'equalizing', sampling_percentage: 50 },
      at(2),
      at(2, { traceState: 'ot=th:4' }),
      at(4, { traceState: 'ot=th:c' }),
      at(1),
    );
    expect(states).toEqual(['ot=th:8', 'ot=th:8', 'ot=th:c']);
  });
});

describe('mode hash_seed', () => {
  const random = (seed: number) => {
    let state = seed;
    return () => (state = Math.imul(state, 48_271) >>> 0);
  };
  const next = random(7);
  const many = Array.from({ length: 4000 }, () =>
    Array.from({ length: 4 }, () => next().toString(16).padStart(8, '0')).join(''),
  );

  test.each([0, 22])(
    'is the default and keeps what the plain hash keeps, seed %d',
    async (seed) => {
      const { states, count } = await sampled(
        { sampling_percentage: 15.3, hash_seed: seed },
        ...many.map((traceId) => ({ traceId })),
      );
      const wanted = many.filter(
        (id) => plainHash(seed, Buffer.from(id, 'hex')) % 16_384 < keptBuckets(15.3),
      );
      expect(states).toHaveLength(wanted.length);
      expect(count('trace_id_hash', true)).toBe(wanted.length);
      expect(Math.abs(wanted.length / many.length - 0.153)).toBeLessThan(0.03);
      expect(states.every((state) => /^ot=rv:[0-9a-f]{14};th:d8d8$/.test(state))).toBe(true);
    },
  );

  test('its marks let a sampler of the specification keep the same', async () => {
    const { states } = await sampled(
      { sampling_percentage: 50 },
      ...many.map((traceId) => ({ traceId })),
    );
    const spans = states.map((traceState) => ({ traceState }));
    const again = await sampled({ mode: 'equalizing', sampling_percentage: 50 }, ...spans);
    expect(again.states).toEqual(states);
  });

  test.each(['ot=th:8', 'ot=rv:f0000000000000', 'ot=bad'])(
    'fails on spans another sampler marked: %s',
    async (traceState) => {
      const settings = { sampling_percentage: 100 };
      expect((await sampled(settings, at(4, { traceState }))).states).toEqual([]);
      const open = { ...settings, fail_closed: false };
      expect((await sampled(open, at(4, { traceState }))).states).toEqual([traceState]);
    },
  );
});

test.each(['proportional', 'hash_seed'])(
  'without randomness %s drops, or keeps when it fails open',
  async (mode) => {
    const none = { traceId: '0'.repeat(32) };
    const settings = { mode, sampling_percentage: 50 };
    const closed = await sampled(settings, none);
    expect(closed.states).toEqual([]);
    expect(closed.count('missing_randomness', false)).toBe(1);
    const open = await sampled({ ...settings, fail_closed: false }, none);
    expect(open.states).toEqual(['ot=th:0']);
  },
);

test('a threshold that contradicts the randomness is dropped with its span, or cleared', async () => {
  const settings = { mode: 'proportional', sampling_percentage: 100 };
  const lying = at(0, { traceState: 'ot=th:8' });
  expect((await sampled(settings, lying)).states).toEqual([]);
  expect((await sampled({ ...settings, fail_closed: false }, lying)).states).toEqual(['ot=th:0']);
});

test.each<[AttributeValue | string | number | boolean, boolean | undefined]>([
  [0, false],
  [1, true],
  [5, true],
  [-1, undefined],
  [{ type: 'double', value: 0 }, false],
  [0.5, true],
  ['0', false],
  ['2', true],
  ['0.7', true],
  ['x', undefined],
  [true, undefined],
])('sampling.priority %j decides %j', async (priority, decision) => {
  const one = { attributes: { 'sampling.priority': priority } };
  const settings = (sampling_percentage: number) => ({ mode: 'proportional', sampling_percentage });
  const low = await sampled(settings(0), at(0, one));
  const high = await sampled(settings(100), at(0, one));
  expect(low.states).toHaveLength(decision === true ? 1 : 0);
  expect(high.states).toHaveLength(decision === false ? 0 : 1);
  expect(low.count('sampling_priority', true)).toBe(decision === true ? 1 : 0);
});

test('what is kept are the same spans, resources and events as before', async () => {
  const { next, processor } = setUp({ mode: 'proportional', sampling_percentage: 50 });
  const spans = ids.map((_, i) => makeSpan({ ...at(i), name: `span ${i}`, attributes: { i } }));
  await processor.consume(batchOf('default', spans), never);
  const kept = spansOf(next.batches[0]!);
  expect(kept).toEqual(spans.slice(2).map((span) => ({ ...span, traceState: 'ot=th:8' })));
});

describe('log records', () => {
  const idBytes = (i: number) => Uint8Array.from(Buffer.from(ids[i]!, 'hex'));

  async function kept(settings: object, ...records: Parameters<typeof logRecord>[0][]) {
    const { next, processor } = setUp(settings, 'logs');
    await processor.consume(logsBatch(records.map(logRecord)), never);
    return recordsIn(next.batches[0]).map(({ attributes }) =>
      Object.fromEntries(
        attributes.map(({ key, value }) => [key, 'value' in value ? value.value : null]),
      ),
    );
  }

  test('are kept by the randomness of their trace id, and say how much', async () => {
    const records = ids.map((_, i) => ({ traceId: idBytes(i) }));
    expect(await kept({ mode: 'proportional', sampling_percentage: 50 }, ...records)).toEqual([
      { 'sampling.threshold': '8' },
      { 'sampling.threshold': '8' },
      { 'sampling.threshold': '8' },
    ]);
  });

  test('go by their own marks', async () => {
    const attributes = makeAttributes({
      'sampling.randomness': 'f0000000000000',
      'sampling.threshold': '8',
    });
    expect(await kept({ mode: 'proportional', sampling_percentage: 50 }, { attributes })).toEqual([
      { 'sampling.randomness': 'f0000000000000', 'sampling.threshold': 'c' },
    ]);
    expect(await kept({ sampling_percentage: 100 }, { attributes })).toEqual([]);
  });

  test('are hashed by trace id, or by an attribute', async () => {
    const settings = { sampling_percentage: 50, attribute_source: 'record', from_attribute: 'id' };
    const values = Array.from({ length: 200 }, (_, i) => `record ${i}`);
    const found = await kept(
      settings,
      ...values.map((id) => ({ attributes: makeAttributes({ id }) })),
    );
    const wanted = values.filter((id) => plainHash(0, Buffer.from(id)) % 16_384 < 8192);
    expect(found.map(({ id }) => id)).toEqual(wanted);
    expect(found[0]).toMatchObject({ 'sampling.threshold': '8' });
    expect(await kept(settings, { traceId: idBytes(4) })).toEqual([]);
    const byId = await kept({ sampling_percentage: 100 }, { traceId: idBytes(0) });
    expect(byId).toHaveLength(1);
  });

  test.each<[number, number]>([
    [0, 0],
    [100, 1],
    [250, 1],
    [50, 1],
  ])('with a priority of %d are kept: %d', async (priority, count) => {
    const settings = { mode: 'proportional', sampling_percentage: 1, sampling_priority: 'p' };
    const attributes = makeAttributes({ p: priority });
    expect(await kept(settings, { traceId: idBytes(2), attributes })).toHaveLength(count);
    expect(await kept(settings, { traceId: idBytes(2) })).toHaveLength(0);
  });
});

test.each([
  [{ mode: 'other' }, 'mode'],
  [{ sampling_percentage: -1 }, 'sampling_percentage'],
  [{ sampling_percentage: 1e-16 }, 'too small'],
  [{ hash_seed: 2 ** 32 }, 'hash_seed'],
  [{ sampling_precision: 0 }, 'sampling_precision'],
  [{ sampling_precision: 15 }, 'sampling_precision'],
  [{ attribute_source: 'record' }, 'from_attribute'],
])('%j is refused: %s', (settings, part) => {
  expect(JSON.stringify(decode(component.config, settings).problems)).toContain(part);
});
