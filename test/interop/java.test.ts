/** Java, both ways: the Spring Boot starter with `parentbased_traceidratio`, and the javaagent on a
 *  plain program that has never heard of tracing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { spanOf, type Span } from './jaeger.ts';
import { jvm } from './parts.ts';
import { startPlain, startShop } from './programs.ts';
import { Spoor } from './spoor.ts';

const ROOTS = 60;
const CHILDREN = 8;

/** A traceparent whose trace id has the given last 14 hex digits, which the ratio looks at. */
function traceparent(index: number, tail: string, flags: '00' | '01'): string {
  const head = (0xabc000 + index).toString(16).padStart(18, '1');
  return `00-${head}${tail}-00f067aa0ba902b7-${flags}`;
}

async function getEach(url: string, parents: readonly string[]): Promise<void> {
  for (const parent of parents) {
    await (await fetch(url, { headers: { traceparent: parent } })).text();
  }
}

describe.skipIf(jvm.isMissing)(`Java${jvm.note}`, () => {
  let spoor: Spoor;
  beforeAll(async () => {
    spoor = await Spoor.start();
  });
  afterAll(() => spoor?.stop());

  test('Spring Boot starter with parentbased_traceidratio, over http/protobuf', async () => {
    const service = 'java-shop';
    const sampler = {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    };
    const shop = await startShop(spoor, { service, protocol: 'http/protobuf', env: sampler });
    // Not even the ratio would take the first kind, and it would take every one of the second.
    const sampled = Array.from({ length: CHILDREN }, (_, i) =>
      traceparent(i, 'ffffffffffffff', '01'),
    );
    const unsampled = Array.from({ length: CHILDREN }, (_, i) =>
      traceparent(i, '00000000000001', '00'),
    );
    try {
      for (let i = 0; i < ROOTS; i++) await (await fetch(`${shop.url}/stock/tea`)).text();
      await getEach(`${shop.url}/stock/rice`, unsampled);
      await getEach(`${shop.url}/stock/salt`, sampled);
    } finally {
      await shop.program.stop();
    }
    const isChild = ({ parentId }: Span): boolean => parentId === '00f067aa0ba902b7';
    const spans = await spoor.api.spansOf(service, (all) => all.filter(isChild).length >= CHILDREN);

    const children = spans.filter(isChild);
    expect(new Set(children.map((span) => span.traceId))).toEqual(
      new Set(sampled.map((header) => header.split('-')[1])),
    );
    expect(children).toHaveLength(CHILDREN);
    const roots = spans.filter((span) => span.parentId === undefined);
    // Of 60 fair coins fewer than 10 or more than 50 heads come up once in 10 million runs.
    expect(roots.length).toBeGreaterThan(10);
    expect(roots.length).toBeLessThan(50);
    expect(spans).toHaveLength(children.length + roots.length);
    expect(spanOf(spans, service, 'GET /stock/{item}')).toMatchObject({ kind: 'server' });
    expect(spans[0]?.tags).toMatchObject({
      'http.route': '/stock/{item}',
      'http.response.status_code': 200,
    });
    expect(spans[0]?.resource).toMatchObject({
      'telemetry.distro.name': 'opentelemetry-spring-boot-starter',
    });
  });

  test('javaagent on a plain program, over grpc', async () => {
    const service = 'java-plain';
    const plain = await startPlain(spoor, { service, protocol: 'grpc' });
    try {
      expect(await (await fetch(`${plain.url}/outer`)).text()).toBe('inner');
    } finally {
      await plain.program.stop();
    }
    expect(plain.program.output).not.toMatch(/Failed to export/);
    const spans = await spoor.api.spansOf(service, (all) => all.length >= 3);

    const outer = spanOf(spans, service, 'GET /outer');
    const call = spanOf(spans, service, 'GET');
    const inner = spanOf(spans, service, 'GET /inner');
    expect(outer).toMatchObject({ kind: 'server', parentId: undefined });
    expect(call).toMatchObject({ kind: 'client', parentId: outer.spanId });
    expect(inner).toMatchObject({ kind: 'server', parentId: call.spanId });
    expect(call.tags).toMatchObject({
      'url.full': `${plain.url}/inner`,
      'http.response.status_code': 200,
      'otel.scope.name': 'io.opentelemetry.java-http-client',
    });
    expect(outer.resource).toMatchObject({
      'telemetry.distro.name': 'opentelemetry-java-instrumentation',
    });
  });
});
