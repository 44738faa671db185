import { expect, test } from 'vitest';
import { compileRegex } from './regex.ts';

test('a pattern is looked for anywhere, and gives its named groups', () => {
  const regex = compileRegex('(?P<scheme>https?)://(?P<host>[^/]+)(?P<path>/x)?');
  expect(regex.groupNames).toEqual(['scheme', 'host', 'path']);
  expect(regex.isIn('see http://a/ there')).toBe(true);
  expect([...(regex.groupsIn('see https://a.b/') ?? [])]).toEqual([
    ['scheme', 'https'],
    ['host', 'a.b'],
    ['path', ''],
  ]);
  expect(regex.groupsIn('ftp://a')).toBeUndefined();
});

test('a pattern that is none, or that RE2 does not know, is told with the pattern', () => {
  for (const pattern of ['(', '(?=look)', String.raw`(a)\1`]) {
    expect(() => compileRegex(pattern)).toThrow(expect.objectContaining({ code: 'bad_regex' }));
  }
});
