import { expect, test } from 'vitest';
import { attributesJson, filterAttributes, prettyJson, stackLines } from './attribute-text.ts';

const items = [
  { key: 'db.query.text', type: 'string', value: 'SELECT 1' },
  { key: 'retry', type: 'bool', value: false },
] as const;

test('keys and values are filtered in any case', () => {
  expect(filterAttributes(items, 'select')).toEqual([items[0]]);
  expect(filterAttributes(items, 'RETRY')).toEqual([items[1]]);
  expect(filterAttributes(items, ' ')).toBe(items);
});

test('JSON is laid out, what only looks like it stays', () => {
  expect(prettyJson('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(prettyJson('[not json')).toBeUndefined();
  expect(prettyJson('plain')).toBeUndefined();
  expect(prettyJson(5)).toBeUndefined();
  expect(attributesJson(items)).toBe('{\n  "db.query.text": "SELECT 1",\n  "retry": false\n}');
});

test('frames of runtimes and libraries are told from one’s own', () => {
  const text = 'Error: x\n    at f (/app/a.ts:1:2)\n    at g (/app/node_modules/b/c.js:1:1)';
  expect(stackLines(text).map(({ isForeign }) => isForeign)).toEqual([false, false, true]);
});
