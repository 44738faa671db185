/** What both clients promise besides carrying bytes, which the exporters' tests show. */
import { createServer, type Server } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { decode } from '../../config/decode.ts';
import { silentLogger } from '../../lib/logger.ts';
import { clientAuthentication } from '../auth/authenticator.ts';
import { testContext } from '../testbed.ts';
import { grpcClientShape, grpcTarget, httpClientShape } from './config.ts';
import { GrpcClient } from './grpc-client.ts';
import { HttpClient } from './http-client.ts';

const never = new AbortController().signal;
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const grpcBlock = z.strictObject(grpcClientShape);
const httpBlock = z.strictObject(httpClientShape);

function parsed<T>(schema: z.ZodType<T>, input: object): T {
  const { value, problems } = decode(schema, input);
  if (value === undefined) throw new Error(problems.map(({ message }) => message).join());
  return value;
}

async function port(server: Server | Http2Server, at = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  stops.push(async () => new Promise((resolve) => server.close(resolve)));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  return (server.address() as AddressInfo).port;
}

function contextWithAuth() {
  const context = testContext({});
  context.host.lend(clientAuthentication, 'tenant', {
    needsTls: false,
    async authorize(headers, client) {
      headers['x-tenant'] = client?.metadata.get('x-tenant')?.[0] ?? 'none';
    },
  });
  return context;
}

const client = { address: '', metadata: new Map([['x-tenant', ['blue']]]), auth: new Map() };

describe('gRPC', () => {
  /** Answers every call with a status; `seen` are the headers of the calls. */
  async function peer(answer: { status?: string; message?: string; http?: number } = {}, at = 0) {
    const seen: Record<string, unknown>[] = [];
    const server = createHttp2();
    const sessions = new Set<{ destroy(): void; close(): void }>();
    server.on('session', (session) => void sessions.add(session));
    server.on('stream', (stream, headers) => {
      seen.push({ ...headers });
      stream.on('error', () => {});
      stream.resume();
      const { status = '0', message, http = 200 } = answer;
      const said = http === 200 ? { 'grpc-status': status } : {};
      const text = message === undefined ? {} : { 'grpc-message': message };
      stream.respond({ ':status': http, ...said, ...text }, { endStream: true });
    });
    const hangUp = () => {
      for (const session of sessions) session.close();
    };
    const listening = await port(server, at);
    stops.push(() => {
      for (const session of sessions) session.destroy();
    });
    return { server, seen, port: listening, hangUp };
  }

  async function calling(input: object) {
    const context = contextWithAuth();
    const config = parsed(grpcBlock, { tls: { insecure: true }, compression: 'none', ...input });
    const made = new GrpcClient(config, context, () => ({}));
    await made.start();
    stops.push(() => made.close());
    const call = (signal = never) =>
      made.call({ path: '/a.B/C', request: new Uint8Array(3), client }, signal);
    return { call, clock: context.clock };
  }

  test('sends what is configured and what the authenticator adds', async () => {
    const { seen, port: at } = await peer();
    const { call } = await calling({
      endpoint: `127.0.0.1:${at}`,
      headers: { 'X-Fixed': 'yes' },
      authority: 'traces.example',
      user_agent: 'me',
      auth: { authenticator: 'tenant' },
    });
    await call();
    expect(seen[0]).toMatchObject({
      ':path': '/a.B/C',
      ':authority': 'traces.example',
      'user-agent': 'me',
      'x-fixed': 'yes',
      'x-tenant': 'blue',
      te: 'trailers',
    });
  });

  test.for([
    [{ status: '14', message: 'full%20%ED%95%9C' }, 'unreachable', true, 'UNAVAILABLE: full 한'],
    [{ status: '8' }, 'rejected', false, 'RESOURCE_EXHAUSTED'],
    [{ status: '3', message: '%E0%A4%A' }, 'rejected', false, 'INVALID_ARGUMENT: %E0%A4%A'],
    [{ http: 503 }, 'unreachable', true, 'HTTP status 503'],
    [{ http: 404 }, 'rejected', false, 'UNIMPLEMENTED'],
  ] as const)('%j is told as %s', async ([answer, code, retryable, message]) => {
    const { port: at } = await peer(answer);
    const { call } = await calling({ endpoint: `127.0.0.1:${at}` });
    const failure = call();
    await expect(failure).rejects.toMatchObject({ code, retryable });
    await expect(failure).rejects.toThrow(message);
  });

  test('a peer that says goodbye or was not there is connected to again', async () => {
    const first = await peer();
    const { call } = await calling({ endpoint: `localhost:${first.port}` });
    await call();
    first.hangUp();
    await vi.waitFor(() => call(), 10_000);
    expect(first.seen.length).toBeGreaterThan(1);
  });

  test('wait_for_ready waits for a peer to come, others fail at once', async () => {
    const reserved = await peer();
    await new Promise((resolve) => reserved.server.close(resolve));
    const endpoint = `127.0.0.1:${reserved.port}`;
    const hasty = await calling({ endpoint });
    await expect(hasty.call()).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    const patient = await calling({ endpoint, wait_for_ready: true });
    const answered = patient.call();
    const late = await peer({}, reserved.port);
    await vi.waitFor(() => {
      patient.clock.advance(500);
      expect(late.seen).toHaveLength(1);
    }, 10_000);
    await answered;
  });

  test('headers without a status count only when the answer was not cut off', async () => {
    const server = createHttp2();
    const broken = { is: true };
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      stream.resume();
      stream.respond({ ':status': 200 });
      if (broken.is) setImmediate(() => stream.session?.destroy());
      else stream.end();
    });
    const { call } = await calling({ endpoint: `127.0.0.1:${await port(server)}` });
    await expect(call()).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    broken.is = false;
    await expect(call()).rejects.toMatchObject({ code: 'rejected', retryable: false });
  });

  test('a call that is given up says so', async () => {
    const silent = createHttp2();
    silent.on('stream', (stream) => stream.on('error', () => {}));
    const sessions = new Set<{ destroy(): void }>();
    silent.on('session', (session) => void sessions.add(session));
    const { call } = await calling({ endpoint: `127.0.0.1:${await port(silent)}` });
    stops.push(() => {
      for (const session of sessions) session.destroy();
    });
    const abort = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => abort.abort(reason), 50);
    await expect(call(abort.signal)).rejects.toBe(reason);
  });

  test.for([
    ['otel:4317', { address: 'otel:4317', isPlain: undefined }],
    ['http://otel:4317/', { address: 'otel:4317', isPlain: true }],
    ['https://[::1]:4317', { address: '[::1]:4317', isPlain: false }],
    ['dns:///otel:4317', { address: 'otel:4317', isPlain: undefined }],
    ['unix:///run/x', { address: 'unix:/run/x', isPlain: undefined }],
    ['otel', undefined],
  ] as const)('%s is a target', ([endpoint, target]) => {
    expect(grpcTarget(endpoint)).toEqual(target);
  });
});

