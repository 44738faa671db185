import { expect, test } from 'vitest';
import { logBytes, spansNamed } from '../../component/batch.fixture.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { silentLogger } from '../../lib/logger.ts';
import { component } from './exporter.ts';

const never = new AbortController().signal;

function debug(input: object) {
  const written: [string, object][] = [];
  const logger = {
    ...silentLogger,
    info: (fields: object, message: string) => void written.push([message, fields]),
  };
  const context = testContext(decode(component.config, input).value);
  const exporter = component.create({ ...context, logger, signal: 'traces' });
  return { exporter, written, clock: context.clock };
}

test('basic writes a line per batch', async () => {
  const { exporter, written } = debug({});
  await exporter.consume(spansNamed(['a', 'b']), never);
  expect(written).toEqual([['traces', expect.objectContaining({ items: 2, tenant: 'default' })]]);
});

test('normal and detailed write a line per span', async () => {
  for (const verbosity of ['normal', 'detailed']) {
    const { exporter, written } = debug({ verbosity });
    await exporter.consume(spansNamed(['a', 'b']), never);
    await exporter.consume(logBytes([1], 1), never);
    expect(written.map(([message]) => message)).toEqual(['traces', 'span', 'span', 'traces']);
    expect(written[2]?.[1]).toMatchObject({ name: 'b' });
    expect('attributes' in (written[2]?.[1] ?? {})).toBe(verbosity === 'detailed');
  }
});

test('the first of a second are written, then one in so many', async () => {
  const { exporter, written, clock } = debug({ sampling_initial: 2, sampling_thereafter: 3 });
  const send = async (times: number) => {
    for (let time = 0; time < times; time += 1) await exporter.consume(spansNamed(['a']), never);
    return written.splice(0).length;
  };
  expect(await send(9)).toBe(4);
  clock.advance(1000);
  expect(await send(2)).toBe(2);
});
