import { expect, test } from 'vitest';
import { bytesText, countText, Progress } from './progress.ts';

function output(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, written, write: (text: string) => void written.push(text) };
}

test('at a terminal a bar moves, and goes at the end', () => {
  const terminal = output(true);
  const progress = new Progress(terminal);
  progress.update(0.5, 'half');
  progress.update(0.51, 'too soon to be seen');
  progress.end();
  expect(terminal.written).toEqual([
    '\r\u001b[K[############............] 50 %  half',
    '\r\u001b[K',
  ]);
});

test('elsewhere a short command writes nothing', () => {
  const plain = output(false);
  const progress = new Progress(plain);
  progress.update(0.5, 'half');
  progress.end();
  expect(plain.written).toEqual([]);
});

test('numbers are for people', () => {
  expect(['0 B', '999 B', '1.0 kB', '123 MB']).toEqual([0, 999, 1000, 123_400_000].map(bytesText));
  expect(countText(1_234_567)).toBe('1 234 567');
  expect([countText(1, 'file'), countText(0, 'file')]).toEqual(['1 file', '0 files']);
});
