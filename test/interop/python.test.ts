/** Python: `opentelemetry-instrument` on a FastAPI application with SQLAlchemy and HTTPX, with the
 *  traces and the metrics exporters on. Spoor keeps the traces and accepts the metrics. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { spanOf } from './jaeger.ts';
import { python } from './parts.ts';
import { startOrders } from './programs.ts';
import { Spoor } from './spoor.ts';

let spoor: Spoor;

describe.skipIf(python.isMissing)(`opentelemetry-instrument on FastAPI${python.note}`, () => {
  beforeAll(async () => {
    spoor = await Spoor.start();
  });
  afterAll(() => spoor?.stop());

  test.for(['grpc', 'http/protobuf'] as const)('over %s', async (protocol) => {
    const service = `py-${protocol.replace('/', '-')}`;
    const transport = protocol === 'grpc' ? 'grpc' : 'http';
    const before = await spoor.metricPoints(transport);
    const orders = await startOrders(spoor, { service, protocol });
    try {
      const answer = await fetch(`${orders.url}/orders/tea`);
      expect(await answer.json()).toMatchObject({ item: 'tea', price: 7 });
      expect((await fetch(`${orders.url}/broken`)).status).toBe(500);
      await spoor.moreMetricPoints(before, transport);
    } finally {
      await orders.program.stop();
    }
    expect(orders.program.output).not.toMatch(/Failed to export|Exception while exporting/);

    const isThere = (name: string) => (span: { name: string; kind: unknown }) =>
      span.name === name && span.kind === 'server';
    const spans = await spoor.api.spansOf(
      service,
      (all) => all.some(isThere('GET /orders/{item}')) && all.some(isThere('GET /broken')),
    );

    const server = spanOf(spans, service, 'GET /orders/{item}');
    expect(server).toMatchObject({ kind: 'server', parentId: undefined });
    expect(server.tags).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/orders/{item}',
      'http.response.status_code': 200,
      'otel.scope.name': 'opentelemetry.instrumentation.fastapi',
    });
    expect(server.resource).toMatchObject({ 'telemetry.sdk.language': 'python' });

    const query = spanOf(spans, service, /^SELECT/);
    expect(query).toMatchObject({ kind: 'client', parentId: server.spanId });
    expect(query.tags).toMatchObject({
      'otel.scope.name': 'opentelemetry.instrumentation.sqlalchemy',
      'db.system.name': 'sqlite',
      'db.query.text': expect.stringContaining('SELECT price FROM item'),
    });

    const broken = spanOf(spans, service, 'GET /broken');
    expect(broken.tags).toMatchObject({ error: true, 'http.response.status_code': 500 });
    expect(broken.events).toEqual([
      expect.objectContaining({
        event: 'exception',
        'exception.type': 'RuntimeError',
        'exception.message': 'out of tea',
      }),
    ]);
  });
});
