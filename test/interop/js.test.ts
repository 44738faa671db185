/** The OpenTelemetry JS SDK sends one trace with everything a span can carry, over each of the
 *  three transports, and Spoor gives it back whole. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { spanOf, type Span } from './jaeger.ts';
import { here } from './parts.ts';
import { Program } from './program.ts';
import { Spoor, type Protocol } from './spoor.ts';

let spoor: Spoor;

beforeAll(async () => {
  spoor = await Spoor.start();
});

afterAll(() => spoor.stop());

type Transport = { readonly protocol: Protocol; readonly compression: 'none' | 'gzip' };

async function sendFrom(service: string, { protocol, compression }: Transport) {
  const program = new Program(process.execPath, {
    args: [`${here}js/client.mjs`],
    env: {
      ...spoor.otelEnv({ service, protocol }),
      OTEL_EXPORTER_OTLP_COMPRESSION: compression,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=interop',
    },
  });
  const output = await program.ends();
  expect(output).not.toMatch(/error|failed/i);
  return program.says(/trace ([0-9a-f]{32})/);
}

function checkRoot(root: Span): void {
  expect(root).toMatchObject({ kind: 'server', parentId: undefined });
  expect(root.tags).toMatchObject({
    'text.value': 'grüße 안녕',
    'int.value': 42,
    'double.value': 0.25,
    'bool.value': true,
    'otel.scope.name': 'interop-js',
    'otel.scope.version': '1.2.3',
    'otel.status_code': 'OK',
  });
  expect(JSON.parse(String(root.tags['array.value']))).toEqual(['a', 'b']);
  expect(root.types).toMatchObject({
    'int.value': 'int64',
    'double.value': 'float64',
    'bool.value': 'bool',
  });
  expect(root.resource).toMatchObject({
    'deployment.environment.name': 'interop',
    'telemetry.sdk.language': 'nodejs',
  });
}

const transports: readonly Transport[] = [
  { protocol: 'grpc', compression: 'none' },
  { protocol: 'grpc', compression: 'gzip' },
  { protocol: 'http/protobuf', compression: 'none' },
  { protocol: 'http/protobuf', compression: 'gzip' },
  { protocol: 'http/json', compression: 'none' },
  { protocol: 'http/json', compression: 'gzip' },
];

test.for(transports)('JS SDK over $protocol, compression $compression', async (transport) => {
  const service = `js-${transport.protocol.replace('/', '-')}-${transport.compression}`;
  const traceId = await sendFrom(service, transport);

  const spans = await spoor.api.trace(traceId, (all) => all.length >= 5);
  expect(spans).toHaveLength(5);
  const [root, send, receive, call, think] = [
    'place order',
    'send',
    'receive',
    'call',
    'think',
  ].map((name) => spanOf(spans, service, name)) as [Span, Span, Span, Span, Span];

  checkRoot(root);
  expect(send).toMatchObject({ kind: 'producer', parentId: root.spanId });
  expect(receive).toMatchObject({ kind: 'consumer', parentId: root.spanId, links: [send.spanId] });
  expect(receive.events).toEqual([expect.objectContaining({ event: 'unpacked', 'item.count': 3 })]);
  expect(call).toMatchObject({ kind: 'client', parentId: root.spanId });
  expect(call.tags).toMatchObject({
    error: true,
    'otel.status_code': 'ERROR',
    'otel.status_description': 'no such item',
  });
  expect(call.events).toEqual([
    expect.objectContaining({ event: 'exception', 'exception.type': 'TypeError' }),
  ]);
  expect(think).toMatchObject({ kind: 'internal', parentId: call.spanId });

  const found = await spoor.api.spansOf(service, (all) => all.length >= 5);
  expect(new Set(found.map((span) => span.traceId))).toEqual(new Set([traceId]));
  expect(await spoor.api.otlp(traceId)).toMatchObject({
    result: { resourceSpans: expect.any(Array) },
  });
});
