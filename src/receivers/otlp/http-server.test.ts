import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { PipelineError } from '../../component/consumer.ts';
import { lz4FrameCompress } from '../../lib/compression/lz4-frame.ts';
import { snappyFramedCompress } from '../../lib/compression/snappy-framed.ts';
import { snappyCompress } from '../../lib/compression/snappy.ts';
import { spansOf } from '../../model/trace/span.ts';
import { OtlpConfig } from './config.ts';
import {
  metric,
  REQUEST,
  REQUEST_JSON,
  type Running,
  SPANS,
  startReceiver,
} from './receiver.fixture.ts';

const never = new AbortController().signal;
let running: Running | undefined;

async function start(options?: Parameters<typeof startReceiver>[0]): Promise<Running> {
  running = await startReceiver(options);
  return running;
}

afterEach(async () => {
  await running?.receiver.stop?.(never);
  running = undefined;
});

interface Post {
  readonly path?: string;
  readonly type?: string;
  readonly encoding?: string;
  readonly body?: Uint8Array | string;
}

function post(
  { http }: Running,
  { path = '/v1/traces', type, encoding, body = REQUEST }: Post = {},
) {
  return fetch(http + path, {
    method: 'POST',
    headers: {
      'content-type': type ?? 'application/x-protobuf',
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    },
    body: typeof body === 'string' ? body : Buffer.from(body),
  });
}

const received = (server: Running) => server.traces.batches.flatMap(spansOf);

describe('accepts', () => {
  test.each<[string, string | undefined, Uint8Array]>([
    ['identity', undefined, REQUEST],
    ['identity by name', 'identity', REQUEST],
    ['gzip', 'gzip', gzipSync(REQUEST)],
    ['deflate', 'deflate', deflateSync(REQUEST)],
    ['zstd', 'zstd', zstdCompressSync(REQUEST)],
    ['zlib', 'zlib', deflateSync(REQUEST)],
    ['snappy', 'snappy', snappyCompress(REQUEST)],
    ['snappy that is framed', 'snappy', snappyFramedCompress(REQUEST)],
    ['framed snappy', 'x-snappy-framed', snappyFramedCompress(REQUEST)],
    ['lz4', 'lz4', lz4FrameCompress(REQUEST)],
  ])('protobuf, %s', async (_, encoding, body) => {
    const server = await start();
    const response = await post(server, { body, ...(encoding === undefined ? {} : { encoding }) });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/x-protobuf');
    expect((await response.arrayBuffer()).byteLength).toBe(0);
    expect(received(server)).toEqual(SPANS);
    expect(await metric(server, 'otelcol_receiver_accepted_spans_total')).toBe(SPANS.length);
  });

  test('JSON, with parameters behind the type', async () => {
    const server = await start();
    const type = 'application/json; charset=utf-8';
    const response = await post(server, { type, body: REQUEST_JSON });
    expect([response.status, await response.text()]).toEqual([200, '{}']);
    expect(received(server)).toEqual(SPANS);
  });

  test('an empty request, without troubling the pipeline', async () => {
    const server = await start();
    expect((await post(server, { body: '' })).status).toBe(200);
    expect(server.traces.batches).toHaveLength(0);
  });

  test('a chunked body, and a second request on the same connection', async () => {
    const server = await start();
    const socket = connect(Number(new URL(server.http).port), '127.0.0.1');
    const answers = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (piece) => {
        text += piece.toString('latin1');
        if (text.split('HTTP/1.1 200').length === 3) resolve(text);
      });
    });
    const head = `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n`;
    for (let i = 0; i < 2; i++) {
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      for (let at = 0; at < REQUEST.length; at += 1000) {
        const piece = REQUEST.subarray(at, at + 1000);
        socket.write(`${piece.length.toString(16)}\r\n`);
        socket.write(piece);
        socket.write('\r\n');
      }
      socket.write('0\r\n\r\n');
    }
    await answers;
    socket.destroy();
    expect(received(server)).toEqual([...SPANS, ...SPANS]);
  });

  test('metrics and logs, counted, though no pipeline takes them', async () => {
    const server = await start({ next: {} });
    const metrics =
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","sum":{"dataPoints":[{"asInt":"1"},{"asDouble":2}]}}]}]}]}';
    const type = 'application/json';
    expect((await post(server, { path: '/v1/metrics', type, body: metrics })).status).toBe(200);
    const logs = Uint8Array.of(0x0a, 4, 0x12, 2, 0x12, 0);
    expect((await post(server, { path: '/v1/logs', body: logs })).status).toBe(200);
    expect(await metric(server, 'spoor_receiver_not_stored_items_total')).toBe(3);
  });

  test('metrics for a pipeline as protobuf, whatever they came in', async () => {
    const server = await start();
    const body =
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}]}}]}]}]}';
    await post(server, { path: '/v1/metrics', type: 'application/json', body });
    expect(server.metrics.batches.map(({ count, signal }) => [count, signal])).toEqual([
      [1, 'metrics'],
    ]);
  });
});

