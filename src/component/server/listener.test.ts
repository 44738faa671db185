/** What every server promises, whatever it serves. Handshakes are in test/transport. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { decode } from '../../config/decode.ts';
import { AuthError, serverAuthentication } from '../auth/authenticator.ts';
import { testContext } from '../testbed.ts';
import { fittingTransport, grpcServerShape, httpServerShape } from './config.ts';
import { GrpcListener } from './grpc-listener.ts';
import { HttpListener, type HttpListenerOptions } from './http-listener.ts';
import { requestTarget } from './target.ts';

const never = new AbortController().signal;
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const httpBlock = z
  .strictObject(httpServerShape({ endpoint: '127.0.0.1:0' }))
  .superRefine(fittingTransport);
const grpcBlock = z.strictObject(grpcServerShape({ endpoint: '127.0.0.1:0' }));

function parsed<T>(schema: z.ZodType<T>, input: object): T {
  const { value, problems } = decode(schema, input);
  if (value === undefined) throw new Error(problems.map(({ message }) => message).join());
  return value;
}

interface Serving {
  readonly onRequest?: HttpListenerOptions['onRequest'];
  readonly drains?: boolean;
}

const answerOk = (_: IncomingMessage, response: ServerResponse) => void response.end('ok');

async function serving(input: object, { onRequest = answerOk, drains = true }: Serving = {}) {
  const context = testContext({});
  context.host.lend(serverAuthentication, 'key', {
    challenge: 'Key',
    async authenticate(headers) {
      if (headers['x-key'] === 'slow') throw new AuthError('busy', 'busy', { retryable: true });
      if (headers['x-key'] === undefined) throw new TypeError('a fault with a secret in it');
      if (headers['x-key'] !== 'good') throw new AuthError('unauthenticated', 'no');
      return new Map([['subject', 'ann']]);
    },
  });
  const config = parsed(httpBlock, input);
  const listener = new HttpListener({ config, context, drains, onRequest });
  const url = await listener.start();
  stops.push(() => listener.stop(never));
  return { url, listener, clock: context.clock };
}

function ask(options: RequestOptions): Promise<{ status: number; body: string; headers: object }> {
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      let body = '';
      response.on('data', (piece: Buffer) => (body += piece.toString()));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers });
      });
    })
      .once('error', reject)
      .end();
  });
}

describe('over HTTP', () => {
  test('response headers are on every answer, also on refusals', async () => {
    const { url } = await serving({
      response_headers: { 'x-frame-options': 'DENY' },
      auth: { authenticator: 'key' },
    });
    const good = await fetch(url, { headers: { 'x-key': 'good' } });
    const bad = await fetch(url);
    expect([good.status, bad.status]).toEqual([200, 401]);
    expect([good, bad].map(({ headers }) => headers.get('x-frame-options'))).toEqual([
      'DENY',
      'DENY',
    ]);
  });

  test('authentication: challenge, busy, faults without their text, and a body left unread', async () => {
    const { url } = await serving({ auth: { authenticator: 'key' } });
    const wrong = await fetch(url, { headers: { 'x-key': 'bad' } });
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([401, 'Key']);
    const busy = await fetch(url, { headers: { 'x-key': 'slow' } });
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '1']);
    const fault = await fetch(url, { method: 'POST', body: new Uint8Array(1_000_000) });
    expect([fault.status, await fault.text()]).toEqual([401, '401 not authenticated\n']);
  });

  test('a fault of the component ends its request, not the process', async () => {
    const fault = () => {
      throw new TypeError('a fault with a secret in it');
    };
    for (const auth of [[], [{ authenticator: 'key' }]]) {
      const { url } = await serving(auth.length === 0 ? {} : { auth: auth[0] }, {
        onRequest: fault,
      });
      const answer = await fetch(url, { headers: { 'x-key': 'good' } });
      expect([answer.status, await answer.text()]).toEqual([
        500,
        '500 internal error, see the log\n',
      ]);
    }
  });

  test.each(['//', '//a:b@[', '/%', 'http://['])('a path of %s is only a path', async (path) => {
    const auth = { authenticator: 'key', request_params: ['X-Key'] };
    const seen: string[] = [];
    const { url } = await serving(
      { auth },
      {
        onRequest(request, response) {
          seen.push(requestTarget(request).pathname);
          response.end();
        },
      },
    );
    const { port, hostname } = new URL(url);
    expect(await ask({ port, hostname, path: `${path}?X-Key=good` })).toMatchObject({
      status: 200,
    });
    expect(seen).toEqual([path]);
  });

  test('a query parameter may stand for a header, where it is named', async () => {
    const auth = { authenticator: 'key', request_params: ['X-Key'] };
    const { url } = await serving({ auth });
    expect((await fetch(`${url}/?X-Key=good`)).status).toBe(200);
    const { url: strict } = await serving({ auth: { authenticator: 'key' } });
    expect((await fetch(`${strict}/?X-Key=good`)).status).toBe(401);
  });

  test('what authentication said reaches the component', async () => {
    const seen: unknown[] = [];
    const { url } = await serving(
      { auth: { authenticator: 'key' } },
      {
        onRequest(_, response, client) {
          seen.push([client?.auth.get('subject'), client?.metadata.size]);
          response.end();
        },
      },
    );
    await fetch(url, { headers: { 'x-key': 'good' } });
    expect(seen).toEqual([['ann', 0]]);
  });

  test('a browser may ask before it authenticates', async () => {
    const { url } = await serving({
      auth: { authenticator: 'key' },
      cors: { allowed_origins: ['https://shop.example'] },
    });
    const asked = await fetch(url, {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example', 'access-control-request-method': 'GET' },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-methods')).toBe('GET');
  });

  test('an answer that takes longer than write_timeout is cut off', async () => {
    let begun = false;
    const onRequest = () => void (begun = true);
    const { url, clock } = await serving({ write_timeout: '30s' }, { onRequest, drains: false });
    const outcome = fetch(url).then(
      () => 'answered',
      (error: unknown) => String(error),
    );
    await vi.waitFor(() => expect(begun).toBe(true), 10_000);
    clock.advance(30_000);
    expect(await outcome).toContain('fetch failed');
  });

  test('connections are used once when they are not kept alive', async () => {
    const { url } = await serving({ keep_alives_enabled: false });
    expect((await ask({ port: new URL(url).port })).headers).toMatchObject({ connection: 'close' });
  });

  test('a connection that cannot be taken is logged, and the server goes on', async () => {
    const emit = vi.spyOn(Server.prototype, 'listen');
    const { url } = await serving({});
    const [server] = emit.mock.contexts;
    emit.mockRestore();
    if (!(server instanceof Server)) throw new TypeError('no server listened');
    server.emit('error', new Error('too many open files'));
    expect((await fetch(url)).status).toBe(200);
  });

  test('a Unix socket, also where a killed process left one', async () => {
    const socketPath = join(mkdtempSync(join(tmpdir(), 'spoor-sock-')), 's');
    stops.push(() => rmSync(join(socketPath, '..'), { recursive: true, force: true }));
    const { listener, url } = await serving({ endpoint: socketPath, transport: 'unix' });
    expect(url).toBe(`http://unix:${socketPath}`);
    expect((await ask({ socketPath })).body).toBe('ok');
    await expect(serving({ endpoint: socketPath })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await listener.stop(never);
    expect(existsSync(socketPath)).toBe(false);
    const abandon = `require('net').createServer().listen(process.argv[1],
      () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', abandon, `${socketPath}2`]);
    expect(existsSync(`${socketPath}2`)).toBe(true);
    await serving({ endpoint: `${socketPath}2` });
    expect((await ask({ socketPath: `${socketPath}2` })).body).toBe('ok');
    writeFileSync(`${socketPath}3`, 'precious');
    await expect(serving({ endpoint: `${socketPath}3` })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    expect(existsSync(`${socketPath}3`)).toBe(true);
  });

  test.for([
    [{ endpoint: '/run/x', transport: 'tcp' }, 'needs an endpoint that is host:port'],
    [{ transport: 'unix' }, 'needs an endpoint that is the path of a socket'],
    [{ endpoint: 'x' }, 'expected host:port'],
    [{ middlewares: [] }, 'middlewares'],
    [{ response_headers: { 'x y': '1' } }, 'not the name of a header'],
    [{ response_headers: { x: 'a\nb' } }, 'the end of a line'],
  ] as const)('%j is refused', ([input, message]) => {
    expect(() => parsed(httpBlock, input)).toThrow(message);
  });
});

describe('over gRPC', () => {
  async function listening(keepalive: object) {
    const context = testContext({});
    const listener = new GrpcListener({
      config: parsed(grpcBlock, { keepalive }),
      context,
      onStream: (stream) => stream.respond({ ':status': 200 }),
      onRefused: () => {},
    });
    const address = await listener.start();
    const deadline = AbortSignal.abort();
    stops.push(() => listener.stop(deadline));
    const session = connectHttp2(`http://${address}`);
    stops.push(() => session.destroy());
    const gone = { code: undefined as number | undefined };
    session.on('goaway', (code) => (gone.code = code));
    session.on('error', () => {});
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const ping = () =>
      new Promise((resolve) => {
        if (session.closed || session.destroyed || !session.ping(resolve)) resolve(undefined);
      });
    return { session, clock: context.clock, gone, ping };
  }

  test('clients that ping too often are sent away', async () => {
    const policy = { min_time: '1m', permit_without_stream: true };
    const { gone, ping } = await listening({ enforcement_policy: policy });
    await vi.waitFor(async () => {
      await ping();
      expect(gone.code).toBe(11);
    }, 10_000);
  });

  test('clients may ping as they like without a policy', async () => {
    const { gone, ping } = await listening({});
    for (let i = 0; i < 10; i += 1) await ping();
    expect(gone.code).toBeUndefined();
  });

  test.each(['max_connection_idle', 'max_connection_age'])('%s says goodbye', async (key) => {
    const { gone, clock } = await listening({ server_parameters: { [key]: '1m' } });
    clock.advance(59_000);
    expect(gone.code).toBeUndefined();
    clock.advance(1000);
    await vi.waitFor(() => expect(gone.code).toBe(0), 10_000);
  });

  test('a silent client is asked, and stays when it answers', async () => {
    const { session, clock } = await listening({
      server_parameters: { time: '1m', timeout: '10s' },
    });
    let pings = 0;
    session.on('ping', () => (pings += 1));
    await vi.waitFor(() => {
      clock.advance(60_000);
      expect(pings).toBeGreaterThan(1);
    }, 10_000);
    expect(session.destroyed).toBe(false);
  });
});
