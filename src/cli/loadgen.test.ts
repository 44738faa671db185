import { expect, test } from 'vitest';
import { startReceiver } from '../receivers/otlp/receiver.fixture.ts';
import { run } from './loadgen.ts';

const never = new AbortController().signal;

test.each(['grpc', 'http'] as const)('sends what it is asked for over %s', async (protocol) => {
  const server = await startReceiver();
  const endpoint = protocol === 'grpc' ? server.grpc : server.http;
  const args = ['--endpoint', endpoint, '--protocol', protocol, '--rate', '0', '--spans', '3000'];
  const more = ['--compression', 'gzip', '--batch-size', '100', '--in-flight', '2'];
  expect(await run([...args, ...more])).toBe(0);
  expect(server.traces.itemCount).toBeGreaterThanOrEqual(3000);
  expect(server.traces.itemCount).toBeLessThan(3500);
  await server.receiver.stop?.(never);
});

test('fails when nobody accepts anything', async () => {
  expect(await run(['--endpoint', '127.0.0.1:1', '--rate', '0', '--spans', '1'])).toBe(1);
});

test.each([
  [['--rate', 'fast'], /--rate wants a whole number/],
  [['--protocol', 'udp'], /--protocol wants grpc or http/],
  [['--duration', '0'], /--duration wants a time/],
  [['--colour'], /Unknown option '--colour'/],
])('%j is refused', async (args, message) => {
  await expect(run(args)).rejects.toThrow(message);
});
