/** Whatever stands in a value, expansion ends: with text or with a problem. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { expand, Expanded } from './expand.ts';
import type { Surroundings } from './providers.ts';

const around: Surroundings = {
  env: { A: 'a', B: '${env:A}', C: '${env:D}', D: '${env:C}', N: '7', E: '', Q: '}${' },
  warn: () => {},
  fetch: async () => {
    throw new Error('no network in tests');
  },
};

const piece = fc.constantFrom(
  '$',
  '$$',
  '{',
  '}',
  '${',
  'env:',
  'A',
  'B',
  'C',
  'N',
  'Q',
  ':-',
  'x ',
);

test('any mixture of dollars, braces and names ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 16 }), async (pieces) => {
      const value = pieces.join('');
      const { tree } = await expand({ value }, around);
      expect(tree).toHaveProperty('value');
    }),
    { numRuns: 2000 },
  );
});

test('text without a dollar stays as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      fc.pre(!text.includes('$'));
      expect((await expand({ text }, around)).tree).toEqual({ text });
    }),
  );
});

test('every dollar doubled is the text again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece), async (pieces) => {
      const text = pieces.join('');
      const { tree } = await expand({ value: text.replaceAll('$', '$$$$') }, around);
      const { value } = tree;
      expect(value instanceof Expanded ? value.value : value).toBe(text);
    }),
  );
});
