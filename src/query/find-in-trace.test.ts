import { expect, test } from 'vitest';
import { makeAttributes, makeSpan } from '../model/trace/span.fixture.ts';
import { batchOf } from '../model/trace/span.ts';
import { findInTrace } from './find-in-trace.ts';

const batch = batchOf('default', [
  makeSpan({
    spanId: 'abc',
    service: 'cart',
    name: 'GET /items',
    attributes: { 'http.status': 503, ok: true, ratio: 1.5 },
    events: [
      {
        timeNano: 1n,
        name: 'Retry',
        droppedAttributes: 0,
        attributes: makeAttributes({ why: 'Busy line' }),
      },
    ],
  }),
  makeSpan({
    spanId: 'def',
    service: 'db',
    name: 'SELECT items',
    statusMessage: 'deadlock found',
    attributes: {
      list: { type: 'array', value: [{ type: 'string', value: 'needle' }] },
      'user.name': '홍길동',
    },
    links: [
      {
        traceId: 'f'.repeat(32),
        spanId: '9'.repeat(16),
        traceState: '',
        flags: 0,
        droppedAttributes: 0,
        attributes: [],
      },
    ],
  }),
]);

test.each<[string, number[]]>([
  ['items', [0, 1]],
  ['ITEMS cart', [0]],
  ['http.status', [0]],
  ['503', [0]],
  ['http.status=503', [0]],
  ['status=50', [0]],
  ['http.status=51', []],
  ['ok=true', [0]],
  ['1.5', [0]],
  ['service.name=db', [1]],
  ['"deadlock found"', [1]],
  ['"busy line" retry', [0]],
  ['needle', [1]],
  ['길동', [1]],
  ['user.name=홍', [1]],
  ['0000000000000def', [1]],
  ['ffffffff', [1]],
  ['nothing', []],
  ['items nothing', []],
  ['  ', []],
])('%s finds rows %j', (query, rows) => {
  expect(findInTrace(batch, query)).toEqual(rows);
});
