import { expect, test } from 'vitest';
import { makeSpan } from '../model/trace/span.fixture.ts';
import { findInTrace } from './find-in-trace.ts';

const spans = [
  makeSpan({
    spanId: 'a',
    service: 'cart',
    name: 'GET /items',
    attributes: { 'http.status': 503 },
  }),
  makeSpan({ spanId: 'b', service: 'db', name: 'SELECT items', statusMessage: 'deadlock found' }),
];

test.each([
  ['items', ['a', 'b']],
  ['ITEMS cart', ['a']],
  ['http.status=503', ['a']],
  ['"deadlock found"', ['b']],
  ['000000000000000b', ['b']],
  ['nothing', []],
  ['  ', []],
])('%s finds %j', (query, ids) => {
  expect(findInTrace(spans, query)).toEqual(ids.map((id) => id.padStart(16, '0')));
});
