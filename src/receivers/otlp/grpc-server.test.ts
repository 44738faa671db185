import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Client, compressionAlgorithms, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { PipelineError } from '../../component/consumer.ts';
import { snappyFramedCompress } from '../../lib/compression/snappy-framed.ts';
import { snappyCompress } from '../../lib/compression/snappy.ts';
import { spansOf } from '../../model/trace/span.ts';
import { metric, REQUEST, type Running, SPANS, startReceiver } from './receiver.fixture.ts';

const never = new AbortController().signal;
const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

let running: Running | undefined;
const clients: { close(): void }[] = [];

async function start(options?: Parameters<typeof startReceiver>[0]): Promise<Running> {
  running = await startReceiver(options);
  return running;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await running?.receiver.stop?.(never);
  running = undefined;
});

const received = (server: Running) => server.traces.batches.flatMap(spansOf);
const bytes = (value: Uint8Array) => Buffer.from(value);

interface Called {
  readonly error: ServiceError | null;
  readonly answer: Buffer | undefined;
}

/** A unary call by the official client. */
function call(
  client: Client,
  path: string,
  body: Uint8Array,
  deadlineMs = 20_000,
): Promise<Called> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + deadlineMs };
    client.makeUnaryRequest(
      path,
      bytes,
      (answer: Buffer) => answer,
      body,
      options,
      (error, answer) => resolve({ error, answer }),
    );
  });
}

function official(server: Running, options: object = {}): Client {
  const client = new Client(server.grpc, credentials.createInsecure(), options);
  clients.push(client);
  return client;
}

function session(server: Running): ClientHttp2Session {
  const opened = connect(`http://${server.grpc}`);
  opened.on('error', () => {});
  clients.push(opened);
  return opened;
}

/** A length-prefixed message. */
function framed(body: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** A call by hand: the headers and trailers that came back, as one. */
function raw(
  client: ClientHttp2Session,
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    const stream = client.request({
      ':method': 'POST',
      ':path': TRACES,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const all: IncomingHttpHeaders = {};
    stream.on('response', (got) => Object.assign(all, got));
    stream.on('trailers', (got) => Object.assign(all, got));
    stream.on('close', () => resolve(all));
    stream.on('error', reject);
    stream.resume();
    stream.end(body);
  });
}

describe('accepts', () => {
  test('an export of the official client', async () => {
    const server = await start();
    const { error, answer } = await call(official(server), TRACES, REQUEST);
    expect(error).toBeNull();
    expect(answer).toHaveLength(0);
    expect(received(server)).toEqual(SPANS);
    expect(await metric(server, 'otelcol_receiver_accepted_spans_total')).toBe(SPANS.length);
  });

  test('gzip from the official client', async () => {
    const server = await start();
    const algorithm = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip };
    expect((await call(official(server, algorithm), TRACES, REQUEST)).error).toBeNull();
    expect(received(server)).toEqual(SPANS);
  });

  test('zstd, and a message that is plain in spite of an encoding', async () => {
    const server = await start();
    const client = session(server);
    const zstd = await raw(client, framed(zstdCompressSync(REQUEST), 1), {
      'grpc-encoding': 'zstd',
    });
    const plain = await raw(client, framed(REQUEST), { 'grpc-encoding': 'gzip' });
    expect([zstd['grpc-status'], plain['grpc-status']]).toEqual(['0', '0']);
    expect(received(server)).toEqual([...SPANS, ...SPANS]);
  });

  test.each([
    ['snappy', snappyFramedCompress],
    ['snappy', snappyCompress],
    ['deflate', deflateSync],
  ])('%s', async (encoding, compress) => {
    const server = await start();
    const answer = await raw(session(server), framed(compress(REQUEST), 1), {
      'grpc-encoding': encoding,
    });
    expect([answer['grpc-status'], answer['grpc-accept-encoding']]).toEqual([
      '0',
      'gzip,zstd,snappy,deflate',
    ]);
    expect(received(server)).toEqual(SPANS);
  });

  test('and remembers the sender when include_metadata is on', async () => {
    const server = await start({ grpc: { include_metadata: true } });
    await raw(session(server), framed(REQUEST), { 'x-tenant': 'blue', 'x-trace-bin': 'AA==' });
    const [batch] = server.traces.batches;
    expect(batch?.client?.address).toBe('127.0.0.1');
    expect(batch?.client?.metadata.get('x-tenant')).toEqual(['blue']);
    expect([...(batch?.client?.metadata.keys() ?? [])]).not.toContain('x-trace-bin');
    expect([...(batch?.client?.metadata.keys() ?? [])].join()).not.toContain(':');
  });

  test('a message in pieces of one byte', async () => {
    const server = await start();
    const client = session(server);
    const status = await new Promise((resolve) => {
      const stream = client.request({
        ':method': 'POST',
        ':path': TRACES,
        'content-type': 'application/grpc+proto',
      });
      stream.on('trailers', (trailers) => resolve(trailers['grpc-status']));
      stream.resume();
      for (const byte of framed(REQUEST).subarray(0, 300)) stream.write(Buffer.of(byte));
      stream.end(framed(REQUEST).subarray(300));
    });
    expect(status).toBe('0');
    expect(received(server)).toEqual(SPANS);
  });

  test('an empty request, without troubling the pipeline', async () => {
    const server = await start();
    expect((await call(official(server), TRACES, new Uint8Array(0))).error).toBeNull();
    expect(server.traces.batches).toHaveLength(0);
  });

  test('metrics, counted, though no pipeline takes them', async () => {
    const server = await start({ next: {} });
    const body = Uint8Array.of(0x0a, 8, 0x12, 6, 0x12, 4, 0x2a, 2, 0x0a, 0);
    expect((await call(official(server), METRICS, body)).error).toBeNull();
    expect(await metric(server, 'spoor_receiver_not_stored_items_total')).toBe(1);
  });

  test('a health check', async () => {
    const server = await start();
    const { answer } = await call(
      official(server),
      '/grpc.health.v1.Health/Check',
      new Uint8Array(0),
    );
    expect([...(answer ?? [])]).toEqual([0x08, 1]);
  });
});

