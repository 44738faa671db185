import { expect, test } from 'vitest';
import { traceColumns } from '../../../src/model/trace/columns.ts';
import { batchOf, type Span } from '../../../src/model/trace/span.ts';
import { findInColumns, neighbourMatch, unionRows } from './find.ts';
import { UNFOLDED } from './fold.ts';
import { formatRange, readTraceParams } from './trace-params.ts';
import { paramsFromView, viewFromParams } from './trace-view.ts';

const resource = {
  schemaUrl: '',
  droppedAttributes: 0,
  attributes: [{ key: 'service.name', value: { type: 'string', value: 'Web' } }] as const,
};

function span(spanId: string, parentSpanId: string, name: string): Span {
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId,
    parentSpanId,
    name,
    kind: 1,
    startNano: 1000n + BigInt(`0x${spanId}`),
    endNano: 900_000n,
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
    resource,
    scope: { name: '', version: '', schemaUrl: '', droppedAttributes: 0, attributes: [] },
    warnings: [],
  };
}

const [a, b, c] = ['00000000000000a1', '00000000000000b2', '00000000000000c3'] as const;
const columns = traceColumns(
  batchOf('default', [span(a, '', 'GET /'), span(b, a, 'SELECT'), span(c, b, 'fetch')]),
);

test('what one sees survives the address', () => {
  const view = {
    window: { from: 100, to: 5000 },
    fold: { depth: 2, exceptions: new Set([0, 1]) },
    selected: 2,
    find: 'a b&c',
    showPath: false,
  };
  const params = paramsFromView(view, columns);
  expect(params).toEqual({
    span: c,
    uiFind: 'a b&c',
    range: '100-5000',
    depth: 2,
    fold: `${a}.${b}`,
    path: 'off',
  });
  const address = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, String(value)]),
  );
  expect(viewFromParams(readTraceParams(address), columns)).toEqual(view);
});

test('the plain view has a plain address', () => {
  const view = viewFromParams({}, columns);
  expect(view.fold).toBe(UNFOLDED);
  expect(paramsFromView(view, columns)).toEqual({});
});

test.each([
  { span: 'nonsense' },
  { range: '50-10' },
  { range: 'a-b' },
  { depth: '-1' },
  { fold: '<script>' },
])('%o is ignored', (raw) => {
  expect(readTraceParams(raw)).toEqual({});
});

test('a span that is not there opens nothing, a range is cut to the trace', () => {
  const view = viewFromParams({ span: 'ffffffffffffffff', range: formatRange(0, 1e15) }, columns);
  expect(view.selected).toBe(-1);
  expect(view.window).toEqual({ from: 0, to: columns.durationNano });
});

test('services, names and ids are found in any case', () => {
  expect(findInColumns(columns, 'WEB')).toEqual([0, 1, 2]);
  expect(findInColumns(columns, 'select')).toEqual([1]);
  expect(findInColumns(columns, '00C3')).toEqual([2]);
  expect(findInColumns(columns, '  ')).toEqual([]);
});

test('matches go round', () => {
  expect(neighbourMatch([2, 5, 9], 5, 1)).toBe(2);
  expect(neighbourMatch([2, 5, 9], 9, 1)).toBe(0);
  expect(neighbourMatch([2, 5, 9], 1, -1)).toBe(2);
  expect(neighbourMatch([], 1, 1)).toBe(-1);
  expect(unionRows([1, 4], [4, 2])).toEqual([1, 2, 4]);
});
