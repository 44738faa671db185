/** The protobuf format as another implementation reads it, and native histograms by what their
 *  buckets mean. */
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import {
  type Exponential,
  nativeHistogram,
  type NativeBuckets,
  sumOf,
} from './native-histogram.ts';
import { protobufOfFamilies } from './protobuf-format.ts';
import type { FamilyType, Reading } from './reading.ts';
import type { Labels } from './labels.ts';
import type { Family } from './series-store.ts';

/** What of io.prometheus.client we write. */
const schema = protobuf
  .parse(`
syntax = "proto2";
enum MetricType { COUNTER = 0; GAUGE = 1; SUMMARY = 2; UNTYPED = 3; HISTOGRAM = 4; }
message LabelPair { optional string name = 1; optional string value = 2; }
message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
message Gauge { optional double value = 1; }
message Exemplar { repeated LabelPair label = 1; optional double value = 2; optional Timestamp timestamp = 3; }
message Counter { optional double value = 1; optional Exemplar exemplar = 2; optional Timestamp created_timestamp = 3; }
message Quantile { optional double quantile = 1; optional double value = 2; }
message Summary { optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Quantile quantile = 3; optional Timestamp created_timestamp = 4; }
message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
message Bucket { optional uint64 cumulative_count = 1; optional double upper_bound = 2; optional Exemplar exemplar = 3; }
message Histogram {
  optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Bucket bucket = 3;
  optional sint32 schema = 5; optional double zero_threshold = 6; optional uint64 zero_count = 7;
  repeated BucketSpan negative_span = 9; repeated sint64 negative_delta = 10 [packed = false];
  repeated BucketSpan positive_span = 12; repeated sint64 positive_delta = 13 [packed = false];
  optional Timestamp created_timestamp = 15; repeated Exemplar exemplars = 16;
}
message Metric {
  repeated LabelPair label = 1; optional Gauge gauge = 2; optional Counter counter = 3;
  optional Summary summary = 4; optional int64 timestamp_ms = 6; optional Histogram histogram = 7;
}
message MetricFamily { optional string name = 1; optional string help = 2; optional MetricType type = 3; repeated Metric metric = 4; }
`)
  .root.lookupType('MetricFamily');

function read(families: readonly Family[], options = {}): unknown[] {
  const all = protobufOfFamilies(families, { allowsUtf8: false, hasTimestamps: false, ...options });
  const reader = protobuf.Reader.create(Buffer.concat([...all]));
  const found: unknown[] = [];
  while (reader.pos < reader.len) {
    const message = schema.decodeDelimited(reader);
    found.push(schema.toObject(message, { longs: Number, enums: String }));
  }
  return found;
}

function family(
  [name, type]: readonly [string, FamilyType],
  ...all: (readonly [Labels, Reading])[]
): Family {
  const series = all.map(
    ([labels, reading], i) => [`${i}`, { labels, reading, heardMs: 0, bytes: 0 }] as const,
  );
  return { name, type, help: `about ${name}`, series: new Map(series) };
}

const times = { startNano: 1_500_000_000n, timeNano: 3_250_000_000n };
const exemplar = {
  timeNano: 2_000_000_001n,
  value: 2,
  traceId: new Uint8Array(16).fill(0xab),
  spanId: new Uint8Array(8).fill(0xcd),
  attributes: [],
};
const shownExemplar = {
  label: [
    { name: 'trace_id', value: 'ab'.repeat(16) },
    { name: 'span_id', value: 'cd'.repeat(8) },
  ],
  value: 2,
  timestamp: { seconds: 2, nanos: 1 },
};
const created = { seconds: 1, nanos: 500_000_000 };
const LARGE = 2 ** 40 + 3;

test('counters, gauges, summaries and classic histograms', () => {
  const exemplars = [exemplar];
  const families = [
    family(
      ['hits_total', 'counter'],
      [
        [
          ['a', 'b'],
          ['c.d', ''],
        ],
        { kind: 'number', ...times, value: 7, exemplars },
      ],
      [[], { kind: 'number', ...times, startNano: 0n, value: 0, exemplars: [] }],
    ),
    family(['heat', 'gauge'], [[], { kind: 'number', ...times, value: -1.5, exemplars }]),
    family(
      ['size', 'summary'],
      [
        [],
        {
          kind: 'summary',
          ...times,
          count: LARGE,
          sum: 3,
          quantiles: [
            { quantile: 0.5, value: 1 },
            { quantile: 1, value: 9 },
          ],
        },
      ],
    ),
    family(
      ['wait', 'histogram'],
      [
        [],
        {
          kind: 'histogram',
          ...times,
          count: 6,
          sum: 21.5,
          bucketCounts: [1, 2, 3],
          bounds: [1, 2.5],
          exemplars,
        },
      ],
    ),
  ];
  const number = { created_timestamp: created };
  expect(read(families, { hasTimestamps: true })).toEqual(
    [
      {
        name: 'hits_total',
        type: 'COUNTER',
        metric: [
          {
            label: [
              { name: 'a', value: 'b' },
              { name: 'c_d', value: '' },
            ],
            counter: { value: 7, exemplar: shownExemplar, ...number },
          },
          { counter: { value: 0 } },
        ],
      },
      { name: 'heat', type: 'GAUGE', metric: [{ gauge: { value: -1.5 } }] },
      {
        name: 'size',
        type: 'SUMMARY',
        metric: [
          {
            summary: {
              sample_count: LARGE,
              sample_sum: 3,
              quantile: [
                { quantile: 0.5, value: 1 },
                { quantile: 1, value: 9 },
              ],
              ...number,
            },
          },
        ],
      },
      {
        name: 'wait',
        type: 'HISTOGRAM',
        metric: [
          {
            histogram: {
              sample_count: 6,
              sample_sum: 21.5,
              bucket: [
                { cumulative_count: 1, upper_bound: 1 },
                { cumulative_count: 3, upper_bound: 2.5, exemplar: shownExemplar },
                { cumulative_count: 6, upper_bound: Infinity },
              ],
              ...number,
            },
          },
        ],
      },
    ]
      .map(({ metric, ...head }) => ({
        ...head,
        help: `about ${head.name}`,
        metric: metric.map((one) => ({ timestamp_ms: 3250, ...one })),
      }))
      .map((one) => camelled(one)),
  );
});

