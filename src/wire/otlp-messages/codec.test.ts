/** Metrics and logs messages against another reader and writer of the format, and against bad bytes. */
import { expect, test, describe } from 'vitest';
import * as fc from 'fast-check';
import type { Type } from 'protobufjs';
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import type { LogRecord } from '../../model/logs.ts';
import type { SignalMessage } from '../../model/signal-message.ts';
import { countItems } from '../otlp-proto/count.ts';
import { WireError } from '../wire-error.ts';
import { logsCodec, metricsCodec, type SignalCodec } from './codec.ts';
import { LogsData, MetricsData } from './oracle.fixture.ts';
import type { Exemplar, Metric, MetricData } from '../../model/metrics.ts';

const some = <T>(of: fc.Arbitrary<T>, maxLength = 3) => fc.array(of, { maxLength });
const nano = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const count = fc.oneof(fc.nat(), fc.constantFrom(2 ** 32, 2 ** 40 + 5, 2 ** 53));
const double = fc.double();
const maybe = fc.option(double, { nil: undefined });
const value: fc.Arbitrary<AttributeValue> = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ type: fc.constant('string' as const), value: fc.string({ unit: 'grapheme' }) }),
    fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
    fc.record({
      type: fc.constant('int' as const),
      value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    }),
    fc.record({ type: fc.constant('double' as const), value: double }),
    fc.record({ type: fc.constant('bytes' as const), value: fc.uint8Array() }),
    fc.record({ type: fc.constant('empty' as const) }),
    fc.record({ type: fc.constant('array' as const), value: some(tie('value')) }),
    fc.record({
      type: fc.constant('kvlist' as const),
      value: some(fc.record({ key: fc.string(), value: tie('value') })),
    }),
  ),
})).value;
const attributes: fc.Arbitrary<KeyValue[]> = some(fc.record({ key: fc.string(), value }));
const number = fc.oneof(
  double,
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constant(undefined),
);
const idOf = (length: number) =>
  fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ minLength: length, maxLength: length }));
const exemplar: fc.Arbitrary<Exemplar> = fc.record({
  timeNano: nano,
  value: number,
  spanId: idOf(8),
  traceId: idOf(16),
  attributes,
});
const point = { attributes, startNano: nano, timeNano: nano, flags: fc.nat(3) };
const numberPoint = fc.record({ ...point, value: number, exemplars: some(exemplar) });
const temporality = fc.nat(2);
const buckets = fc.record({ offset: fc.integer(), counts: some(count, 5) });
const range = { min: maybe, max: maybe };
const data: fc.Arbitrary<MetricData | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({ kind: fc.constant('gauge' as const), points: some(numberPoint) }),
  fc.record({
    kind: fc.constant('sum' as const),
    points: some(numberPoint),
    temporality,
    isMonotonic: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('histogram' as const),
    points: some(
      fc.record({
        ...point,
        ...range,
        count,
        sum: maybe,
        bucketCounts: some(count, 5),
        bounds: some(double, 5),
        exemplars: some(exemplar),
      }),
    ),
    temporality,
  }),
  fc.record({
    kind: fc.constant('exponential_histogram' as const),
    points: some(
      fc.record({
        ...point,
        ...range,
        count,
        sum: maybe,
        scale: fc.integer(),
        zeroCount: count,
        positive: buckets,
        negative: buckets,
        exemplars: some(exemplar),
        zeroThreshold: double,
      }),
    ),
    temporality,
  }),
  fc.record({
    kind: fc.constant('summary' as const),
    points: some(
      fc.record({
        ...point,
        count,
        sum: double,
        quantiles: some(fc.record({ quantile: double, value: double })),
      }),
    ),
  }),
);
const metric: fc.Arbitrary<Metric> = fc.record({
  name: fc.string(),
  description: fc.string(),
  unit: fc.string(),
  metadata: attributes,
  data,
});
const logRecord: fc.Arbitrary<LogRecord> = fc.record({
  timeNano: nano,
  observedNano: nano,
  severityNumber: fc.nat(24),
  severityText: fc.string(),
  body: fc.option(value, { nil: undefined }),
  attributes,
  droppedAttributes: fc.nat(),
  flags: fc.nat(),
  traceId: idOf(16),
  spanId: idOf(8),
  eventName: fc.string(),
});
const messageOf = <Item>(item: fc.Arbitrary<Item>): fc.Arbitrary<SignalMessage<Item>> =>
  fc.record({
    resources: some(
      fc.record({
        resource: fc.record({ attributes, droppedAttributes: fc.nat() }),
        scopes: some(
          fc.record({
            scope: fc.record({
              name: fc.string(),
              version: fc.string(),
              attributes,
              droppedAttributes: fc.nat(),
            }),
            items: some(item),
            schemaUrl: fc.string(),
          }),
        ),
        schemaUrl: fc.string(),
      }),
    ),
  });

