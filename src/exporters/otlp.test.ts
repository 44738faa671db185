import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { PipelineError, type Batch } from '../component/consumer.ts';
import { messagesOfBytes } from '../component/message-batch.ts';
import type { ExporterDefinition } from '../component/define.ts';
import { testContext } from '../component/testbed.ts';
import { decode } from '../config/decode.ts';
import { batchOf, spansOf } from '../model/trace/span.ts';
import { type Running, SPANS, startReceiver } from '../receivers/otlp/receiver.fixture.ts';
import { component as otlpGrpc } from './otlp-grpc/exporter.ts';
import { component as otlpHttp } from './otlp-http/exporter.ts';

const never = new AbortController().signal;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function receiver(options: Parameters<typeof startReceiver>[0] = {}): Promise<Running> {
  const running = await startReceiver(options);
  closing.push(async () => running.receiver.stop?.(never));
  return running;
}

async function exporter(
  definition: ExporterDefinition,
  settings: object,
  signal: 'traces' | 'metrics' = 'traces',
) {
  const { value, problems } = decode(definition.config, settings);
  expect(problems).toEqual([]);
  const made = definition.create({ ...testContext(value), signal });
  await made.start?.(never);
  closing.push(async () => made.stop?.(never));
  return (batch: Batch) => made.consume(batch, never);
}

const batch = batchOf('default', SPANS);
const metrics = messagesOfBytes({
  signal: 'metrics',
  count: 0,
  tenant: 'default',
  bytes: new Uint8Array(0),
});
const byId = (batches: readonly Batch[]) =>
  batches
    .flatMap((one) => ('signal' in one ? [] : spansOf(one)))
    .toSorted((a, b) => a.spanId.localeCompare(b.spanId));

describe('what is sent arrives span by span', () => {
  test.each(['gzip', 'zstd', 'snappy', 'none', ''])(
    'over gRPC, compression %s',
    async (compression) => {
      const peer = await receiver();
      const send = await exporter(otlpGrpc, {
        endpoint: peer.grpc,
        tls: { insecure: true },
        compression,
      });
      await send(batch);
      expect(byId(peer.traces.batches)).toEqual(byId([batch]));
    },
  );

  test.each([
    ['proto', 'gzip'],
    ['proto', 'zstd'],
    ['proto', 'deflate'],
    ['proto', 'zlib'],
    ['proto', 'snappy'],
    ['proto', 'x-snappy-framed'],
    ['proto', 'lz4'],
    ['json', 'gzip'],
    ['json', 'none'],
  ])('over HTTP as %s, compression %s', async (encoding, compression) => {
    const peer = await receiver();
    const send = await exporter(otlpHttp, { endpoint: peer.http, encoding, compression });
    await send(batch);
    expect(byId(peer.traces.batches)).toEqual(byId([batch]));
  });

  test('metrics go through both as they came', async () => {
    const peer = await receiver();
    await (
      await exporter(otlpGrpc, { endpoint: `http://${peer.grpc}` }, 'metrics')
    )(metrics);
    await (
      await exporter(otlpHttp, { endpoint: peer.http }, 'metrics')
    )(metrics);
  });
});

