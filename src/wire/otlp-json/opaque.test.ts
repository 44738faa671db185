import { expect, test } from 'vitest';
import { countItems } from '../otlp-proto/count.ts';
import { WireError } from '../wire-error.ts';
import { opaqueProto } from './opaque.ts';

const bytesOf = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const metrics = (...data: object[]) =>
  bytesOf({ resourceMetrics: [{ scopeMetrics: [{ metrics: data }] }] });

test('counts the points of every kind of metric', () => {
  const points = { dataPoints: [{}, { attributes: [{ key: 'a', value: { stringValue: 'b' } }] }] };
  const kinds = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'];
  const bytes = opaqueProto(
    'metrics',
    metrics(...kinds.map((kind) => ({ name: kind, [kind]: points }))),
  );
  expect(countItems('metrics', bytes)).toBe(10);
});

test('counts log records', () => {
  const logs = {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }, {}] }] }],
  };
  expect(countItems('logs', opaqueProto('logs', bytesOf(logs)))).toBe(2);
});

test('writes the fields of a point with their numbers and wire types', () => {
  const point = {
    timeUnixNano: '18446744073709551615',
    asInt: '-2',
    bucketCounts: ['1'],
    flags: 1,
  };
  const bytes = opaqueProto('metrics', metrics({ name: 'm', gauge: { dataPoints: [point] } }));
  const hex = Buffer.from(bytes).toString('hex');
  expect(hex).toContain('19ffffffffffffffff');
  expect(hex).toContain('31feffffffffffffff');
  expect(hex).toContain('4001');
});

test('maps zigzag, enums by name and nested values', () => {
  const point = { scale: -3, positive: { offset: 2, bucketCounts: ['300'] } };
  const sum = { dataPoints: [point], aggregationTemporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE' };
  const hex = Buffer.from(opaqueProto('metrics', metrics({ exponentialHistogram: sum }))).toString(
    'hex',
  );
  expect(hex).toContain('3005');
  expect(hex).toContain('080410ac02');
  expect(hex).toContain('1002');
});

test('refuses what is no OTLP, as bytes and as text', () => {
  expect(() => countItems('metrics', Uint8Array.of(0x0a, 9))).toThrow(WireError);
  expect(() => countItems('logs', Uint8Array.of(0x08, 1))).toThrow(/field 1 of ExportLogs/);
  expect(() => opaqueProto('logs', new TextEncoder().encode('{"resourceLogs":[1]}'))).toThrow(
    WireError,
  );
  const deep = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${'{"arrayValue":{"values":['.repeat(500)}`;
  expect(() => opaqueProto('logs', new TextEncoder().encode(deep))).toThrow(/nested deeper/);
});
