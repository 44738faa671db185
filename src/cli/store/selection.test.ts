import { expect, test } from 'vitest';
import { parseStoreArguments } from './place.ts';
import { isEverything, readSelection, selectionFlags, selectionText } from './selection.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
const select = (...args: string[]) =>
  readSelection(parseStoreArguments(args, selectionFlags), NOW_MS);

test('nothing said is everything', () => {
  expect(isEverything(select())).toBe(true);
  expect(selectionText(select())).toBe('every trace');
  expect(isEverything(select('--from', '2h'))).toBe(false);
  expect(isEverything(select('--attribute', 'a='))).toBe(false);
});

test('times are dates or so long ago', () => {
  const { startNano, endNano } = select('--from', '2h', '--to', '2026-11-20T11:30:00.5Z');
  expect(startNano).toBe(String(BigInt(NOW_MS - 7_200_000) * 1_000_000n));
  expect(endNano).toBe('1795174200500000000');
});

test('conditions are told before anything is deleted', () => {
  const conditions = ['--service', 'shop', '--attribute', 'http.route=/a=b'];
  const selection = select(...conditions, '--min-duration', '1.5ms');
  expect(selection.attributes).toEqual([['http.route', '/a=b']]);
  expect(selectionText(selection)).toBe(
    'every trace with a span that is of service shop and has http.route=/a=b and takes at least 1500000 ns',
  );
});

test('a structured filter is a condition like any other', () => {
  expect(isEverything(select('--filter', '{}'))).toBe(false);
  expect(selectionText(select('--filter', '{}'))).toContain('passes {}');
  expect(() => select('--filter', '{}', '--trace-id', '0af7651916cd43dd')).toThrow('--filter');
});

test('a trace id may be a short one, and goes alone', () => {
  expect(select('--trace-id', '0AF7651916CD43DD').traceIds).toEqual([
    '00000000000000000af7651916cd43dd',
  ]);
  expect(() => select('--trace-id', 'x')).toThrow('32 hex digits');
  expect(() => select('--trace-id', '0af7651916cd43dd', '--from', '1h')).toThrow('--from');
});

test.each([
  ['--from', 'yesterday'],
  ['--to', '12:00'],
  ['--attribute', 'key'],
  ['--max-duration', 'long'],
  ['--nonsense', 'x'],
])('%s %s is refused', (flag, value) => {
  expect(() => select(flag, value)).toThrow(flag);
});
