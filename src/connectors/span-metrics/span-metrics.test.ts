/** Metrics of spans, against counting them one by one. */
import { describe, expect, test } from 'vitest';
import type { MessageBatch } from '../../component/message-batch.ts';
import { RecordingConsumer, testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import type { ConfigMap } from '../../config/yaml.ts';
import type { KeyValue } from '../../model/attribute.ts';
import { batchOf, type Span } from '../../model/trace/span.ts';
import { metricsCodec } from '../../wire/otlp-messages/codec.ts';
import type { Metric, ResourceMetrics } from '../../model/metrics.ts';
import { component } from './connector.ts';
import { ExponentialDistribution } from './distribution.ts';
import { TupleTable } from './tuple-table.ts';

const never = new AbortController().signal;
const MS = 1_000_000n;

async function spanMetrics(input: ConfigMap = {}) {
  const decoded = decode(component.config, input);
  expect(decoded.problems).toEqual([]);
  const context = testContext(decoded.value);
  const next = new RecordingConsumer<MessageBatch>();
  const connector = component.create({ ...context, next, from: 'traces', to: 'metrics' });
  await connector.start?.(never);
  return {
    context,
    next,
    connector,
    count: async (...spans: Span[]) => connector.consume(batchOf('default', spans), never),
    /** What is sent after so long. */
    after: async (ms: number): Promise<ResourceMetrics[]> => {
      context.clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
      return next.batches.splice(0).flatMap(({ payload, count }) => {
        const { resources } = payload.message(metricsCodec);
        const points = resources.flatMap(metricsIn).map(({ data }) => data?.points.length ?? 0);
        expect(points.reduce((sum, one) => sum + one, 0)).toBe(count);
        return resources;
      });
    },
  };
}

const metricsIn = ({ scopes }: ResourceMetrics): Metric[] => scopes.flatMap((one) => one.items);
const text = (key: string, value: string): KeyValue => ({ key, value: { type: 'string', value } });
const int = (key: string, value: bigint): KeyValue => ({ key, value: { type: 'int', value } });
const shop = { schemaUrl: '', droppedAttributes: 0, attributes: [text('service.name', 'shop')] };

function span(over: Partial<Span> & { ms?: number } = {}): Span {
  const { ms = 3, ...rest } = over;
  const startNano = 1_700_000_000_000_000_000n;
  return {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    parentSpanId: '',
    name: 'GET /',
    kind: 2,
    startNano,
    endNano: startNano + BigInt(ms) * MS,
    statusCode: 0,
    statusMessage: '',
    traceState: '',
    flags: 0,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    attributes: [],
    events: [],
    links: [],
    resource: shop,
    scope: { name: '', version: '', schemaUrl: '', droppedAttributes: 0, attributes: [] },
    warnings: [],
    ...rest,
  };
}

const labelsOf = ({ attributes }: { attributes: readonly KeyValue[] }) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, 'value' in value ? value.value : undefined]),
  );

const plain = (value: KeyValue['value']) =>
  value.type === 'string' || value.type === 'int' || value.type === 'bool'
    ? String(value.value)
    : value.type;

/** Calls by the labels that matter to a test. */
function calls(resources: readonly ResourceMetrics[], ...labels: string[]): Record<string, bigint> {
  return counted(resources, 'calls', labels);
}

function counted(
  resources: readonly ResourceMetrics[],
  counter: string,
  labels: readonly string[],
): Record<string, bigint> {
  const found: Record<string, bigint> = {};
  for (const metric of resources.flatMap(metricsIn)) {
    if (!metric.name.endsWith(counter) || metric.data?.kind !== 'sum') continue;
    for (const point of metric.data.points) {
      const all = new Map(point.attributes.map(({ key, value }) => [key, plain(value)]));
      const key = labels.map((label) => all.get(label) ?? '-').join(' ');
      found[key] = (found[key] ?? 0n) + BigInt(point.value ?? 0);
    }
  }
  return found;
}

