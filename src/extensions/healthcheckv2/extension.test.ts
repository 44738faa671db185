import { afterEach, expect, test } from 'vitest';
import { testContext } from '../../component/testbed.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { decode } from '../../config/decode.ts';
import { component } from './extension.ts';

const never = new AbortController().signal;
let running: Lifecycle | undefined;
afterEach(async () => running?.stop?.(never));

async function started(input: object = {}) {
  const merged = { http: { endpoint: 'localhost:0' }, ...input };
  const { value, problems } = decode(component.config, merged);
  expect(problems).toEqual([]);
  const context = testContext(value);
  running = component.create(context);
  await running.start?.(never);
  return { board: context.host.board, url: context.host.endpoints[0]?.address ?? '' };
}

test('200 when all is well, 503 while starting and stopping', async () => {
  const { board, url } = await started();
  const seen: unknown[] = [];
  for (const phase of ['StatusStarting', 'StatusOK', 'StatusStopping'] as const) {
    board.setPhase(phase);
    const response = await fetch(url);
    const body = await response.json();
    seen.push([response.status, response.headers.get('content-type')]);
    expect(body).toMatchObject({ status: phase, healthy: phase === 'StatusOK' });
  }
  expect(seen).toEqual([
    [503, 'application/json'],
    [200, 'application/json'],
    [503, 'application/json'],
  ]);
});

test('the worst component colours the whole, and verbose names it', async () => {
  const { board, url } = await started({ component_health: { include_recoverable_errors: true } });
  board.setPhase('StatusOK');
  board.set('exporter:otlp', 'StatusOK');
  board.set('extension:jaeger_storage', 'StatusRecoverableError', 'disk full');
  const response = await fetch(`${url}?verbose`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    status: 'StatusRecoverableError',
    error: 'disk full',
    components: {
      'exporter:otlp': { status: 'StatusOK' },
      'extension:jaeger_storage': { status: 'StatusRecoverableError', error: 'disk full' },
    },
  });
  board.set('extension:jaeger_storage', 'StatusPermanentError', 'gone');
  expect((await fetch(url)).status).toBe(500);
});

test('recoverable errors count only when asked, other paths are not found', async () => {
  const { board, url } = await started();
  board.setPhase('StatusOK');
  board.set('exporter:otlp', 'StatusRecoverableError', 'retrying');
  expect((await fetch(url)).status).toBe(200);
  expect((await fetch(new URL('/other', url))).status).toBe(404);
});

test('nothing is served when http is off', async () => {
  const { url } = await started({ http: { enabled: false } });
  expect(url).toBe('');
});
