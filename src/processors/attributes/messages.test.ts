/** The attributes and resource processors on metrics and logs, and all three signals against a plain
 *  implementation on random data. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import type { KeyValue } from '../../model/attribute.ts';
import { withClient } from '../../model/batch/span-batch.ts';
import type { Metric } from '../../model/metrics.ts';
import { makeAttributes, makeSpan } from '../../model/trace/span.fixture.ts';
import { batchOf, spansOf } from '../../model/trace/span.ts';
import {
  logRecord,
  logsBatch,
  metric,
  metricsBatch,
  metricsIn,
  point,
  pointsIn,
  recordsIn,
} from '../../component/messages.fixture.ts';
import { component as resource } from '../resource/processor.ts';
import { editing } from './editing.fixture.ts';
import { component } from './processor.ts';

const mark = [{ key: 'mark', action: 'insert', value: true }];
const isMarked = ({ attributes }: { attributes: readonly KeyValue[] }) =>
  attributes.some(({ key }) => key === 'mark');
const text = (value: string) => ({ type: 'string', value }) as const;

test.each<[object, number[]]>([
  [{ include: { match_type: 'strict', log_bodies: ['paid', 'x'] } }, [0]],
  [{ include: { match_type: 'regexp', log_bodies: ['^fa', 'ai'] } }, [0, 1]],
  [{ include: { match_type: 'strict', log_severity_texts: ['ERROR'] } }, [1]],
  [{ include: { match_type: 'strict', log_severity_number: { min: 9 } } }, [0, 1]],
  [{ include: { match_type: 'strict', log_severity_number: { min: 'WARN' } } }, [1]],
  [
    {
      include: {
        match_type: 'strict',
        log_severity_number: { min: 'error', match_undefined: true },
      },
    },
    [1, 2],
  ],
  [{ include: { match_type: 'strict', attributes: [{ key: 'n' }] } }, [0, 1]],
  [{ include: { match_type: 'strict', attributes: [{ key: 'n', value: 5 }] } }, [1]],
  [{ include: { match_type: 'regexp', attributes: [{ key: 's', value: '^a' }] } }, [2]],
  [{ include: { match_type: 'strict', resources: [{ key: 'service.name', value: 'db' }] } }, []],
  [{ include: { match_type: 'strict', libraries: [{ name: 'lib', version: '2' }] } }, [0, 1, 2]],
  [{ include: { match_type: 'strict', libraries: [{ name: 'lib', version: '' }] } }, []],
  [{ exclude: { match_type: 'strict', log_severity_texts: ['INFO'] } }, [1, 2]],
  [
    {
      include: { match_type: 'strict', attributes: [{ key: 'n' }] },
      exclude: { match_type: 'strict', log_bodies: ['paid'] },
    },
    [1],
  ],
])('%j chooses log records %j', async (choice, chosen) => {
  const batch = logsBatch(
    [
      logRecord({
        body: text('paid'),
        severityText: 'INFO',
        severityNumber: 9,
        attributes: makeAttributes({ n: 1 }),
      }),
      logRecord({
        body: text('failed'),
        severityText: 'ERROR',
        severityNumber: 17,
        attributes: makeAttributes({ n: 5 }),
      }),
      logRecord({ attributes: makeAttributes({ s: 'abc' }) }),
    ],
    {
      resource: makeAttributes({ 'service.name': 'web' }),
      scope: { name: 'lib', version: '2' },
    },
  );
  const records = recordsIn(await editing(component, { actions: mark, ...choice })(batch));
  expect(records.flatMap((record, i) => (isMarked(record) ? [i] : []))).toEqual(chosen);
});

test.each<[object, string[]]>([
  [{ include: { match_type: 'strict', metric_names: ['hits'] } }, ['hits']],
  [{ include: { match_type: 'regexp', metric_names: ['^http\\.', 'z$'] } }, ['http.wait']],
  [{ exclude: { match_type: 'strict', metric_names: ['hits'] } }, ['http.wait']],
  [
    { include: { match_type: 'strict', resources: [{ key: 'service.name', value: 'web' }] } },
    ['hits', 'http.wait'],
  ],
  [{ include: { match_type: 'strict', resources: [{ key: 'service.name', value: 'db' }] } }, []],
])('%j chooses metrics %j', async (choice, chosen) => {
  const metrics = [metric('hits', [point()]), metric('http.wait', [point(), point()])];
  const batch = metricsBatch(metrics, { resource: makeAttributes({ 'service.name': 'web' }) });
  const edited = metricsIn(await editing(component, { actions: mark, ...choice })(batch));
  const isAllMarked = ({ data }: Metric) => data?.points.every(isMarked) === true;
  expect(edited.filter(isAllMarked).map(({ name }) => name)).toEqual(chosen);
});

test('points of every kind are edited, and nothing else of them', async () => {
  const common = { ...point(), sum: 1, count: 2, min: undefined, max: undefined };
  const buckets = { offset: 0, counts: [1] };
  const metrics = [
    metric('s', { kind: 'sum', temporality: 1, isMonotonic: true, points: [point()] }),
    metric('h', {
      kind: 'histogram',
      temporality: 2,
      points: [{ ...common, bounds: [1], bucketCounts: [1, 2] }],
    }),
    metric('e', {
      kind: 'exponential_histogram',
      temporality: 2,
      points: [
        {
          ...common,
          scale: 1,
          zeroCount: 0,
          positive: buckets,
          negative: buckets,
          zeroThreshold: 0,
        },
      ],
    }),
    metric('q', { kind: 'summary', points: [{ ...common, quantiles: [] }] }),
    metric('none', []),
  ];
  const before = metricsIn(metricsBatch(metrics));
  const after = metricsIn(await editing(component, { actions: mark })(metricsBatch(metrics)));
  const erased = after.map((one) => ({
    ...one,
    data: one.data && {
      ...one.data,
      points: one.data.points.map((each) => {
        expect(isMarked(each)).toBe(true);
        return { ...each, attributes: [] };
      }),
    },
  }));
  expect(erased).toEqual(before);
});

test('a batch that no action changes goes on as it came', async () => {
  const actions = [{ key: 'gone', action: 'delete' }];
  for (const batch of [metricsBatch([metric('m', [point()])]), logsBatch([logRecord()])]) {
    expect(await editing(component, { actions })(batch)).toBe(batch);
    expect(await editing(resource, { attributes: actions })(batch)).toBe(batch);
  }
});

test('the resource processor edits resources of metrics and logs', async () => {
  const attributes = [{ key: 'env', action: 'upsert', value: 'prod' }];
  const edit = editing(resource, { attributes });
  for (const batch of [metricsBatch([metric('m', [point()])]), logsBatch([logRecord()])]) {
    const edited = await edit(batch);
    expect(edited && 'payload' in edited && Buffer.from(edited.payload.bytes).toString()).toContain(
      'prod',
    );
    expect(edited?.count).toBe(1);
  }
});

describe('from_context', () => {
  const client = {
    address: '10.0.0.7',
    metadata: new Map([['x-tenant', ['a', 'b']]]),
    auth: new Map([['subject', 'ann']]),
  };
  const actions = [
    { key: 'tenant', action: 'upsert', from_context: 'metadata.X-Tenant' },
    { key: 'who', action: 'insert', from_context: 'auth.subject' },
    { key: 'from', action: 'insert', from_context: 'client.address' },
    { key: 'none', action: 'insert', from_context: 'metadata.absent' },
    { key: 'fallback', action: 'insert', from_context: 'metadata.absent', default_value: 'd' },
  ];
  const known = { tenant: 'a;b', who: 'ann', from: '10.0.0.7', fallback: 'd' };
  const edit = editing(component, { actions });

  test('takes what is known of the sender', async () => {
    const wanted = makeAttributes(known);
    const spans = await edit(withClient(batchOf('default', [makeSpan({})]), client));
    expect(spans && 'spans' in spans && spansOf(spans)[0]?.attributes).toEqual(wanted);
    const metrics = await edit(metricsBatch([metric('m', [point()])], { client }));
    expect(pointsIn(metrics)[0]?.attributes).toEqual(wanted);
    const logs = await edit(logsBatch([logRecord()], { client }));
    expect(recordsIn(logs)[0]?.attributes).toEqual(wanted);
    expect(logs?.client).toBe(client);
  });

  test('does nothing where nothing is known', async () => {
    const logs = await edit(logsBatch([logRecord()]));
    expect(recordsIn(logs)[0]?.attributes).toEqual(makeAttributes({ fallback: 'd' }));
  });
});

describe('criteria of other signals', () => {
  const create = (signal: 'traces' | 'metrics' | 'logs', include: object) => {
    const { value } = decode(component.config, { actions: mark, include });
    const context = testContext(value);
    component.create({ ...context, signal, next: { consume: async () => {} } });
    return context.host.notices;
  };

  test('are refused for spans and log records', () => {
    expect(() => create('logs', { match_type: 'strict', services: ['a'] })).toThrow(/services/);
    expect(() => create('traces', { match_type: 'strict', log_bodies: ['a'] })).toThrow(
      /log_bodies/,
    );
  });

  test('are left out for metrics, with a notice', () => {
    expect(create('metrics', { match_type: 'strict', services: ['a'] })).toEqual([
      expect.stringContaining('services'),
    ]);
  });
});

// The same actions on a Map: no copies of the code under test.
type Plain = Map<string, string | boolean | bigint>;
interface PlainAction {
  readonly action: 'insert' | 'update' | 'upsert' | 'delete';
  readonly key: string;
  readonly value?: string | boolean | number;
  readonly from_attribute?: string;
}

function applied(actions: readonly PlainAction[], given: Plain): Plain {
  const map = new Map(given);
  for (const { action, key, value, from_attribute: from } of actions) {
    const has = map.has(key);
    const source =
      from === undefined ? (typeof value === 'number' ? BigInt(value) : value) : map.get(from);
    if (action === 'delete') map.delete(key);
    else if (source === undefined || (action === 'insert' && has)) continue;
    else if (action === 'update' && !has) continue;
    else map.set(key, source);
  }
  return map;
}

test('random actions on random data of every signal do what they do on plain maps', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const scalar = fc.oneof(fc.constantFrom('x', 'y', ''), fc.boolean(), fc.nat(3));
  const setting = fc.record({
    action: fc.constantFrom('insert' as const, 'update' as const, 'upsert' as const),
    key,
  });
  const action: fc.Arbitrary<PlainAction> = fc.oneof(
    fc.record({ action: fc.constant('delete' as const), key }),
    fc.tuple(setting, scalar).map(([rest, value]) => ({ ...rest, value })),
    fc.tuple(setting, key).map(([rest, from]) => ({ ...rest, from_attribute: from })),
  );
  const owner = fc.dictionary(key, scalar);
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 1, maxLength: 5 }),
      fc.array(owner, { minLength: 1, maxLength: 4 }),
      async (actions, owners) => {
        const lists = owners.map((one) => makeAttributes(one));
        const edit = editing(component, { actions });
        const spans = await edit(
          batchOf(
            'default',
            owners.map((attributes) => makeSpan({ attributes })),
          ),
        );
        const wanted = owners.map((one) =>
          plainOf(
            applied(
              actions,
              new Map(
                Object.entries(one).map(([name, value]) => [
                  name,
                  typeof value === 'number' ? BigInt(value) : value,
                ]),
              ),
            ),
          ),
        );
        const found = (owned: readonly { attributes: readonly KeyValue[] }[]) =>
          owned.map(({ attributes }) =>
            plainOf(
              attributes.map(({ key: name, value }) => [name, 'value' in value && value.value]),
            ),
          );
        expect(found(spans && 'spans' in spans ? spansOf(spans) : [])).toEqual(wanted);
        const points = lists.map((list) => point(list));
        expect(found(pointsIn(await edit(metricsBatch([metric('m', points)]))))).toEqual(wanted);
        const records = lists.map((attributes) => logRecord({ attributes }));
        expect(found(recordsIn(await edit(logsBatch(records))))).toEqual(wanted);
      },
    ),
    { numRuns: 300 },
  );
});

function plainOf(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries([...entries].toSorted(([a], [b]) => a.localeCompare(b)));
}