describe('a refusal says whether to try again', () => {
  const refusing = (error: Error) => ({
    consume: async (): Promise<void> => {
      throw error;
    },
  });
  const full = new PipelineError('overloaded', 'full', { retryable: true, retryAfterMs: 7000 });
  const bad = new PipelineError('bad_settings', 'never', { retryable: false });

  test.each([
    ['gRPC', otlpGrpc, ({ grpc }: Running) => ({ endpoint: grpc, tls: { insecure: true } })],
    ['HTTP', otlpHttp, ({ http }: Running) => ({ endpoint: http })],
  ] as const)('%s', async (_, definition, settings) => {
    const busy = await receiver({ next: { traces: refusing(full) } });
    await expect((await exporter(definition, settings(busy)))(batch)).rejects.toMatchObject({
      code: 'busy',
      retryable: true,
      retryAfterMs: 7000,
    });
    const never_ = await receiver({ next: { traces: refusing(bad) } });
    await expect((await exporter(definition, settings(never_)))(batch)).rejects.toMatchObject({
      code: 'rejected',
      retryable: false,
      message: expect.stringContaining('never'),
    });
  });

  test.each([
    ['gRPC', otlpGrpc, { endpoint: 'localhost:1', tls: { insecure: true } }],
    ['gRPC', otlpGrpc, { endpoint: 'no-such-host.invalid:4317', tls: { insecure: true } }],
    ['HTTP', otlpHttp, { endpoint: 'http://localhost:1' }],
    ['HTTP', otlpHttp, { endpoint: 'http://no-such-host.invalid:4318' }],
  ] as const)('a peer that is not there is retryable: %s %o', async (_, definition, settings) => {
    await expect((await exporter(definition, settings))(batch)).rejects.toMatchObject({
      code: 'unreachable',
      retryable: true,
    });
  });
});

test('headers are sent, a Retry-After of a proxy is read, a body it cannot read does no harm', async () => {
  const seen: { headers: unknown; bytes: number }[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ headers: request.headers, bytes: gunzipSync(Buffer.concat(chunks)).length });
      response.writeHead(503, { 'retry-after': '3' }).end('<html>try later</html>');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => server.close());
  const { port } = server.address() as AddressInfo;
  const send = await exporter(otlpHttp, {
    endpoint: `http://127.0.0.1:${port}/base/`,
    headers: { 'x-tenant': 'a' },
  });
  await expect(send(batch)).rejects.toMatchObject({ retryable: true, retryAfterMs: 3000 });
  expect(seen[0]?.bytes).toBeGreaterThan(1000);
  expect(seen[0]?.headers).toMatchObject({
    'x-tenant': 'a',
    'content-type': 'application/x-protobuf',
  });
});

test.each([
  ['proto', Buffer.from([10, 6, 8, 2, 18, 2, 0x6e, 0x6f])],
  ['json', '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}'],
])(
  'what a destination refuses of a batch is told, and not tried again (%s)',
  async (encoding, answer) => {
    const server: Server = createServer((request, response) => {
      request.resume().on('end', () => response.end(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(async () => server.close());
    const { port } = server.address() as AddressInfo;
    const send = await exporter(otlpHttp, { endpoint: `http://127.0.0.1:${port}`, encoding });
    await expect(send(batch)).rejects.toMatchObject({
      code: 'partly_refused',
      retryable: false,
      items: 2,
      message: expect.stringContaining('no'),
    });
  },
);

test.each([
  [otlpGrpc, { endpoint: 'otel' }, 'host:port'],
  [otlpGrpc, { endpoint: 'otel:4317', tls: { ca_file: 'a', ca_pem: 'b' } }, 'not both'],
  [otlpGrpc, { endpoint: 'otel:4317', compression: 'lz4' }, 'compression'],
  [otlpHttp, {}, 'give endpoint'],
  [otlpHttp, { endpoint: 'otel:4318' }, 'expected a URL'],
  [
    otlpHttp,
    { endpoint: 'http://otel', compression: 'zstd', compression_params: { level: 23 } },
    'between 1 and 22',
  ],
  [
    otlpGrpc,
    { endpoint: 'a:1', compression: 'snappy', compression_params: { level: 1 } },
    'no levels',
  ],
  [otlpGrpc, { endpoint: 'a:1', tls: { cert_file: 'c' } }, 'key of the certificate'],
] as const)('settings that cannot work are refused: %#', (definition, settings, part) => {
  expect(JSON.stringify(decode(definition.config, settings).problems)).toContain(part);
});

test('a signal without a place to go is told when the pipeline is built', async () => {
  const { value } = decode(otlpHttp.config, { traces_endpoint: 'http://localhost:1/x' });
  expect(() => otlpHttp.create({ ...testContext(value), signal: 'logs' })).toThrow('logs');
});