/** protobufjs names fields in camel case. */
function camelled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelled(inner),
    ]),
  );
}

const exponential = (over: Partial<Exponential>): Exponential => ({
  scale: 0,
  zeroCount: 0,
  zeroThreshold: 0,
  positive: { offset: 0, counts: [] },
  negative: { offset: 0, counts: [] },
  ...over,
});

test('a native histogram: spans of filled buckets, each by its difference to the one before', () => {
  const reading: Reading = {
    kind: 'exponential',
    ...times,
    count: 20,
    sum: 44,
    exemplars: [exemplar],
    ...exponential({
      zeroCount: 2,
      positive: { offset: -3, counts: [4, 0, 0, 1, 0, 0, 0, 5] },
      negative: { offset: 1, counts: [0, 8] },
    }),
  };
  const [found] = read([family(['wait', 'histogram'], [[], reading])]);
  expect(found).toMatchObject({
    metric: [
      {
        histogram: {
          sampleCount: 20,
          sampleSum: 44,
          schema: 0,
          zeroThreshold: 1e-128,
          zeroCount: 2,
          // (2^-3, 2^-2] has the number -2; two empty ones are given, three are left out.
          positiveSpan: [
            { offset: -2, length: 4 },
            { offset: 3, length: 1 },
          ],
          positiveDelta: [4, -4, 0, 1, 4],
          negativeSpan: [{ offset: 3, length: 1 }],
          negativeDelta: [8],
          exemplars: [shownExemplar],
          createdTimestamp: created,
        },
      },
    ],
  });
});

/** Counts by upper bound. */
function byBound({ spans, deltas }: NativeBuckets, scale: number): Map<number, number> {
  const counts = new Map<number, number>();
  let index = 0;
  let count = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) {
      count += deltas[at++] ?? 0;
      if (count > 0) counts.set(2 ** (index * 2 ** -scale), count);
      index += 1;
    }
  }
  expect(at).toBe(deltas.length);
  return counts;
}

const atMost = (counts: ReadonlyMap<number, number>, bound: number): number =>
  [...counts].reduce((sum, [upper, count]) => sum + (upper <= bound * (1 + 1e-9) ? count : 0), 0);

test('what is made coarser or added up counts the same below every bound that is left', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const point = (offset: number, scale: number) =>
      exponential({
        scale,
        positive: {
          offset,
          counts: Array.from({ length: 30 }, (_, i) => ((i + seed) * 7919) % 5),
        },
      });
    const fine = point(-seed * 3, 8 + (seed % 4));
    const other = point(seed, 5);
    const plain = (one: Exponential) =>
      new Map(
        one.positive.counts.map((count, i) => [
          2 ** ((one.positive.offset + i + 1) * 2 ** -one.scale),
          count,
        ]),
      );
    for (const [native, parts] of [
      [nativeHistogram(fine), [fine]],
      [nativeHistogram(sumOf(fine, other) ?? fine), [fine, other]],
    ] as const) {
      expect(native?.schema).toBeLessThanOrEqual(8);
      const counts = byBound(native?.positive ?? { spans: [], deltas: [] }, native?.schema ?? 0);
      for (const bound of counts.keys()) {
        const wanted = parts.reduce((sum, part) => sum + atMost(plain(part), bound), 0);
        expect(atMost(counts, bound)).toBe(wanted);
      }
      const all = parts.flatMap(({ positive }) => positive.counts);
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(
        all.reduce((sum, count) => sum + count, 0),
      );
    }
  }
});

test('what lies far apart is added in few buckets, and too coarse ones are no native histogram', () => {
  const at = (offset: number) => exponential({ scale: 8, positive: { offset, counts: [1] } });
  const sum = sumOf(at(-2_000_000), at(2_000_000));
  expect(sum?.positive.counts.length).toBeLessThanOrEqual(1024);
  expect(sum?.positive.counts.reduce((a, b) => a + b)).toBe(2);
  expect(nativeHistogram(exponential({ scale: -5 }))).toBeUndefined();
  expect(sumOf(at(1), exponential({ zeroThreshold: 1 }))).toBeUndefined();
});
