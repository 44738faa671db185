import { afterEach, expect, test } from 'vitest';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { testContext } from '../../component/testbed.ts';
import { decode } from '../../config/decode.ts';
import { component } from './extension.ts';

const never = new AbortController().signal;
let running: Lifecycle | undefined;
afterEach(async () => running?.stop?.(never));

async function started(input: object = {}) {
  const { value, problems } = decode(component.config, { endpoint: 'localhost:0', ...input });
  expect(problems).toEqual([]);
  const context = testContext(value);
  running = component.create(context);
  await running.start?.(never);
  return { board: context.host.board, url: context.host.endpoints[0]?.address ?? '' };
}

test('200 when ready, 503 before and while stopping', async () => {
  const { board, url } = await started();
  expect((await fetch(url)).status).toBe(503);
  board.setPhase('StatusOK');
  const answer = await fetch(url);
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { status: 'Server available', upSince: '1970-01-01T00:00:00.000Z', uptime: expect.any(String) },
  ]);
  // A component in trouble does not make the process less ready.
  board.set('exporter:otlp', 'StatusPermanentError', 'gone');
  expect((await fetch(url)).status).toBe(200);
  board.set('exporter:otlp', 'StatusFatalError', 'gone');
  expect((await fetch(url)).status).toBe(503);
  board.setPhase('StatusStopping');
  expect((await fetch(url)).status).toBe(503);
  expect((await fetch(new URL('/other', url))).status).toBe(404);
});

test("a path and texts of one's own", async () => {
  const { board, url } = await started({
    path: '/health',
    response_body: { healthy: 'fine', unhealthy: 'wait' },
  });
  expect(url).toMatch(/\/health$/);
  expect(await (await fetch(url)).text()).toBe('wait');
  board.setPhase('StatusOK');
  expect(await (await fetch(url)).text()).toBe('fine');
});
