import { expect, test } from 'vitest';
import { draftOf, paramsOf } from './search-draft.ts';
import { readSearchParams, toApiQuery } from './search-params.ts';

test("Jaeger's own link is understood", () => {
  const params = readSearchParams({
    service: 'frontend',
    operation: 'all',
    tags: '{"error":"true"}',
    tag: ['http.status_code:500', 'a:b:c'],
    minDuration: '1.2s',
    lookback: 'custom',
    start: '1700000000000000',
    end: '1700000060000000',
    limit: '50',
    view: 'ddg',
  });
  expect(params).toEqual({
    service: 'frontend',
    tags: '{"error":"true","http.status_code":"500","a":"b:c"}',
    minDuration: '1.2s',
    lookback: 'custom',
    start: 1_700_000_000_000_000,
    end: 1_700_000_060_000_000,
    limit: 50,
  });
});

test('what says nothing is left out, so that the address stays short', () => {
  expect(readSearchParams({ service: ' ', limit: '20', order: 'newest', lookback: '1h' })).toEqual(
    {},
  );
});

test.each([
  [{ limit: '99999' }, { limit: 1500 }],
  [{ limit: 'x' }, {}],
  [{ order: 'sideways' }, {}],
  [{ lookback: 'soon' }, {}],
  [{ start: '5', lookback: '2h' }, { lookback: '2h' }],
])('%o is mended', (raw, read) => {
  expect(readSearchParams(raw)).toEqual(read);
});

test('a lookback is counted from the moment of asking', () => {
  expect(toApiQuery({ lookback: '5m', tags: '{"a":"b"}' }, 1_000_000)).toEqual({
    start: '700000000',
    end: '1000000000',
    limit: '20',
    order: 'newest',
    tags: '{"a":"b"}',
  });
});

test('a form shows the address and gives it back', () => {
  const params = readSearchParams({
    service: 'a',
    operation: 'GET /',
    tags: '{"k":"v w"}',
    maxDuration: '3s',
    lookback: '6h',
    limit: '100',
    order: 'longest',
  });
  expect(paramsOf(draftOf(params), params.order)).toEqual({ params });
  const custom = readSearchParams({ start: '1700000000000000', end: '1700000060000000' });
  expect(paramsOf(draftOf(custom), undefined)).toEqual({ params: custom });
});

test.each([
  [{ tags: 'error' }, 'tags'],
  [{ minDuration: 'fast' }, 'minDuration'],
  [{ maxDuration: '5' }, 'maxDuration'],
  [{ lookback: 'custom', start: '2026-01-02T00:00', end: '2026-01-01T00:00' }, 'start'],
  [{ lookback: 'custom', start: '', end: '' }, 'start'],
])('a draft with %o names the field', (part, problem) => {
  expect(paramsOf({ ...draftOf({}), ...part }, undefined)).toEqual({ problem });
});
