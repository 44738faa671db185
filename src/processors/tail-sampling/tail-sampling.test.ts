import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SpoorError } from '../../lib/errors.ts';
import type { KeyValue } from '../../model/attribute.ts';
import { makeAttributes, makeSpan, type SpanFields } from '../../model/trace/span.fixture.ts';
import { batchOf, serviceOf, type Span } from '../../model/trace/span.ts';
import { fnv1a64 } from './fnv.ts';
import { never, setUp } from './sampler.fixture.ts';

const MS = 1_000_000;

const isMany = ({ value }: KeyValue) => value.type === 'int' && value.value >= 8n;

const traceIds = (spans: readonly Span[]) =>
  [...new Set(spans.map(({ traceId }) => Number.parseInt(traceId, 16)))].toSorted((a, b) => a - b);

/** Which of the traces 1, 2, … a single policy keeps. */
async function keptBy(policy: object, traces: readonly SpanFields[][]): Promise<number[]> {
  const { sampler, send, advance, kept } = setUp({ policies: [{ name: 'p', ...policy }] });
  await sampler.start();
  for (const [i, spans] of traces.entries()) {
    await send(
      ...spans.map((span, j) => ({ ...span, traceId: (i + 1).toString(16), spanId: `${j + 1}` })),
    );
  }
  await advance(11);
  await sampler.stop(never);
  return traceIds(kept());
}

