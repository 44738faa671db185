import { expect, test } from 'vitest';
import { canonicalTraceId, shortTraceId } from './trace-id.ts';

test.each([
  ['ABC', `${'0'.repeat(29)}abc`],
  [' 0x5b8aa5a2d2c872e8321cf37308d69df2 ', '5b8aa5a2d2c872e8321cf37308d69df2'],
  ['5b8aa5a2-d2c8-72e8-321c-f37308d69df2', '5b8aa5a2d2c872e8321cf37308d69df2'],
  ['', undefined],
  ['hello', undefined],
  ['a'.repeat(33), undefined],
])('%s', (text, id) => {
  expect(canonicalTraceId(text)).toBe(id);
});

test('a 64-bit id is not shown as zeros', () => {
  expect(shortTraceId(`${'0'.repeat(16)}321cf37308d69df2`)).toBe('321cf37');
});
