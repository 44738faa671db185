import { expect, test } from 'vitest';
import { linesOf } from './lines.ts';

async function lines(...parts: string[]): Promise<string[]> {
  const found: string[] = [];
  async function* input() {
    yield* parts.map((part) => Buffer.from(part));
  }
  for await (const line of linesOf(input())) found.push(Buffer.from(line).toString());
  return found;
}

test('lines are whole however the bytes come', async () => {
  expect(await lines('a\nb', 'b', 'b\n\nc\n')).toEqual(['a\n', 'bbb\n', '\n', 'c\n']);
  expect(await lines('a\nno end')).toEqual(['a\n', 'no end']);
  expect(await lines()).toEqual([]);
});