describe('refuses', () => {
  test('a method it does not know, and traces nobody takes', async () => {
    const server = await start({ next: {} });
    const client = official(server);
    expect((await call(client, '/a.B/C', REQUEST)).error?.code).toBe(12);
    expect((await call(client, TRACES, REQUEST)).error?.code).toBe(12);
  });

  test('bytes that are no OTLP, naming the place in any language', async () => {
    const server = await start();
    const { error } = await call(official(server), TRACES, Uint8Array.of(0x0a, 0x7f));
    expect([error?.code, error?.details]).toEqual([3, expect.stringContaining('at byte 1')]);
  });

  test('a message over the limit, also when only decompression shows it, not to be sent again', async () => {
    const server = await start({ grpc: { max_recv_msg_size_mib: 0.001 } });
    const large = await call(official(server), TRACES, new Uint8Array(100_000));
    expect([large.error?.code, large.error?.metadata.get('grpc-status-details-bin')]).toEqual([
      8,
      [],
    ]);
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const bomb = await raw(session(server), framed(compress(new Uint8Array(100_000)), 1), {
        'grpc-encoding': encoding,
      });
      expect([bomb['grpc-status'], bomb['grpc-status-details-bin']]).toEqual(['8', undefined]);
    }
  });

  test('a 4 GB length without reserving it', async () => {
    const server = await start();
    const answer = await raw(session(server), Buffer.of(0, 0xff, 0xff, 0xff, 0xff, 1, 2));
    expect(answer['grpc-status']).toBe('8');
  });

  test.each<[string, Buffer, Record<string, string>, string]>([
    ['a message cut short', framed(REQUEST).subarray(0, 50), {}, '3'],
    ['no message at all', Buffer.alloc(0), {}, '3'],
    ['two messages', Buffer.concat([framed(REQUEST), framed(REQUEST)]), {}, '3'],
    ['compression it does not know', framed(REQUEST, 1), { 'grpc-encoding': 'br' }, '12'],
    ['compression without a name', framed(REQUEST, 1), {}, '3'],
    ['gzip that is none', framed(REQUEST, 1), { 'grpc-encoding': 'gzip' }, '3'],
    ['a time-out that is none', framed(REQUEST), { 'grpc-timeout': '5x' }, '3'],
  ])('%s', async (_, body, headers, status) => {
    const server = await start();
    const answer = await raw(session(server), body, headers);
    expect(answer['grpc-status']).toBe(status);
    expect(received(server)).toEqual([]);
  });

  test('what is no gRPC at all', async () => {
    const server = await start();
    const answer = await raw(session(server), Buffer.alloc(0), { 'content-type': 'text/plain' });
    expect(answer[':status']).toBe(415);
  });

  test('for now, with RetryInfo, what the pipeline may take later', async () => {
    const server = await start();
    server.traces.refuseWith = new PipelineError('overloaded', 'voll: größer', {
      retryable: true,
      retryAfterMs: 1500,
    });
    const { error } = await call(official(server), TRACES, REQUEST);
    expect([error?.code, error?.details]).toEqual([8, 'voll: größer']);
    const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
    const text = Buffer.from(details as Buffer);
    expect(text.toString('latin1')).toContain('type.googleapis.com/google.rpc.RetryInfo');
    // retry_delay { seconds: 1, nanos: 500000000 }
    expect(text.toString('hex')).toContain('0a0808011080cab5ee01');
    server.traces.refuseWith = new PipelineError('not_running', 'stopping', { retryable: true });
    expect((await call(official(server), TRACES, REQUEST)).error?.code).toBe(14);
    server.traces.refuseWith = new PipelineError('branch_failed', 'no');
    expect((await call(official(server), TRACES, REQUEST)).error?.code).toBe(13);
  });
});

