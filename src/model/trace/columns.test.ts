import { expect, test } from 'vitest';
import {
  decodeTraceColumns,
  encodeTraceColumns,
  RowFlag,
  spanIdAt,
  traceColumns,
} from './columns.ts';
import { batchOf, type Span, spansOf } from './span.ts';

const ROOT: Span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '',
  name: 'GET /',
  kind: 2,
  startNano: 1_700_000_000_000_000_123n,
  endNano: 1_700_000_000_100_000_123n,
  statusCode: 0,
  statusMessage: '',
  traceState: 'a=1',
  flags: 257,
  droppedAttributes: 0,
  droppedEvents: 0,
  droppedLinks: 0,
  attributes: [
    { key: 'big', value: { type: 'int', value: 9_007_199_254_740_993n } },
    {
      key: 'nested',
      value: { type: 'array', value: [{ type: 'bool', value: true }, { type: 'empty' }] },
    },
  ],
  events: [
    { timeNano: 1_700_000_000_000_000_623n, name: '시작', droppedAttributes: 1, attributes: [] },
  ],
  links: [],
  resource: {
    schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
    droppedAttributes: 0,
    attributes: [{ key: 'service.name', value: { type: 'string', value: 'web' } }],
  },
  scope: { name: 'lib', version: '1', schemaUrl: '', droppedAttributes: 0, attributes: [] },
  warnings: [],
};
const CHILD: Span = {
  ...ROOT,
  spanId: '00f067aa0ba902b7',
  parentSpanId: ROOT.spanId,
  name: 'SELECT',
  statusCode: 2,
  startNano: ROOT.startNano + 10n,
  endNano: ROOT.startNano + 20n,
  droppedAttributes: 3,
  events: [],
  links: [
    {
      traceId: ROOT.traceId,
      spanId: ROOT.spanId,
      traceState: '',
      flags: 0,
      droppedAttributes: 0,
      attributes: [],
    },
  ],
};

test('a span survives the way into a batch and back', () => {
  expect(spansOf(batchOf('default', [ROOT, CHILD]))).toEqual([ROOT, CHILD]);
});

test('columns hold the waterfall in pre-order, and survive their bytes', () => {
  const columns = traceColumns(batchOf('default', [CHILD, ROOT]));
  expect(columns.traceId).toBe(ROOT.traceId);
  expect(columns.startNano).toBe(ROOT.startNano);
  expect(columns.durationNano).toBe(100_000_000);
  expect([spanIdAt(columns, 0), spanIdAt(columns, 1)]).toEqual([ROOT.spanId, CHILD.spanId]);
  expect([...columns.starts]).toEqual([0, 10]);
  expect([...columns.durations]).toEqual([100_000_000, 10]);
  expect([...columns.parents]).toEqual([-1, 0]);
  expect([...columns.nameIds].map((id) => columns.names[id])).toEqual(['GET /', 'SELECT']);
  expect(columns.services).toEqual(['web']);
  expect([...columns.flags]).toEqual([0, RowFlag.error | RowFlag.links | RowFlag.dropped]);
  expect([...columns.eventStarts]).toEqual([0, 1, 1]);
  expect([...columns.eventTimes]).toEqual([500]);
  expect(decodeTraceColumns(encodeTraceColumns(columns))).toEqual(columns);
});

test('bytes cut anywhere are refused, never misread', () => {
  const bytes = encodeTraceColumns(traceColumns(batchOf('default', [ROOT, CHILD])));
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeTraceColumns(bytes.slice(0, length))).toThrow(RangeError);
  }
});