test('counts calls and durations under the default labels', async () => {
  const { count, after } = await spanMetrics();
  await count(span({ ms: 3 }), span({ ms: 2 }), span({ ms: 60_000 }), span({ ms: -5 }));
  expect(await after(59_999)).toEqual([]);
  const [resource, ...others] = await after(1);
  expect(others).toEqual([]);
  expect(resource?.resource.attributes).toEqual(shop.attributes);
  const [callsMetric, duration] = resource ? metricsIn(resource) : [];
  expect(callsMetric).toMatchObject({
    name: 'traces.span.metrics.calls',
    data: { kind: 'sum', temporality: 2, isMonotonic: true, points: [{ value: 4n }] },
  });
  expect(duration).toMatchObject({
    name: 'traces.span.metrics.duration',
    unit: 'ms',
    data: {
      kind: 'histogram',
      points: [
        {
          count: 4,
          sum: 60_005,
          bucketCounts: [2, 1, ...Array.from({ length: 14 }, () => 0), 1],
          startNano: 1_700_000_000_000n * MS,
          timeNano: 1_700_000_060_000n * MS,
        },
      ],
    },
  });
  expect(labelsOf(duration!.data!.points[0]!)).toEqual({
    'service.name': 'shop',
    'span.name': 'GET /',
    'span.kind': 'SPAN_KIND_SERVER',
    'status.code': 'STATUS_CODE_UNSET',
    'collector.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

describe('labels', () => {
  test('from the span, else its resource, else the default, else none', async () => {
    const { count, after } = await spanMetrics({
      dimensions: [{ name: 'zone' }, { name: 'code', default: 'none' }],
      exclude_dimensions: ['span.name'],
    });
    const resource = { ...shop, attributes: [...shop.attributes, text('zone', 'eu')] };
    await count(
      span({ attributes: [int('code', 200n)], resource }),
      span({ attributes: [text('zone', 'us'), int('code', 200n)], resource }),
      span({ attributes: [int('code', -7n)] }),
      span({ name: 'other' }),
      span({ name: 'another' }),
    );
    const sent = await after(60_000);
    expect(calls(sent, 'zone', 'code', 'span.name')).toEqual({
      'eu 200 -': 1n,
      'us 200 -': 1n,
      '- -7 -': 1n,
      '- none -': 2n,
    });
  });

  test('by pattern, and by metric', async () => {
    const { count, after } = await spanMetrics({
      dimensions: [{ name: 'http.*' }],
      calls_dimensions: [{ name: 'of.calls' }],
      histogram: { dimensions: [{ name: 'of.durations' }] },
    });
    const attributes = [
      text('http.method', 'GET'),
      text('httpx', 'no'),
      text('of.calls', 'c'),
      text('of.durations', 'd'),
    ];
    await count(span({ attributes }));
    const metrics = (await after(60_000)).flatMap(metricsIn);
    const own = metrics.map(({ name, data }) => {
      const labels = Object.keys(labelsOf(data!.points[0]!));
      return [name.split('.').at(-1), labels.filter((key) => /http|of\./.test(key)).toSorted()];
    });
    expect(own).toEqual([
      ['calls', ['http.method', 'of.calls']],
      ['duration', ['http.method', 'of.durations']],
    ]);
  });
});

test('any mix of spans is counted as one by one, over several batches', async () => {
  const { count, after } = await spanMetrics({ dimensions: [{ name: 'n' }] });
  const expected: Record<string, bigint> = {};
  const kindNames = ['UNSPECIFIED', 'INTERNAL', 'SERVER'];
  for (let batch = 0; batch < 3; batch += 1) {
    const spans = Array.from({ length: 700 }, (_, i) => {
      const [name, kind, status, n] = [`op ${i % 7}`, i % 3, i % 2, BigInt(i % 5)];
      const names = `SPAN_KIND_${kindNames[kind]} STATUS_CODE_${status === 1 ? 'OK' : 'UNSET'}`;
      const key = `${name} ${names} ${n}`;
      expected[key] = (expected[key] ?? 0n) + 1n;
      return span({ name, kind, statusCode: status, attributes: [int('n', n)] });
    });
    await count(...spans);
  }
  const sent = await after(60_000);
  expect(calls(sent, 'span.name', 'span.kind', 'status.code', 'n')).toEqual(expected);
});

test('a resource without a service is not counted', async () => {
  const { count, after } = await spanMetrics();
  await count(span({ resource: { ...shop, attributes: [] } }));
  expect(await after(60_000)).toEqual([]);
});

describe('over time', () => {
  test('totals go on, changes begin again where the last ended', async () => {
    for (const [temporality, expected] of [
      ['CUMULATIVE', [2n, 3n]],
      ['DELTA', [2n, 1n]],
    ] as const) {
      const { count, after } = await spanMetrics({
        aggregation_temporality: `AGGREGATION_TEMPORALITY_${temporality}`,
        metrics_flush_interval: '10s',
      });
      const seen: unknown[] = [];
      await count(span(), span());
      const first = await after(10_000);
      seen.push(calls(first)['']);
      await count(span());
      const second = await after(10_000);
      seen.push(calls(second)['']);
      expect(seen).toEqual(expected);
      const times = [first, second].map((sent) => sent.flatMap(metricsIn)[0]?.data?.points[0]);
      const isDelta = temporality === 'DELTA';
      expect(times[1]?.startNano).toBe(isDelta ? times[0]?.timeNano : times[0]?.startNano);
    }
  });

  test('series and resources not heard of are forgotten', async () => {
    const { count, after } = await spanMetrics({
      series_expiration: '90s',
      metrics_expiration: '200s',
    });
    await count(span({ name: 'a' }), span({ name: 'b' }));
    await after(60_000);
    await count(span({ name: 'a' }));
    expect(calls(await after(60_000), 'span.name')).toEqual({ a: 2n });
    expect(await after(300_000)).toHaveLength(0);
  });

  test('the rest is sent at the end', async () => {
    const { count, after, connector, context } = await spanMetrics();
    await count(span());
    await connector.stop?.(never);
    expect(context.clock.pendingCount).toBe(0);
    expect(calls(await after(0))).toEqual({ '': 1n });
  });

  test('what is refused is counted, and totals come again', async () => {
    const { count, after, next, context } = await spanMetrics();
    await count(span());
    next.refuseWith = new Error('full');
    await after(60_000);
    next.refuseWith = undefined;
    expect(calls(await after(60_000))).toEqual({ '': 1n });
    expect(await context.telemetry.registry.metrics()).toMatch(/refused_points_total{.*} 2$/m);
  });
});

describe('bounds', () => {
  test('series over the limit are counted in one', async () => {
    const { count, after } = await spanMetrics({ aggregation_cardinality_limit: 2 });
    await count(...['a', 'b', 'c', 'd', 'a'].map((name) => span({ name })));
    expect(calls(await after(60_000), 'span.name', 'otel.metric.overflow')).toEqual({
      'a -': 2n,
      'b -': 1n,
      '- true': 2n,
    });
  });

  test('the resource not heard of for longest goes', async () => {
    const { count, after } = await spanMetrics({ resource_metrics_cache_size: 2 });
    for (const name of ['a', 'b', 'a', 'c']) {
      await count(span({ resource: { ...shop, attributes: [text('service.name', name)] } }));
    }
    expect(calls(await after(60_000), 'service.name')).toEqual({ a: 2n, c: 1n });
  });
});

test('exemplars refer to spans, only so many, and once', async () => {
  const { count, after } = await spanMetrics({
    exemplars: { enabled: true, max_per_data_point: 2 },
    histogram: { unit: 's', explicit: { buckets: ['1s', '2s'] } },
  });
  await count(...[500, 1500, 2500].map((ms) => span({ ms })));
  const points = (sent: ResourceMetrics[]) =>
    sent.flatMap(metricsIn).flatMap(({ data }) => (data?.kind === 'histogram' ? data.points : []));
  const [point] = points(await after(60_000));
  expect(point).toMatchObject({ bounds: [1, 2], bucketCounts: [1, 1, 1], sum: 4.5 });
  expect(point?.exemplars).toMatchObject([{ value: 0.5 }, { value: 1.5 }]);
  expect(Buffer.from(point!.exemplars[0]!.traceId).toString('hex')).toBe('ab'.repeat(16));
  expect(points(await after(60_000))[0]?.exemplars).toEqual([]);
});

test('an exponential histogram holds every value in its bucket', async () => {
  const distribution = new ExponentialDistribution(20);
  const values = Array.from({ length: 500 }, (_, i) => 1.13 ** (i % 97) * (i % 2 ? 0.001 : 3));
  for (const value of [0, ...values]) distribution.record(value);
  const { scale, offset, counts, zeroCount } = distribution;
  expect(counts.length).toBeLessThanOrEqual(20);
  expect(zeroCount).toBe(1);
  const base = 2 ** (2 ** -scale);
  for (const [i, count] of counts.entries()) {
    const [above, upTo] = [base ** (offset + i), base ** (offset + i + 1)];
    expect(count).toBe(values.filter((value) => value > above && value <= upTo).length);
  }
  // No finer scale would have done.
  const spread = Math.log2(Math.max(...values) / Math.min(...values));
  expect(spread * 2 ** (scale + 1)).toBeGreaterThan(19);

  const { count, after } = await spanMetrics({ histogram: { exponential: { max_size: 20 } } });
  await count(span({ ms: 1 }), span({ ms: 1000 }), span({ ms: 0 }));
  const data = (await after(60_000)).flatMap(metricsIn)[1]?.data;
  expect(data).toMatchObject({
    kind: 'exponential_histogram',
    points: [{ count: 3, sum: 1001, zeroCount: 1, scale: 0, positive: { offset: -1 } }],
  });
});

test('tuples are told apart, also many', () => {
  const table = new TupleTable(3);
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 5000; i += 1) {
      table.tuple.set([i % 50, Math.floor(i / 50), 0xffffffff - i]);
      expect(table.index()).toBe(i);
    }
  }
});

const event = (name: string, ...attributes: KeyValue[]) => ({
  name,
  timeNano: 1n,
  droppedAttributes: 0,
  attributes,
});

test('events are counted by attributes of the span, else theirs, else of the resource', async () => {
  const { count, after } = await spanMetrics({
    dimensions: [{ name: 'zone' }],
    events: { enabled: true, dimensions: [{ name: 'kind' }, { name: 'level', default: 'none' }] },
  });
  const resource = {
    ...shop,
    attributes: [...shop.attributes, text('zone', 'r'), text('kind', 'r')],
  };
  await count(
    span({
      resource,
      events: [event('a', text('kind', 'e')), event('b'), event('c', text('zone', 'e'))],
    }),
    span({
      resource,
      attributes: [text('kind', 's')],
      events: [event('a', text('kind', 'e'), text('level', 'high'))],
    }),
    span({ resource }),
  );
  const resources = await after(60_000);
  expect(calls(resources, 'zone')).toEqual({ r: 3n });
  expect(calls(resources, 'kind', 'level')).toEqual({ '- -': 3n });
  expect(counted(resources, 'events', ['zone', 'kind', 'level'])).toEqual({
    'r e none': 1n,
    'r r none': 1n,
    'e r none': 1n,
    'r s high': 1n,
  });
});

test('scopes named are labels', async () => {
  const { count, after } = await spanMetrics({ include_instrumentation_scope: ['http', ''] });
  const scope = (name: string, version: string) => ({ ...span().scope, name, version });
  await count(
    span({ scope: scope('http', '1') }),
    span({ scope: scope('http', '2') }),
    span({ scope: scope('http', '') }),
    span({ scope: scope('db', '1') }),
    span(),
  );
  const scopeLabels = ['span.instrumentation.scope.name', 'span.instrumentation.scope.version'];
  expect(counted(await after(60_000), 'calls', scopeLabels)).toEqual({
    'http 1': 1n,
    'http 2': 1n,
    'http -': 1n,
    '- -': 2n,
  });
});

test('without resource attributes, what different resources did is one series', async () => {
  const { count, after } = await spanMetrics({ add_resource_attributes: false });
  const host = (name: string) => ({
    ...shop,
    attributes: [...shop.attributes, text('host', name)],
  });
  await count(span({ resource: host('a') }), span({ resource: host('b') }));
  const resources = await after(60_000);
  expect(resources.map(({ resource }) => resource.attributes)).toEqual([[]]);
  expect(calls(resources, 'service.name')).toEqual({ shop: 2n });
});

test('buckets that do not ascend and events without labels are refused', () => {
  const { problems } = decode(component.config, {
    histogram: { explicit: { buckets: ['2s', '1s'] } },
    events: { enabled: true },
  });
  expect(problems.map(({ message }) => message)).toEqual(
    expect.arrayContaining([
      'buckets must ascend',
      expect.stringMatching(/events needs dimensions/),
    ]),
  );
});
