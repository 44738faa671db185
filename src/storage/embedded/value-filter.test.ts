import { expect, test } from 'vitest';
import { hashOfPair, hashOfText, isIpv4, ValueFilters, writeValueFilter } from './value-filter.ts';

const COLUMN = hashOfText('span.app.request.id');

function hashesOf(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, i) =>
    hashOfPair(COLUMN, hashOfText(`value-${from + i}`)),
  );
}

function filterOf(count: number): ValueFilters {
  return new ValueFilters(writeValueFilter(hashesOf(0, count), count));
}

function shareTaken(filters: ValueFilters, hashes: Uint32Array): number {
  return hashes.filter((hash) => filters.mayHave(0, hash)).length / hashes.length;
}

test.each([0, 1, 50, 20_000, 100_000])('of %i values none is denied', (count) => {
  expect(shareTaken(filterOf(count), hashesOf(0, count))).toBe(count === 0 ? Number.NaN : 1);
});

test('few values that are not there are taken to be', () => {
  expect(shareTaken(filterOf(20_000), hashesOf(500_000, 520_000))).toBeLessThan(0.04);
});

test('the same value in another column is another value', () => {
  const filters = filterOf(1000);
  const other = hashOfText('span.session.id');
  const others = Uint32Array.from({ length: 1000 }, (_, i) =>
    hashOfPair(other, hashOfText(`value-${i}`)),
  );
  expect(shareTaken(filters, others)).toBeLessThan(0.06);
});

test('its size is bounded, however many values there are', () => {
  expect(writeValueFilter(hashesOf(0, 300_000), 300_000).length).toBeLessThan(21_000);
});

test('records one after another are those of the row groups', () => {
  const records = [10, 2000, 5].map((count) => writeValueFilter(hashesOf(0, count), count));
  const filters = new ValueFilters(Buffer.concat(records));
  expect(filters.rowGroups).toBe(3);
  expect(filters.records).toEqual(records.map((record) => Buffer.from(record)));
  const [, , last] = hashesOf(1998, 2001);
  expect([0, 1, 2].map((i) => filters.mayHave(i, last ?? 0))).toEqual([false, false, false]);
});

test('bytes that are none are refused', () => {
  const record = writeValueFilter(hashesOf(0, 10), 10);
  expect(() => new ValueFilters(record.subarray(0, -1))).toThrow(RangeError);
  expect(() => new ValueFilters(new Uint8Array(40))).toThrow(RangeError);
});

test.each([
  ['10.0.0.1', true],
  ['255.255.255.255', true],
  ['1.2.3', false],
  ['1.2.3.4a', false],
  ['1.2.3.4.5', false],
])('%s is an address: %s', (value, expected) => {
  expect(isIpv4(value)).toBe(expected);
});