describe('refuses', () => {
  test('another method, another type and another path in plain text', async () => {
    const server = await start();
    const get = await fetch(`${server.http}/v1/traces`);
    const xml = await post(server, { type: 'text/xml' });
    const lost = await post(server, { path: '/v2/traces' });
    expect([get.status, xml.status, lost.status]).toEqual([405, 415, 404]);
    expect(get.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(get.headers.get('allow')).toBe('POST');
  });

  test.each([
    // A log record whose trace id has three bytes, and a gauge whose point ends too early.
    ['/v1/logs', '0a09120712054a03010203', /id of 3 bytes/],
    ['/v1/metrics', '0a0a120812062a040a021902', /cut short/],
  ])(
    '%s that are malformed deep inside, before anybody is told yes',
    async (path, hex, message) => {
      const server = await start();
      const answer = await post(server, { path, body: Buffer.from(hex, 'hex') });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toMatch(message);
      expect(server.metrics.batches).toEqual([]);
    },
  );

  test('bytes that are no OTLP, with a Status in the encoding of the request', async () => {
    const server = await start();
    const proto = await post(server, { body: Uint8Array.of(0x0a, 0x7f) });
    expect([proto.status, proto.headers.get('content-type')]).toEqual([
      400,
      'application/x-protobuf',
    ]);
    const bytes = Buffer.from(await proto.arrayBuffer());
    expect([...bytes.subarray(0, 2)]).toEqual([0x08, 3]);
    expect(bytes.toString()).toContain('at byte 1');
    const json = await post(server, { type: 'application/json', body: '{"resourceSpans":1}' });
    expect(json.status).toBe(400);
    expect(await json.json()).toMatchObject({ code: 3, message: /expected a list at byte 17/ });
    expect(received(server)).toEqual([]);
  });

  test('compression it does not know or that is broken', async () => {
    const server = await start();
    const unknown = await post(server, { encoding: 'br' });
    const broken = await post(server, { encoding: 'gzip' });
    expect([unknown.status, broken.status]).toEqual([400, 400]);
  });

  test('a body larger than the limit: announced, chunked or decompressed', async () => {
    const server = await start({ http: { max_request_body_size: 1000 } });
    const announced = await post(server, { body: new Uint8Array(2000) });
    const bomb = await post(server, { body: gzipSync(new Uint8Array(100_000)), encoding: 'gzip' });
    const chunked = await fetch(`${server.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Blob([new Uint8Array(5000)]).stream(),
      duplex: 'half',
    });
    expect([announced.status, bomb.status, chunked.status]).toEqual([413, 413, 413]);
  });

  test('what does not fit into the bytes in flight, with Retry-After', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isHeld = () => {};
    const arrived = new Promise<void>((resolve) => {
      isHeld = resolve;
    });
    const traces = {
      consume: async () => {
        isHeld();
        await held;
      },
    };
    const server = await start({ inFlight: REQUEST.length + 10, next: { traces } });
    const first = post(server);
    await arrived;
    const second = await post(server);
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    release();
    expect((await first).status).toBe(200);
    expect((await post(server)).status).toBe(200);
  });

  test('what the pipeline refuses: retryably with Retry-After, for good with 500', async () => {
    const server = await start();
    server.traces.refuseWith = new PipelineError('overloaded', 'full', {
      retryable: true,
      retryAfterMs: 2500,
    });
    const full = await post(server, { type: 'application/json', body: REQUEST_JSON });
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '3']);
    expect(await full.json()).toMatchObject({ code: 8, message: 'full' });
    server.traces.refuseWith = new PipelineError('branch_failed', 'no');
    const final = await post(server);
    expect([final.status, final.headers.get('retry-after')]).toEqual([500, null]);
    server.traces.refuseWith = new Error('a secret of ours');
    const unforeseen = await post(server);
    expect(unforeseen.status).toBe(503);
    expect(await unforeseen.text()).not.toContain('secret');
    expect(await metric(server, 'otelcol_receiver_refused_spans_total')).toBe(SPANS.length * 3);
  });
});

test('a client that goes away frees what its request held', async () => {
  const server = await start({ inFlight: REQUEST.length + 10 });
  const { port } = new URL(server.http);
  await new Promise<void>((resolve) => {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/v1/traces',
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-length': REQUEST.length },
    });
    request.on('error', () => {});
    request.on('close', resolve);
    request.write(REQUEST.subarray(0, 10), () => request.destroy());
  });
  for (let tries = 0; tries < 200; tries++) {
    if ((await post(server)).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the share of the lost request was never given back');
});

test('stop lets a request under way finish', async () => {
  const server = await start();
  let release = () => {};
  server.traces.consume = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  const answer = post(server);
  while (release.toString() === '() => {}') await new Promise((resolve) => setTimeout(resolve, 5));
  const stopped = server.receiver.stop?.(never);
  release();
  expect((await answer).status).toBe(200);
  await stopped;
});

describe('CORS', () => {
  const preflight = (server: Running, origin: string, headers = 'content-type,x-key') =>
    fetch(`${server.http}/v1/traces`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': headers,
      },
    });

  test('permits the origins named, with what they ask for', async () => {
    const server = await start({
      http: {
        cors: {
          allowed_origins: ['https://*.example.com'],
          allowed_headers: ['X-Key'],
          max_age: 60,
        },
      },
    });
    const good = await preflight(server, 'https://shop.example.com');
    expect(good.status).toBe(204);
    expect(good.headers.get('access-control-allow-origin')).toBe('https://shop.example.com');
    expect(good.headers.get('access-control-allow-headers')).toBe('content-type, x-key');
    expect(good.headers.get('access-control-max-age')).toBe('60');
    const bad = await preflight(server, 'https://example.org');
    expect(bad.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('is off unless configured', async () => {
    const server = await start();
    const response = await preflight(server, 'https://example.com');
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
      405,
      null,
    ]);
  });
});

describe('compression', () => {
  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
    ['snappy', snappyCompress],
    ['x-snappy-framed', snappyFramedCompress],
    ['lz4', lz4FrameCompress],
  ])('of %s that would become too large stops at the limit', async (encoding, compress) => {
    const server = await start({ http: { max_request_body_size: 50_000 } });
    const bomb = compress(new Uint8Array(1_000_000));
    expect((await post(server, { body: bomb.subarray(0, 50_000), encoding })).status).toBe(413);
  });

  test('is refused when it is not in the list, as is none', async () => {
    const server = await start({ http: { compression_algorithms: ['zstd'] } });
    const body = zstdCompressSync(REQUEST);
    expect((await post(server, { body, encoding: 'zstd' })).status).toBe(200);
    expect((await post(server, { body: gzipSync(REQUEST), encoding: 'gzip' })).status).toBe(400);
    expect((await post(server)).status).toBe(400);
  });
});

describe('the sender', () => {
  test('is forgotten unless include_metadata is on', async () => {
    const server = await start();
    await post(server);
    expect(server.traces.batches.map(({ client }) => client)).toEqual([undefined]);
  });

  test('travels with spans and metrics, headers in lower case', async () => {
    const server = await start({ http: { include_metadata: true } });
    await fetch(`${server.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'X-Tenant': 'blue' },
      body: Buffer.from(REQUEST),
    });
    const [batch] = server.traces.batches;
    expect(batch?.client?.address).toMatch(/127\.0\.0\.1$|^::1$/);
    expect(batch?.client?.metadata.get('x-tenant')).toEqual(['blue']);
    expect(batch?.client?.auth.size).toBe(0);
  });
});

describe('configuration', () => {
  const problems = (protocols: object) => OtlpConfig.safeParse({ protocols }).error?.issues ?? [];

  test('needs a protocol', () => {
    expect(problems({})[0]?.message).toBe('name grpc, http or both');
    expect(problems({ http: { enabled: false } })[0]?.message).toBe('name grpc, http or both');
  });

  test('refuses keys it does not know', () => {
    expect(problems({ http: { endpont: 'x' } })[0]?.code).toBe('unrecognized_keys');
    expect(problems({ grpc: { tsl: {} } })[0]?.code).toBe('unrecognized_keys');
    expect(problems({ thrift: {} })[0]?.code).toBe('unrecognized_keys');
  });
});
