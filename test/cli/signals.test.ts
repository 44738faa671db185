/** Ctrl-C while a request is under way: the first drains, the second does not wait. */
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { SpoorProcess } from './spoor-process.ts';

const config = `yaml:
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {nop: }
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}
`;

let running: SpoorProcess | undefined;
let socket: Socket | undefined;
afterEach(async () => {
  socket?.destroy();
  await running?.end();
});

const body = '{"resourceSpans":[]}';

/** A request whose last bytes are still to come. */
async function halfRequest(process: SpoorProcess): Promise<Socket> {
  const address = new URL(await process.address('OTLP/HTTP'));
  const opened = connect(Number(address.port), address.hostname);
  socket = opened;
  opened.on('error', () => {});
  await new Promise<void>((resolve) => {
    opened.once('connect', resolve);
  });
  const head = [
    'POST /v1/traces HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `content-length: ${body.length}`,
    'expect: 100-continue',
  ];
  opened.write(`${head.join('\r\n')}\r\n\r\n`);
  // The interim answer shows that the server has begun to handle it.
  await new Promise<void>((resolve) => {
    opened.once('data', () => resolve());
  });
  opened.write(body.slice(0, 5));
  return opened;
}

test('the first drains: a request under way is answered, then it exits 0', async () => {
  running = new SpoorProcess(['--config', config]);
  const process = running;
  const request = await halfRequest(process);
  process.kill('SIGINT');
  await process.until(() => process.stderr.includes('stopping'));
  const answered = new Promise<string>((resolve) => {
    request.once('data', (data: Buffer) => resolve(data.toString()));
  });
  request.write(body.slice(5));
  expect(await answered).toMatch(/^HTTP\/1\.1 200 /);
  const { code, stderr } = await process.finished;
  expect(code).toBe(0);
  expect(stderr).toContain('stopped');
  expect(stderr).not.toContain('draining took too long');
});

test('the second stops at once', async () => {
  running = new SpoorProcess(['--config', config]);
  const process = running;
  await halfRequest(process);
  process.kill('SIGINT');
  await process.until(() => process.stderr.includes('stopping'));
  process.kill('SIGINT');
  const { code, stderr } = await process.finished;
  expect(code).toBe(130);
  expect(stderr).not.toContain('stopped');
});

test('SIGTERM during the start stops without an error', async () => {
  running = new SpoorProcess(['--config', config]);
  await running.until(() => running?.stderr.includes('starting') === true);
  running.kill('SIGTERM');
  const { code, stderr } = await running.finished;
  expect(code).toBe(0);
  expect(stderr).not.toContain('cannot start');
});

test('it runs on with nothing open, and SIGHUP does not end it', async () => {
  const nothing = config.replace(/otlp: .*}$/m, 'nop: }').replace('[otlp]', '[nop]');
  running = new SpoorProcess(['--config', nothing]);
  const process = running;
  await process.ready();
  process.kill('SIGHUP');
  await process.until(() => process.stderr.includes('configuration reloaded'));
  process.kill('SIGHUP');
  await process.until(() => process.stderr.split('configuration reloaded').length === 3);
  process.kill('SIGTERM');
  const { code, stderr } = await process.finished;
  expect(code).toBe(0);
  expect(stderr).toContain('stopped');
});
