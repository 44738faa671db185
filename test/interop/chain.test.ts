/** W3C context across three languages: a JS program asks a Python service, which asks a Java one.
 *  Three SDKs, three transports, one trace. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { spanOf } from './jaeger.ts';
import { here, jvm, python } from './parts.ts';
import { Program } from './program.ts';
import { startOrders, startShop, type Service } from './programs.ts';
import { Spoor } from './spoor.ts';

const isMissing = python.isMissing || jvm.isMissing;

describe.skipIf(isMissing)(`JS, Python and Java in one trace${python.note}${jvm.note}`, () => {
  let spoor: Spoor;
  let shop: Service;
  let orders: Service;

  beforeAll(async () => {
    spoor = await Spoor.start();
    const env = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    shop = await startShop(spoor, { service: 'chain-java', protocol: 'http/protobuf', env });
    orders = await startOrders(spoor, {
      service: 'chain-python',
      protocol: 'grpc',
      env: { NEXT_URL: shop.url },
    });
  });

  afterAll(async () => {
    await Promise.all([orders?.program.stop(), shop?.program.stop()]);
    await spoor?.stop();
  });

  test('every span has its caller for a parent', async () => {
    const caller = new Program(process.execPath, {
      args: [
        '--require',
        '@opentelemetry/auto-instrumentations-node/register',
        `${here}js/caller.mjs`,
        `${orders.url}/orders/tea`,
      ],
      env: {
        ...spoor.otelEnv({ service: 'chain-js', protocol: 'http/json' }),
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_NODE_RESOURCE_DETECTORS: 'env',
      },
    });
    const output = await caller.ends();
    expect(output).toContain('answer 200 {"item":"tea","price":7,"stock":{');
    const traceId = await caller.says(/trace ([0-9a-f]{32})/);

    // journey, fetch | server, connect, query, httpx, two ASGI sends | server
    const spans = await spoor.api.trace(traceId, (all) => all.length >= 9);
    const journey = spanOf(spans, 'chain-js', 'journey');
    const ask = spanOf(spans, 'chain-js', 'GET');
    const order = spanOf(spans, 'chain-python', 'GET /orders/{item}');
    const askStock = spanOf(spans, 'chain-python', 'GET');
    const stock = spanOf(spans, 'chain-java', 'GET /stock/{item}');
    expect(
      [journey, ask, order, askStock, stock].map((span) => [span.parentId, span.kind]),
    ).toEqual([
      [undefined, 'internal'],
      [journey.spanId, 'client'],
      [ask.spanId, 'server'],
      [order.spanId, 'client'],
      [askStock.spanId, 'server'],
    ]);
    expect(new Set(spans.map((span) => span.resource['telemetry.sdk.language']))).toEqual(
      new Set(['nodejs', 'python', 'java']),
    );
  });
});
