/** A Collector's configuration that was written elsewhere runs as it stands: only addresses are
 *  changed, to free ports and to peers that the test can look into, and the wait for a decision is
 *  shorter. */
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { spansOf, type Span } from '../../src/model/trace/span.ts';
import { startReceiver } from '../../src/receivers/otlp/receiver.fixture.ts';
import { spoor, SpoorProcess } from '../cli/spoor-process.ts';
import {
  eventually,
  sendOrders,
  sendTraces,
  SPANS_PER_TRACE,
  text,
  traceIdOf,
  type TraceLook,
} from './traffic.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/pipeline/${name}.yaml`, import.meta.url));
const outside = fixture('outside');
const privacy = fixture('outside-privacy');
const never = new AbortController().signal;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map(async (close) => close()));
});

const freePorts = [
  'receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0',
  'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
  'exporters.prometheus.endpoint=127.0.0.1:0',
  'service.telemetry.metrics.readers=' +
    '[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]',
];

function run(configs: readonly string[], sets: readonly string[]): SpoorProcess {
  const process = new SpoorProcess([
    ...configs.flatMap((config) => ['--config', config]),
    ...[...freePorts, ...sets].flatMap((set) => ['--set', set]),
  ]);
  closing.push(async () => process.end());
  return process;
}

/** A store that takes OTLP over gRPC, and what it was sent. */
async function peer() {
  const running = await startReceiver();
  closing.push(async () => running.receiver.stop?.(never));
  return {
    address: running.grpc,
    spans: (): Span[] => running.traces.batches.flatMap((batch) => spansOf(batch)),
  };
}

function byTrace(spans: readonly Span[]): Map<string, Span[]> {
  return Map.groupBy(spans, ({ traceId }) => traceId);
}

const decisionWait = 'processors.tail_sampling.decision_wait=1s';
const httpOf = async (process: SpoorProcess) => {
  const address = await process.address('OTLP/HTTP');
  return address.startsWith('http') ? address : `http://${address}`;
};

test('is valid without a change', async () => {
  const { code, stdout, stderr } = await spoor(['validate', '--config', outside]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^traces: .*\n.*metrics: /s);
});

test('keeps every error and every slow trace whole, and a tenth of the rest', async () => {
  const jaeger = await peer();
  const process = run(
    [outside],
    [`exporters.otlp/jaeger.endpoint=${jaeger.address}`, decisionWait],
  );
  const http = await httpOf(process);
  const traces = Array.from({ length: 1200 }, (_, number): TraceLook => ({
    number,
    isError: number % 60 === 0,
    isSlow: number % 60 === 1,
  }));
  for (let from = 0; from < traces.length; from += 100) {
    await sendTraces(http, traces.slice(from, from + 100));
  }
  await sendOrders(http, 42n);
  const mustCome = traces.filter(({ isError, isSlow }) => isError || isSlow);
  await eventually(
    () => byTrace(jaeger.spans()),
    (come) => mustCome.every(({ number }) => come.has(traceIdOf(number))),
  );

  const metrics = await process.address('prometheus');
  const scraped = await eventually(
    async () => (await fetch(metrics)).text(),
    (body) => body.includes('orders_total{'),
  );
  expect(scraped).toMatch(/^orders_total{job="shop",.*shop_kind="toys"} 42$/m);

  process.kill('SIGTERM');
  expect((await process.finished).code).toBe(0);
  const come = byTrace(jaeger.spans());
  for (const [traceId, spans] of come) {
    expect(spans.length, traceId).toBe(SPANS_PER_TRACE);
    for (const span of spans) {
      expect(span.attributes).toContainEqual(text('environment', 'production'));
    }
  }
  const rest = come.size - mustCome.length;
  const share = rest / (traces.length - mustCome.length);
  // 1160 traces: four standard deviations are 3.5 %.
  expect(share).toBeGreaterThan(0.065);
  expect(share).toBeLessThan(0.135);
});

test('what is deleted and what is hashed does not leave, to either store', async () => {
  const stores = [await peer(), await peer()] as const;
  const process = run(
    [outside, privacy],
    [
      `exporters.otlp/jaeger.endpoint=${stores[0].address}`,
      `exporters.otlp/tempo.endpoint=${stores[1].address}`,
      decisionWait,
    ],
  );
  const secrets = ['Bearer s3cret-token', "SELECT 'card 4111'", 'ada@example.org'] as const;
  const attributes = [
    text('http.request.header.authorization', secrets[0]),
    text('db.statement', secrets[1]),
    text('user.email', secrets[2]),
    text('kept', 'yes'),
  ];
  await sendTraces(await httpOf(process), [{ number: 1, isError: true, attributes }]);
  for (const store of stores) {
    const spans = await eventually(store.spans, ({ length }) => length === SPANS_PER_TRACE);
    for (const span of spans) {
      const keys = span.attributes.map(({ key }) => key).toSorted();
      expect(keys).toEqual(['db.statement', 'kept']);
      const statement = span.attributes.find(({ key }) => key === 'db.statement')?.value;
      expect(statement).toEqual({
        type: 'string',
        value: expect.stringMatching(/^[0-9a-f]{40,}$/),
      });
    }
    const wire = JSON.stringify(spans, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    for (const secret of secrets) expect(wire).not.toContain(secret);
  }
});

test('stores that cannot be reached are tried again and reported, and nothing dies', async () => {
  const process = run([outside], [decisionWait]);
  await sendTraces(await httpOf(process), [{ number: 1, isError: true }]);
  await process.until(
    () => /otlp\/jaeger/.test(process.stderr) && /retr|again/i.test(process.stderr),
  );
  // It still takes data.
  await sendTraces(await httpOf(process), [{ number: 2, isError: true }]);
  process.kill('SIGTERM');
  expect((await process.finished).code).toBe(0);
});
