import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTags, parseTags, tagFromColon, tagsFromJson, tagsToJson, wordAt } from './tags.ts';

test('pairs are apart by spaces, quotes keep a space', () => {
  expect(parseTags('  http.status=503 msg="a b"  x= ')).toEqual({
    tags: [
      { key: 'http.status', value: '503' },
      { key: 'msg', value: 'a b' },
      { key: 'x', value: '' },
    ],
  });
  expect(parseTags('')).toEqual({ tags: [] });
});

test.each(['error', 'a=b c', 'a="b', '=b', 'a="b"c'])('%s makes no sense', (text) => {
  expect(parseTags(text)).toHaveProperty('badAt');
});

test('what is written can be read', () => {
  const tag = fc.record({
    key: fc.stringMatching(/^[^\s="]+$/),
    value: fc.string().map((value) => value.replaceAll('\n', ' ')),
  });
  fc.assert(
    fc.property(fc.array(tag), (tags) => {
      expect(parseTags(formatTags(tags))).toEqual({ tags });
    }),
  );
});

test('JSON of other shapes is no tags', () => {
  expect(tagsFromJson('{"a":"b","n":5}')).toEqual([
    { key: 'a', value: 'b' },
    { key: 'n', value: '5' },
  ]);
  for (const json of ['', 'null', '[1]', '{', '"a"']) expect(tagsFromJson(json)).toEqual([]);
  expect(tagsToJson([])).toBeUndefined();
});

test('the older form is split at the first colon', () => {
  expect(tagFromColon('url:http://x')).toEqual({ key: 'url', value: 'http://x' });
  expect(tagFromColon('nothing')).toBeUndefined();
});

test('the word at the caret', () => {
  expect(wordAt('a=b http.st', 11)).toEqual({ start: 4, word: 'http.st' });
  expect(wordAt('', 0)).toEqual({ start: 0, word: '' });
});
