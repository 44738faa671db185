import { credentials, Client, type ClientReadableStream, Metadata } from '@grpc/grpc-js';
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
  context.host.board.describe('1', [
    { id: 'traces', components: ['receiver:otlp', 'exporter:otlp'], acknowledges: '' },
    { id: 'logs/two', components: ['receiver:otlp', 'exporter:nop'], acknowledges: '' },
  ]);
  running = component.create(context);
  await running.start?.(never);
  const address = (label: string) =>
    context.host.endpoints.find((endpoint) => endpoint.label === label)?.address ?? '';
  const { board } = context.host;
  return { board, clock: context.clock, url: address('health'), grpc: address('health/gRPC') };
}

const status = async (url: string) => (await fetch(url)).status;

test('200 when all is well, 503 while starting and stopping', async () => {
  const { board, url } = await started();
  const seen: unknown[] = [];
  for (const phase of ['StatusStarting', 'StatusOK', 'StatusStopping'] as const) {
    board.setPhase(phase);
    const response = await fetch(url);
    const body = await response.json();
    seen.push([response.status, response.headers.get('content-type')]);
    expect(body).toMatchObject({ healthy: phase === 'StatusOK' });
  }
  expect(seen).toEqual([
    [503, 'application/json'],
    [200, 'application/json'],
    [503, 'application/json'],
  ]);
});

test('the worst component colours its pipelines and the whole, and verbose names it', async () => {
  const { board, url } = await started({ component_health: { include_permanent_errors: true } });
  board.setPhase('StatusOK');
  board.set('receiver:otlp', 'StatusOK');
  board.set('exporter:nop', 'StatusOK');
  board.set('exporter:otlp', 'StatusPermanentError', 'no such host');
  board.set('extension:store', 'StatusRecoverableError', 'disk full');
  const response = await fetch(`${url}?verbose`);
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({
    healthy: false,
    status: 'StatusPermanentError',
    error: 'no such host',
    components: {
      extensions: {
        healthy: true,
        status: 'StatusRecoverableError',
        components: { 'extension:store': { error: 'disk full' } },
      },
      'pipeline:traces': {
        healthy: false,
        components: {
          'receiver:otlp': { healthy: true, status: 'StatusOK' },
          'exporter:otlp': { healthy: false, status: 'StatusPermanentError' },
        },
      },
      'pipeline:logs/two': { healthy: true, status: 'StatusOK' },
    },
  });
  expect(await (await fetch(url)).json()).not.toHaveProperty('components');
});

test('one pipeline', async () => {
  const { board, url } = await started({ component_health: { include_permanent_errors: true } });
  board.setPhase('StatusOK');
  board.set('exporter:otlp', 'StatusPermanentError', 'gone');
  expect(await status(`${url}?pipeline=traces`)).toBe(500);
  expect(await status(`${url}?pipeline=logs/two`)).toBe(200);
  expect(await status(`${url}?pipeline=metrics`)).toBe(404);
  board.setPhase('StatusStopping');
  expect(await status(`${url}?pipeline=logs/two`)).toBe(503);
});

test('errors count when asked, those that may pass only after a while', async () => {
  const first = await started();
  first.board.setPhase('StatusOK');
  first.board.set('exporter:otlp', 'StatusRecoverableError', 'retrying');
  first.board.set('exporter:nop', 'StatusPermanentError', 'gone');
  expect(await status(first.url)).toBe(200);
  first.board.set('exporter:nop', 'StatusFatalError', 'gone');
  expect(await status(first.url)).toBe(500);
  expect(await status(new URL('/other', first.url).href)).toBe(404);
  await running?.stop?.(never);
  const { board, url, clock } = await started({
    component_health: { include_recoverable_errors: true, recovery_duration: '10s' },
  });
  board.setPhase('StatusOK');
  board.set('exporter:otlp', 'StatusRecoverableError', 'retrying');
  const now = clock.nowMs();
  expect(await status(url)).toBe(now < 10_000 ? 200 : 500);
  clock.advance(10_000);
  expect(await status(url)).toBe(500);
});

test('nothing is served when http is off', async () => {
  const { url } = await started({ http: { enabled: false } });
  expect(url).toBe('');
});

test.each([
  [{ use_v2: false }, 'health_check'],
  [{ http: { config: { enabled: true } } }, 'print-config'],
])('%j is refused with what to do', (input, hint) => {
  const { problems } = decode(component.config, input);
  expect(problems.map(({ message }) => message).join()).toContain(hint);
});

const CHECK = '/grpc.health.v1.Health/Check';
const WATCH = '/grpc.health.v1.Health/Watch';
const bytes = (value: Buffer) => value;

function request(service: string): Buffer {
  return service === ''
    ? Buffer.alloc(0)
    : Buffer.from([0x0a, service.length, ...Buffer.from(service)]);
}

/** The status, or the code of the error. */
function check(client: Client, service: string): Promise<number | string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      CHECK,
      bytes,
      bytes,
      request(service),
      new Metadata(),
      (error, answer) => resolve(error ? `error ${error.code}` : (answer?.[1] ?? 0)),
    );
  });
}

test('the standard health service of gRPC', async () => {
  const { board, grpc, clock } = await started({
    grpc: { endpoint: 'localhost:0' },
    component_health: { include_permanent_errors: true },
  });
  const client = new Client(grpc, credentials.createInsecure());
  expect(await check(client, '')).toBe(2);
  board.setPhase('StatusOK');
  board.set('exporter:otlp', 'StatusPermanentError', 'gone');
  expect(await check(client, '')).toBe(2);
  expect(await check(client, 'traces')).toBe(2);
  expect(await check(client, 'logs/two')).toBe(1);
  expect(await check(client, 'none')).toBe('error 5');
  const seen: number[] = [];
  const call: ClientReadableStream<Buffer> = client.makeServerStreamRequest(
    WATCH,
    bytes,
    bytes,
    request('traces'),
  );
  call.on('error', () => {});
  call.on('data', (message: Buffer) => seen.push(message[1] ?? 0));
  await expect.poll(() => seen).toEqual([2]);
  board.set('exporter:otlp', 'StatusOK');
  clock.advance(1000);
  await expect.poll(() => seen).toEqual([2, 1]);
  client.close();
});