describe('what each policy keeps', () => {
  test.each([
    ['always_sample', {}, [[{}], [{}]], [1, 2]],
    [
      'latency',
      { threshold_ms: 100 },
      [[{ takes: 100 * MS }], [{ takes: 101 * MS }], [{ takes: MS }, { at: 120 * MS, takes: MS }]],
      [2, 3],
    ],
    [
      'latency',
      { threshold_ms: 10, upper_threshold_ms: 20 },
      [[{ takes: 10 * MS }], [{ takes: 20 * MS }], [{ takes: 21 * MS }]],
      [2],
    ],
    [
      'status_code',
      { status_codes: ['ERROR'] },
      [[{}], [{}, { statusCode: 2 }], [{ statusCode: 1 }]],
      [2],
    ],
    [
      'status_code',
      { status_codes: ['UNSET', 'OK'] },
      [[{}], [{ statusCode: 2 }], [{ statusCode: 1 }]],
      [1, 3],
    ],
    ['probabilistic', { sampling_percentage: 100 }, [[{}]], [1]],
    ['probabilistic', { sampling_percentage: 0 }, [[{}]], []],
    [
      'numeric_attribute',
      { key: 'n', min_value: 5, max_value: 10 },
      [[{ attributes: { n: 5 } }], [{ attributes: { n: 11 } }], [{ attributes: { n: '7' } }], [{}]],
      [1],
    ],
    [
      'numeric_attribute',
      { key: 'n', min_value: 5, invert_match: true },
      [[{ attributes: { n: 5 } }], [{ attributes: { n: 4 } }], [{}]],
      [2, 3],
    ],
    [
      'string_attribute',
      { key: 's', values: ['a', ''] },
      [[{ attributes: { s: 'a' } }], [{ attributes: { s: '' } }], [{ attributes: { s: 'ab' } }]],
      [1],
    ],
    [
      'string_attribute',
      { key: 'service.name', values: ['^ca.t$', 'db'], enabled_regex_matching: true },
      [[{ service: 'cart' }], [{ service: 'my-db-1' }], [{ service: 'carts' }]],
      [1, 2],
    ],
    [
      'string_attribute',
      { key: 's', values: ['a'], invert_match: true },
      [[{ attributes: { s: 'b' } }], [{}, { attributes: { s: 'a' } }]],
      [1],
    ],
    [
      'boolean_attribute',
      { key: 'b', value: true },
      [
        [{ attributes: { b: true } }],
        [{ attributes: { b: false } }],
        [{ attributes: { b: 'true' } }],
      ],
      [1],
    ],
    ['span_count', { min_spans: 2 }, [[{}], [{}, {}], [{}, {}, {}]], [2, 3]],
    ['span_count', { min_spans: 2, max_spans: 2 }, [[{}], [{}, {}], [{}, {}, {}]], [2]],
    [
      'trace_state',
      { key: 'vip', values: ['1'] },
      [[{ traceState: 'a=b, vip=1' }], [{ traceState: 'vip=2' }], [{}]],
      [1],
    ],
    ['trace_flags', {}, [[{ flags: 1 }], [{ flags: 0x300 }]], [1]],
    ['rate_limiting', { spans_per_second: 3 }, [[{}, {}], [{}, {}], [{}]], [1, 3]],
    ['bytes_limiting', { bytes_per_second: 1 }, [[{}]], []],
    [
      'ottl_condition',
      { span: ['attributes["n"] > 3'], spanevent: ['name == "exception"'] },
      [
        [{ attributes: { n: 4 } }],
        [{ events: [{ timeNano: 1n, name: 'exception', droppedAttributes: 0, attributes: [] }] }],
        [{ attributes: { n: 3 } }],
      ],
      [1, 2],
    ],
    [
      'and',
      {
        and_sub_policy: [
          { name: 'a', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
          { name: 'b', type: 'latency', latency: { threshold_ms: 5 } },
        ],
      },
      [[{ statusCode: 2 }], [{ statusCode: 2, takes: 6 * MS }], [{ takes: 6 * MS }]],
      [2],
    ],
    [
      'not',
      {
        not_sub_policy: {
          name: 'a',
          type: 'status_code',
          status_code: { status_codes: ['ERROR'] },
        },
      },
      [[{ statusCode: 2 }], [{}]],
      [2],
    ],
    [
      'composite',
      {
        max_total_spans_per_second: 10,
        policy_order: ['slow', 'rest'],
        composite_sub_policy: [
          { name: 'rest', type: 'always_sample' },
          { name: 'slow', type: 'latency', latency: { threshold_ms: 5 } },
        ],
        rate_allocation: [
          { policy: 'slow', percent: 50 },
          { policy: 'rest', percent: 10 },
        ],
      },
      [[{}], [{}], [{ takes: 6 * MS }], [{ takes: 6 * MS }, {}, {}, {}], [{ takes: 6 * MS }]],
      [1, 3, 4],
    ],
  ] as const)('%s %j', async (type, block, traces, expected) => {
    const policy = { type, ...(Object.keys(block).length > 0 ? { [type]: block } : {}) };
    const plain = traces.map((spans) => spans.map((span): SpanFields => ({ ...span })));
    expect(await keptBy(policy, plain)).toEqual(expected);
  });
});

test('a drop outweighs a sampling policy, an inverted no too', async () => {
  const { sampler, send, advance, kept } = setUp({
    sample_on_first_match: true,
    policies: [
      { name: 'all', type: 'always_sample' },
      {
        name: 'no health checks',
        type: 'drop',
        drop: {
          drop_sub_policy: [
            {
              name: 'h',
              type: 'string_attribute',
              string_attribute: { key: 'url', values: ['/health'] },
            },
          ],
        },
      },
    ],
  });
  await sampler.start();
  await send({ traceId: '1', attributes: { url: '/health' } }, { traceId: '2' });
  await advance(11);
  expect(traceIds(kept())).toEqual([2]);
  await sampler.stop(never);
});

test('probabilistic keeps about its share, the same traces every time', async () => {
  const ids = Array.from({ length: 4000 }, (_, i) =>
    createHash('md5').update(`${i}`).digest('hex'),
  );
  const run = async () => {
    const { sampler, advance, kept } = setUp({
      policies: [{ name: 'p', type: 'probabilistic', probabilistic: { sampling_percentage: 10 } }],
    });
    await sampler.start();
    await sampler.consume(
      batchOf(
        'default',
        ids.map((traceId) => makeSpan({ traceId })),
      ),
      never,
    );
    await advance(11);
    await sampler.stop(never);
    return kept().map(({ traceId }) => traceId);
  };
  const first = await run();
  // 400 expected, standard deviation 19: five of them on either side.
  expect(first.length).toBeGreaterThan(305);
  expect(first.length).toBeLessThan(495);
  expect(await run()).toEqual(first);
});

test('FNV-1a gives the published values', () => {
  expect(fnv1a64(Buffer.from(''))).toBe(0xcbf29ce484222325n);
  expect(fnv1a64(Buffer.from('foobar'))).toBe(0x85944171f73967e8n);
});

const keepErrors = [
  { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
];

test('spans of a trace that come in pieces leave together, untouched, after decision_wait', async () => {
  const { sampler, send, advance, kept, next, metric } = setUp({ policies: keepErrors });
  await sampler.start();
  const attributes = { 'db.system': 'sqlite', n: 3 };
  await send({ traceId: '1', spanId: '1', attributes }, { traceId: '2', spanId: '2' });
  await advance(5);
  await send({ traceId: '1', spanId: '3', service: 'db', statusCode: 2 });
  await advance(4);
  expect(kept()).toEqual([]);
  await advance(2);
  expect(next.batches).toHaveLength(1);
  expect(kept().map(({ spanId }) => Number(spanId))).toEqual([1, 3]);
  expect(kept()[0]?.attributes).toEqual(makeAttributes(attributes));
  expect(kept().map(serviceOf)).toEqual(['web', 'db']);
  expect(await metric('global_count_traces_sampled', { sampled: 'true' })).toBe(1);
  expect(await metric('global_count_traces_sampled', { sampled: 'false' })).toBe(1);
  const votes = { policy: 'errors', sampled: 'false', decision: 'not_sampled' };
  expect(await metric('count_traces_sampled', votes)).toBe(1);
  expect(await metric('held_bytes')).toBe(0);
  await sampler.stop(never);
});

test('a root brings the decision forward, for its trace alone', async () => {
  const { sampler, send, advance, kept, metric } = setUp({
    policies: [{ name: 'all', type: 'always_sample' }],
    decision_wait_after_root_received: '2s',
  });
  await sampler.start();
  const child = (traceId: string, spanId: string) => ({ traceId, spanId, parentSpanId: '1' });
  await send(child('1', '2'), child('2', '2'), child('3', '2'));
  await advance(1);
  // Roots of 1 and 3 at second 1, more of 2 and 3; 2 never gets one.
  await send({ traceId: '1', spanId: '1' }, child('2', '3'), { traceId: '3', spanId: '1' });
  await advance(1);
  await send(child('3', '3'));
  expect(kept()).toEqual([]);
  await advance(1);
  const spansOf1And3 = kept().map(({ traceId, spanId }) => `${Number(traceId)}:${Number(spanId)}`);
  expect(spansOf1And3.toSorted()).toEqual(['1:1', '1:2', '3:1', '3:2', '3:3']);
  // What comes later follows, and the other waits for its own time.
  await send(child('1', '4'));
  expect(kept()).toHaveLength(6);
  await advance(6);
  expect(kept()).toHaveLength(6);
  await advance(1);
  expect(traceIds(kept())).toEqual([1, 2, 3]);
  expect(kept()).toHaveLength(8);
  await advance(1);
  expect(await metric('held_bytes')).toBe(0);
  await sampler.stop(never);
});

test('late spans follow the decision of their trace, also when only a cache remembers it', async () => {
  const { sampler, send, advance, kept, metric } = setUp({
    policies: keepErrors,
    num_traces: 2,
    decision_cache: { sampled_cache_size: 10, non_sampled_cache_size: 10 },
  });
  await sampler.start();
  await send({ traceId: '1', statusCode: 2 }, { traceId: '2' });
  await advance(11);
  await send({ traceId: '1', spanId: '9' }, { traceId: '2', spanId: '9' });
  expect(kept().map(({ spanId }) => Number(spanId))).toEqual([1, 9]);
  await send({ traceId: '3' }, { traceId: '4' });
  await send({ traceId: '1', spanId: '8' }, { traceId: '2', spanId: '8' });
  expect(kept().map(({ spanId }) => Number(spanId))).toEqual([1, 9, 8]);
  expect(await metric('early_releases_from_cache_decision')).toBe(2);
  await sampler.stop(never);
});

test('what is decided while late spans are passed on follows its decision', async () => {
  const { sampler, send, advance, next, kept } = setUp({
    policies: [{ name: 'all', type: 'always_sample' }],
  });
  await sampler.start();
  await send({ traceId: '1', spanId: '1' });
  await advance(5);
  await send({ traceId: '2', spanId: '1' });
  await advance(6);
  expect(traceIds(kept())).toEqual([1]);
  // Trace 1 is late, trace 2 is held; the next component takes its time.
  const consume = next.consume.bind(next);
  const gate = Promise.withResolvers<void>();
  next.consume = async (batch) => {
    await gate.promise;
    await consume(batch);
  };
  const sent = send({ traceId: '1', spanId: '2' }, { traceId: '2', spanId: '2' });
  await advance(6);
  gate.resolve();
  await sent;
  await advance(1);
  const ids = kept().map(({ traceId, spanId }) => `${Number(traceId)}:${Number(spanId)}`);
  expect(ids.toSorted()).toEqual(['1:1', '1:2', '2:1', '2:2']);
  await sampler.stop(never);
});

test('past num_traces the oldest undecided trace is given up and counted, or new ones refused', async () => {
  const giving = setUp({ policies: keepErrors, num_traces: 2 });
  await giving.sampler.start();
  await giving.send({ traceId: '1', statusCode: 2 }, { traceId: '2', statusCode: 2 });
  await giving.send({ traceId: '3', statusCode: 2 });
  await giving.advance(11);
  expect(traceIds(giving.kept())).toEqual([2, 3]);
  expect(await giving.metric('sampling_trace_dropped_too_early')).toBe(1);
  await giving.sampler.stop(never);

  const blocking = setUp({ policies: keepErrors, num_traces: 2, block_on_overflow: true });
  await blocking.sampler.start();
  await blocking.send({ traceId: '1', statusCode: 2 }, { traceId: '2', statusCode: 2 });
  await expect(blocking.send({ traceId: '3' })).rejects.toMatchObject({
    code: 'overloaded',
    retryable: true,
  });
  await blocking.send({ traceId: '1', spanId: '2' });
  await blocking.advance(11);
  await blocking.send({ traceId: '3', statusCode: 2 });
  expect(traceIds(blocking.kept())).toEqual([1, 2]);
  await blocking.sampler.stop(never);
});

test('held bytes are bounded: beyond them senders are refused until something is decided', async () => {
  const { sampler, send, advance } = setUp({ policies: keepErrors, max_held_bytes: '500B' });
  await sampler.start();
  await send({ traceId: '1', attributes: { text: 'x'.repeat(600) } });
  await expect(send({ traceId: '2' })).rejects.toMatchObject({
    code: 'overloaded',
    retryable: true,
  });
  await advance(11);
  await send({ traceId: '2' });
  await sampler.stop(never);
});

test('a trace past maximum_trace_size_bytes is dropped at once, with what comes after', async () => {
  const { sampler, send, advance, kept, metric } = setUp({
    policies: keepErrors,
    maximum_trace_size_bytes: 300,
  });
  await sampler.start();
  await send({ traceId: '1', statusCode: 2, attributes: { text: 'x'.repeat(300) } });
  await send({ traceId: '1', spanId: '2', statusCode: 2 }, { traceId: '2', statusCode: 2 });
  await advance(11);
  expect(traceIds(kept())).toEqual([2]);
  expect(await metric('traces_dropped_too_large')).toBe(1);
  await sampler.stop(never);
});

test('a refusal further down is tried again; a permanent one is counted', async () => {
  const { sampler, send, advance, kept, next, metric } = setUp({ policies: keepErrors });
  await sampler.start();
  await send({ traceId: '1', statusCode: 2 });
  next.refuseWith = new SpoorError('busy', 'busy', { retryable: true });
  await advance(13);
  expect(kept()).toEqual([]);
  next.refuseWith = undefined;
  await advance(1);
  expect(traceIds(kept())).toEqual([1]);
  await send({ traceId: '2', statusCode: 2 });
  next.refuseWith = new SpoorError('bad', 'bad', { retryable: false });
  await advance(12);
  expect(await metric('spans_lost')).toBe(1);
  await sampler.stop(never);
});

test('stop decides what is pending, or drops it, counted', async () => {
  const deciding = setUp({ policies: keepErrors });
  await deciding.sampler.start();
  await deciding.send({ traceId: '1', statusCode: 2 }, { traceId: '2' });
  await deciding.sampler.stop(never);
  expect(traceIds(deciding.kept())).toEqual([1]);
  expect(deciding.clock.pendingCount).toBe(0);

  const dropping = setUp({ policies: keepErrors, drop_pending_traces_on_shutdown: true });
  await dropping.sampler.start();
  await dropping.send({ traceId: '1', statusCode: 2 });
  await dropping.sampler.stop(never);
  expect(dropping.kept()).toEqual([]);
  expect(await dropping.metric('spans_lost')).toBe(1);
});

test('a policy that fails is counted and has no vote', async () => {
  const { sampler, send, advance, kept, metric } = setUp({
    policies: [
      { name: 'bad', type: 'ottl_condition', ottl_condition: { span: ['Len(kind) == 1'] } },
      ...keepErrors,
    ],
  });
  await sampler.start();
  await send({ traceId: '1', statusCode: 2 });
  await advance(11);
  expect(traceIds(kept())).toEqual([1]);
  expect(await metric('sampling_policy_evaluation_error')).toBe(1);
  await sampler.stop(never);
});

test('tenants have traces of their own', async () => {
  const { sampler, advance, next } = setUp({ policies: keepErrors });
  await sampler.start();
  await sampler.consume(batchOf('a', [makeSpan({ traceId: '1', statusCode: 2 })]), never);
  await sampler.consume(batchOf('b', [makeSpan({ traceId: '1', spanId: '2' })]), never);
  await advance(11);
  expect(next.batches.map(({ tenant, count }) => [tenant, count])).toEqual([['a', 1]]);
  await sampler.stop(never);
});

test.each([
  ['0s', 3],
  ['25s', 4],
])(
  'random traces in random pieces, %s after the root: what is kept equals a plain evaluation',
  async (afterRoot, from) => {
    let seed = from;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    const { sampler, advance, kept } = setUp({
      decision_wait: '40s',
      decision_wait_after_root_received: afterRoot,
      policies: [
        ...keepErrors,
        { name: 'slow', type: 'latency', latency: { threshold_ms: 50 } },
        {
          name: 'big carts',
          type: 'and',
          and: {
            and_sub_policy: [
              {
                name: 'n',
                type: 'numeric_attribute',
                numeric_attribute: { key: 'items', min_value: 8 },
              },
              { name: 'c', type: 'span_count', span_count: { min_spans: 3 } },
            ],
          },
        },
      ],
    });
    await sampler.start();
    const spans = Array.from({ length: 3000 }, (_, i) =>
      makeSpan({
        traceId: (1 + random(700)).toString(16),
        spanId: i.toString(16),
        parentSpanId: random(5) === 0 ? '' : 'ffff',
        at: random(30) * MS,
        takes: random(35) * MS,
        statusCode: random(40) === 0 ? 2 : 0,
        attributes: { items: random(12) },
      }),
    );
    for (let at = 0; at < spans.length; at += 100) {
      await sampler.consume(batchOf('default', spans.slice(at, at + 100)), never);
      if (random(3) === 0 && at < 2400) await advance(1);
    }
    await advance(41);
    await sampler.stop(never);

    const expected = [...Map.groupBy(spans, ({ traceId }) => traceId)].filter(([, of]) => {
      const start = of.reduce(
        (least, { startNano }) => (startNano < least ? startNano : least),
        of[0]!.startNano,
      );
      const end = of.reduce((most, { endNano }) => (endNano > most ? endNano : most), 0n);
      const items = of.some(({ attributes }) => attributes.some(isMany));
      return (
        of.some(({ statusCode }) => statusCode === 2) ||
        end - start > 50_000_000n ||
        (items && of.length >= 3)
      );
    });
    const ids = (of: readonly Span[]) => of.map(({ spanId }) => spanId).toSorted();
    expect(ids(kept())).toEqual(ids(expected.flatMap(([, of]) => of)));
  },
);

const scopesOf = (spans: readonly Span[]) =>
  spans.map(({ traceId, scope }) => [
    Number(traceId),
    Object.fromEntries(
      scope.attributes.map(({ key, value }) => [key, 'value' in value ? value.value : '']),
    ),
  ]);

test('record_policy writes onto scopes who kept a trace, and whether a cache remembered', async () => {
  const { sampler, send, advance, kept } = setUp({
    record_policy: true,
    num_traces: 3,
    decision_cache: { sampled_cache_size: 10 },
    policies: [
      { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
      {
        name: 'mixed',
        type: 'composite',
        composite: {
          max_total_spans_per_second: 1000,
          composite_sub_policy: [
            { name: 'slow', type: 'latency', latency: { threshold_ms: 100 } },
            {
              name: 'paid',
              type: 'boolean_attribute',
              boolean_attribute: { key: 'p', value: true },
            },
          ],
        },
      },
    ],
  });
  await sampler.start();
  await send(
    { traceId: '1', statusCode: 2 },
    { traceId: '2', attributes: { p: true } },
    { traceId: '3' },
  );
  await advance(11);
  const mixed = { 'tailsampling.policy': 'mixed', 'tailsampling.composite_policy': 'paid' };
  expect(scopesOf(kept())).toEqual([
    [1, { 'tailsampling.policy': 'errors' }],
    [2, mixed],
  ]);
  await send({ traceId: '2', spanId: '2' }, { traceId: '4' });
  await send({ traceId: '1', spanId: '2' }, { traceId: '5' });
  await send({ traceId: '2', spanId: '3' });
  expect(scopesOf(kept().slice(2))).toEqual([
    [2, mixed],
    [1, { 'tailsampling.policy': 'errors', 'tailsampling.cached_decision': true }],
    [2, { ...mixed, 'tailsampling.cached_decision': true }],
  ]);
  await sampler.stop(never);
});

test('it is measured how long policies take, how late spans come and how long traces are remembered', async () => {
  const { sampler, send, advance, metric } = setUp({
    num_traces: 2,
    policies: [{ name: 'all', type: 'always_sample' }],
  });
  await sampler.start();
  await send({ traceId: '1' }, { traceId: '2' });
  await advance(14);
  await send({ traceId: '1', spanId: '2' }, { traceId: '1', spanId: '3' });
  await advance(3);
  await send({ traceId: '3' });
  const sumAndCount = async (name: string) => [
    await metric(name, {}, '_sum'),
    await metric(name, {}, '_count'),
  ];
  expect(await sumAndCount('sampling_late_span_age')).toEqual([4, 1]);
  expect(await sumAndCount('sampling_trace_removal_age')).toEqual([17, 1]);
  expect(await metric('sampling_decision_latency', { policy: 'all' }, '_count')).toBe(2);
  await sampler.stop(never);
});
