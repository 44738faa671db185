import { expect, test } from 'vitest';
import { StringInterner } from './string-table.ts';

test('text comes back as it went in, a leading byte order mark too', () => {
  const interner = new StringInterner();
  const texts = ['', 'a', '\uFEFFmarked', '한글', 'x'.repeat(1000)];
  const ids = texts.map((text) => interner.internText(text));
  const table = interner.seal();
  expect(ids.map((id) => table.text(id))).toEqual(texts);
  expect(texts.map((text) => table.find(text))).toEqual(ids);
});
