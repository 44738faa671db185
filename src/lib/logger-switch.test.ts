/** Loggers handed out earlier follow the settings of now. */
import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { LoggerSwitch } from './logger-switch.ts';

function into(lines: string[], level: 'info' | 'warn') {
  const output = { write: (line: string) => void lines.push(line) };
  return createLogger({ level, encoding: 'json', colour: false, output });
}

test('a child made before the change writes to the new one, with its fields', () => {
  const [before, after]: [string[], string[]] = [[], []];
  const place = { current: into(before, 'info') };
  const child = new LoggerSwitch(place).child({ receiver: 'otlp' }).child({ part: 'grpc' });
  child.info({}, 'first');
  place.current = into(after, 'warn');
  child.info({}, 'not wanted');
  child.warn({ n: 1 }, 'second');
  expect(before.map((line): unknown => JSON.parse(line))).toMatchObject([{ msg: 'first' }]);
  expect(after.map((line): unknown => JSON.parse(line))).toMatchObject([
    { msg: 'second', receiver: 'otlp', part: 'grpc', n: 1 },
  ]);
});