describe('any request of metrics', () => {
  codecPromises(metricsCodec, messageOf(metric), MetricsData);
});
describe('any request of logs', () => {
  codecPromises(logsCodec, messageOf(logRecord), LogsData);
});

function codecPromises<Message>(
  codec: SignalCodec<Message>,
  message: fc.Arbitrary<Message>,
  oracle: Type,
): void {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(message, (given) => {
        expect(codec.decode(codec.encode(given))).toEqual(given);
      }),
    );
  });

  test('is read by protobufjs, and what that writes is read the same', () => {
    fc.assert(
      fc.property(message, (given) => {
        const theirs = oracle.encode(oracle.decode(codec.encode(given))).finish();
        expect(codec.decode(theirs)).toEqual(given);
      }),
    );
  });

  test('has as many items as are counted in its bytes', () => {
    fc.assert(
      fc.property(message, (given) => {
        expect(countItems(codec.signal, codec.encode(given))).toBe(codec.count(given));
      }),
    );
  });

  test('cut or changed anywhere is read by both or refused by both, never a crash', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), (given, where, byte) => {
        const bytes = codec.encode(given);
        if (bytes.length === 0) return;
        const at = where % bytes.length;
        for (const bad of [bytes.subarray(0, at), bytes.with(at, byte)]) {
          const read = outcome(() => codec.count(codec.decode(bad)));
          expect(outcome(() => countItems(codec.signal, bad))).toEqual(read);
        }
      }),
      { numRuns: 1000 },
    );
  });
}

/** Checking a request at the door and decoding it later must come to the same end. */
function outcome(read: () => number): number | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError) return 'refused';
    throw error;
  }
}

test('every field is written as protobufjs writes it', () => {
  const written = MetricsData.encode(
    MetricsData.fromObject({
      resourceMetrics: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
          scopeMetrics: [
            {
              scope: { name: 'meter', version: '1' },
              metrics: [
                {
                  name: 'hits',
                  unit: '1',
                  sum: {
                    aggregationTemporality: 2,
                    isMonotonic: true,
                    dataPoints: [{ timeUnixNano: '1700000000000000123', asInt: -5 }],
                  },
                },
                {
                  name: 'wait',
                  exponentialHistogram: {
                    dataPoints: [
                      { scale: -3, positive: { offset: -7, bucketCounts: [1, 300] }, negative: {} },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    }),
  ).finish();
  const [resource] = metricsCodec.decode(written).resources;
  expect(resource).toMatchObject({
    resource: { attributes: [{ key: 'service.name', value: { type: 'string', value: 'shop' } }] },
    scopes: [
      {
        scope: { name: 'meter', version: '1' },
        items: [
          {
            name: 'hits',
            unit: '1',
            data: {
              kind: 'sum',
              temporality: 2,
              isMonotonic: true,
              points: [{ timeNano: 1_700_000_000_000_000_123n, value: -5n }],
            },
          },
          {
            name: 'wait',
            data: { points: [{ scale: -3, positive: { offset: -7, counts: [1, 300] } }] },
          },
        ],
      },
    ],
  });
});

describe('refused', () => {
  const deep = (levels: number) => {
    let value: AttributeValue = { type: 'bool', value: true };
    for (let level = 0; level < levels; level += 1) value = { type: 'array', value: [value] };
    const resource = { attributes: [{ key: 'a', value }], droppedAttributes: 0 };
    return metricsCodec.encode({ resources: [{ resource, scopes: [], schemaUrl: '' }] });
  };
  test.each([
    ['a length past the end', Uint8Array.of(0x0a, 0x05, 0x00), 'malformed'],
    ['a known field of another wire type', Uint8Array.of(0x0a, 0x02, 0x08, 0x01), 'malformed'],
    ['values nested too deep', deep(70), 'too_deep'],
    [
      'a hundred thousand empty messages',
      new Uint8Array(200_000).map((_, at) => (at % 2 ? 0 : 0x0a)),
      'too_large',
    ],
  ])('%s', (_title, bytes, code) => {
    expect(() => metricsCodec.decode(bytes)).toThrow(expect.objectContaining({ code }));
  });

  test('not what is nested just as deep as we read', () => {
    expect(metricsCodec.decode(deep(60)).resources).toHaveLength(1);
  });
});