test('a deadline that passes ends the call and tells the pipeline', async () => {
  const server = await start();
  const told = new Promise<void>((resolve) => {
    server.traces.consume = (_: unknown, signal?: AbortSignal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          resolve();
          reject(signal.reason);
        });
        server.context.clock.advance(2000);
      });
  });
  const answer = await raw(session(server), framed(REQUEST), { 'grpc-timeout': '1S' });
  expect(answer['grpc-status']).toBe('4');
  await told;
});

test('a client that cancels tells the pipeline, and the next call is served', async () => {
  const server = await start();
  const client = session(server);
  const told = new Promise<void>((resolve) => {
    server.traces.consume = (_: unknown, signal?: AbortSignal) => {
      signal?.addEventListener('abort', () => resolve());
      stream.close(8);
      return new Promise(() => {});
    };
  });
  const stream = client.request({
    ':method': 'POST',
    ':path': TRACES,
    'content-type': 'application/grpc',
  });
  stream.on('error', () => {});
  stream.end(framed(REQUEST));
  await told;
  server.traces.consume = async () => {};
  expect((await raw(client, framed(REQUEST)))['grpc-status']).toBe('0');
});

test('answers pings and widens both windows', async () => {
  const server = await start();
  const client = session(server);
  await new Promise((resolve) => client.once('connect', resolve));
  await new Promise<void>((resolve, reject) => {
    client.ping((error) => (error ? reject(error) : resolve()));
  });
  expect(client.remoteSettings.initialWindowSize).toBe(1024 * 1024);
  expect(client.state.remoteWindowSize).toBeGreaterThan(3 * 1024 * 1024);
});

test('stop says goodbye, lets calls under way finish and takes no more', async () => {
  const server = await start();
  let release: (() => void) | undefined;
  const begun = new Promise<void>((resolve) => {
    server.traces.consume = () =>
      new Promise((done) => {
        release = done;
        resolve();
      });
  });
  const client = session(server);
  const goodbye = new Promise((resolve) => client.once('goaway', resolve));
  const answer = raw(client, framed(REQUEST));
  await begun;
  const stopped = server.receiver.stop?.(never);
  await goodbye;
  release?.();
  expect((await answer)['grpc-status']).toBe('0');
  await stopped;
});

test('stop cuts calls that outlast the deadline', async () => {
  const server = await start();
  const begun = new Promise<void>((resolve) => {
    server.traces.consume = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  const answer = raw(session(server), framed(REQUEST)).catch(() => 'cut');
  await begun;
  const deadline = new AbortController();
  const stopped = server.receiver.stop?.(deadline.signal);
  deadline.abort();
  await stopped;
  await answer;
});
