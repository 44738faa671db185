import { expect, test } from 'vitest';
import { z } from 'zod';
import { decode } from './decode.ts';

const shape = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('circle') }),
  z.strictObject({ type: z.literal('box'), box: z.strictObject({ side: z.number().default(1) }) }),
]);
const schema = z.strictObject({ shapes: z.array(shape) });

test('of several kinds of block the one of its type is taken', () => {
  const shapes = [
    { type: 'box', box: null },
    { type: 'circle' },
    { type: 'box', box: { side: 2 } },
  ];
  expect(decode(schema, { shapes }).value).toEqual({
    shapes: [
      { type: 'box', box: { side: 1 } },
      { type: 'circle' },
      { type: 'box', box: { side: 2 } },
    ],
  });
});

test('a key of another kind is refused at its place', () => {
  const { problems } = decode(schema, { shapes: [{ type: 'circle', box: {} }] });
  expect(problems).toMatchObject([
    { path: ['shapes', '0'], below: ['box'], message: 'unknown key "box"' },
  ]);
});

test('a block that takes any key keeps them, with nothing after them too', () => {
  const loose = z.looseObject({ known: z.string().optional() });
  expect(decode(loose, { known: null, other: null, 'one.more': 1 })).toEqual({
    value: { other: null, 'one.more': 1 },
    problems: [],
  });
});

test('a type that no block has is said with those there are', () => {
  const { problems } = decode(schema, { shapes: [{ type: 'bax' }, {}] });
  expect(problems).toEqual([
    {
      path: ['shapes', '0', 'type'],
      message: 'expected one of "circle", "box", got string "bax", did you mean "box"?',
    },
    { path: ['shapes', '1', 'type'], message: 'is required: one of "circle", "box"' },
  ]);
});
