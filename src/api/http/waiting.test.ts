/** What becomes of a question that takes long: its client leaves, it is too late, or too many wait. */

import { request } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { StorageError, type TraceReader } from '../../storage/contract.ts';
import { readerOf } from './reader.fixture.ts';
import { createQueryServer } from './server.ts';

let server: FastifyInstance | undefined;
afterEach(() => server?.close());

async function serve(findTraces: TraceReader['findTraces']): Promise<FastifyInstance> {
  server = await createQueryServer({
    reader: { ...readerOf([]), findTraces },
    capabilities: { searchWithoutService: true, filterOps: [], orders: [], durableOnAck: true },
    tenant: 'default',
    basePath: '',
    maxClockSkewNano: 0n,
    maxTraceSize: 0,
    now: () => 1_700_000_000_000,
    log: { warn: () => undefined },
  });
  return server;
}

test('a search ends when its client has left', { timeout: 30_000 }, async () => {
  const asked = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string>();
  const running = await serve(
    (_, signal) =>
      new Promise((_resolve, reject) => {
        asked.resolve();
        signal?.addEventListener('abort', () => {
          ended.resolve(String(signal.reason));
          reject(signal.reason);
        });
      }),
  );
  const address = await running.listen({ port: 0, host: '127.0.0.1' });
  const client = request(`${address}/api/spoor/search`).on('error', () => {});
  client.end();
  await asked.promise;
  client.destroy();
  expect(await ended.promise).toMatch(/the client has gone/);
});

test.each([
  ['timeout', 504, undefined],
  ['unavailable', 503, '2'],
] as const)('an error %s is %d, with a remedy', async (code, status, retryAfter) => {
  const running = await serve(async () => {
    throw new StorageError(code, 'no', {
      hint: 'narrow the range',
      retryAfterMs: retryAfter === undefined ? undefined : 1500,
    });
  });
  const response = await running.inject('/api/spoor/search');
  expect(response.statusCode).toBe(status);
  expect(response.headers['retry-after']).toBe(retryAfter);
  expect(response.json().error).toEqual({ code, message: 'no', hint: 'narrow the range' });
});
