import { expect, test } from 'vitest';
import { createLogger, readableLine } from './logger.ts';

function lines(encoding: 'console' | 'json') {
  const written: string[] = [];
  const logger = createLogger({
    level: 'info',
    encoding,
    colour: false,
    output: { write: (line) => void written.push(line) },
    fields: { host: 'a' },
  });
  return { written, logger };
}

test('console lines are readable: time, level, message, fields', () => {
  const { written, logger } = lines('console');
  logger.child({ exporter: 'otlp' }).warn({ waiting: 12, why: 'queue is full' }, 'refused');
  logger.debug({}, 'not at this level');
  expect(written).toHaveLength(1);
  expect(written[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} warn {2}refused host=a exporter=otlp waiting=12 why="queue is full"\n$/,
  );
});

test('json lines are one object each', () => {
  const { written, logger } = lines('json');
  logger.error({ code: 7 }, 'failed');
  const parsed: unknown = JSON.parse(written.join(''));
  expect(parsed).toMatchObject({ level: 'error', msg: 'failed', code: 7, host: 'a' });
});

test('a line that is no JSON is shown as it is', () => {
  expect(readableLine('plain text\n', false)).toContain('plain text');
});

test('what a peer said cannot move the cursor of a terminal', () => {
  const line = JSON.stringify({
    level: 'warn',
    msg: 'no\u001b[2J',
    reason: '\u009b2J \u001b]0;x\u0007',
  });
  const shown = readableLine(line, false);
  expect(shown).not.toMatch(/\p{Cc}/u);
  expect(shown).toContain(String.raw`no\u001b[2J`);
  expect(shown).toContain(String.raw`reason="\u009b2J \u001b]0;x\u0007"`);
});