describe('HTTP', () => {
  async function posting(input: object) {
    const context = contextWithAuth();
    const config = parsed(httpBlock, { compression: 'none', ...input });
    const made = new HttpClient(config, context);
    await made.start();
    stops.push(() => made.close());
    const post = { body: new Uint8Array(3), type: 'a/b', readMessage: () => '', client };
    return (url: string) => made.post(new URL(url), post, never);
  }

  test.each([
    ['http://otel.example:4318/v1/traces', { auth: { authenticator: 'secret' } }, 1],
    ['http://10.0.0.7:4318', { headers: { Authorization: 'Basic x' } }, 1],
    ['https://otel.example:4318', { auth: { authenticator: 'secret' } }, 0],
    ['http://localhost:4318', { auth: { authenticator: 'secret' } }, 0],
    ['http://127.0.0.1:4318', { auth: { authenticator: 'secret' } }, 0],
    ['http://[::1]:4318', { headers: { authorization: 'Basic x' } }, 0],
    ['http://otel.example:4318', { auth: { authenticator: 'tenant' } }, 0],
  ] as const)(
    'to %s, given %o, warns of credentials in plain text: %i',
    async (url, input, count) => {
      const context = contextWithAuth();
      const warnings: string[] = [];
      const warn = (_: object, message: string) => void warnings.push(message);
      context.host.lend(clientAuthentication, 'secret', {
        authorize: async () => {},
        needsTls: true,
      });
      const logger = { ...silentLogger, warn };
      const made = new HttpClient(parsed(httpBlock, input), { ...context, logger });
      await made.start(new URL(url));
      made.close();
      expect(warnings).toHaveLength(count);
    },
  );

  test('goes through a proxy, which is told who asks', async () => {
    const seen: unknown[] = [];
    const proxy = createServer((request, response) => {
      const { host, 'x-tenant': tenant, 'proxy-authorization': auth } = request.headers;
      seen.push([request.url, host, tenant, auth]);
      request.resume();
      response.end();
    });
    const at = await port(proxy);
    const send = await posting({
      proxy_url: `http://ann:se%20cret@127.0.0.1:${at}`,
      auth: { authenticator: 'tenant' },
    });
    await send('http://traces.example:4318/v1/traces');
    const auth = `Basic ${Buffer.from('ann:se cret').toString('base64')}`;
    const url = 'http://traces.example:4318/v1/traces';
    expect(seen).toEqual([[url, 'traces.example:4318', 'blue', auth]]);
  });

  test('asks a proxy for a tunnel to speak TLS through', async () => {
    const asked: unknown[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url);
      if (asked.length === 1) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      // Whoever listens here speaks no TLS: what matters is that its bytes come through.
      const behind = connect(portOfProxy, '127.0.0.1');
      behind.on('error', () => {});
      socket.on('error', () => {});
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(behind).pipe(socket);
    });
    const portOfProxy = await port(proxy);
    const send = await posting({ proxy_url: `http://127.0.0.1:${portOfProxy}` });
    await expect(send('https://traces.example/v1/traces')).rejects.toThrow('proxy answered 407');
    await expect(send('https://traces.example/v1/traces')).rejects.toThrow(/SSL|TLS/i);
    expect(asked).toEqual(['traces.example:443', 'traces.example:443']);
  });

  test.for([
    [{ proxy_url: 'proxy:3128' }, 'expected a URL'],
    [{ cookies: { enabled: true } }, 'cookies are not kept'],
    [{ compression: 'br' }, 'expected one of'],
    [{ headers: { 'x:y': '1' } }, 'not the name of a header'],
    [{ headers: { authorization: 'Bearer t\n' } }, 'the end of a line'],
    [{ middlewares: [] }, 'middlewares'],
  ] as const)('%j is refused', ([input, message]) => {
    expect(() => parsed(httpBlock, input)).toThrow(message);
  });
});
