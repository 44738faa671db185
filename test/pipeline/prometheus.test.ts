/** A real Prometheus scrapes what came in over OTLP, and its query API answers the value. Where
 *  there is none, the tests are counted as skipped. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SpoorProcess } from '../cli/spoor-process.ts';
import { hasPrometheus } from './setup.mjs';
import { eventually, sendOrders, sendTraces } from './traffic.ts';

const isMissing = process.env['CI'] !== 'true' && !hasPrometheus();
const note = isMissing ? ' (needs the Debian package prometheus)' : '';

const configuration = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
connectors:
  spanmetrics: {metrics_flush_interval: 200ms, exemplars: {enabled: true}}
  spanmetrics/exponential:
    {namespace: exponential, metrics_flush_interval: 200ms, histogram: {exponential: {}}}
exporters: {prometheus: {endpoint: "127.0.0.1:0", enable_open_metrics: true}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}
  pipelines:
    traces: {receivers: [otlp], exporters: [spanmetrics, spanmetrics/exponential]}
    metrics: {receivers: [otlp, spanmetrics, spanmetrics/exponential], exporters: [prometheus]}
`;

describe.skipIf(isMissing)(`a real Prometheus${note}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-prometheus-'));
  const closing: (() => Promise<unknown>)[] = [];
  let spoor: SpoorProcess;
  let api = '';
  let nativeApi = '';

  beforeAll(async () => {
    const config = join(directory, 'spoor.yaml');
    writeFileSync(config, configuration);
    spoor = new SpoorProcess(['--config', config]);
    closing.push(async () => spoor.end());
    const { host } = new URL(await spoor.address('prometheus'));
    api = await startPrometheus(host, 'text');
    nativeApi = await startPrometheus(host, 'native', '--enable-feature=native-histograms');
  });

  afterAll(async () => {
    await Promise.all(closing.map(async (close) => close()));
    rmSync(directory, { recursive: true, force: true });
  });

  async function startPrometheus(
    target: string,
    name: string,
    ...flags: string[]
  ): Promise<string> {
    const scrape = join(directory, `${name}.yml`);
    writeFileSync(
      scrape,
      `global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs: [{job_name: spoor, honor_labels: true, static_configs: [{targets: ['${target}']}]}]
`,
    );
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      'prometheus',
      [
        `--config.file=${scrape}`,
        `--storage.tsdb.path=${join(directory, name)}`,
        `--web.listen-address=${address}`,
        ...flags,
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => {
      child.once('close', resolve);
    });
    closing.push(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    const url = `http://${address}`;
    await eventually(
      async () =>
        fetch(`${url}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      (isReady) => isReady,
    );
    return url;
  }

  interface Result {
    readonly metric: Record<string, string>;
    readonly value: readonly [number, string];
  }

  async function query(expression: string, at = api): Promise<Result[]> {
    const answer = await fetch(`${at}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data } = (await answer.json()) as { data: { result: Result[] } };
    return data.result;
  }

  test('answers the value that was sent, and the next one', async () => {
    const address = await spoor.address('OTLP/HTTP');
    const http = address.startsWith('http') ? address : `http://${address}`;
    for (const value of [42n, 57n]) {
      await sendOrders(http, value);
      const [found] = await eventually(
        async () => query('orders_total'),
        ([first]) => first?.value[1] === String(value),
      );
      expect(found?.metric).toMatchObject({
        job: 'shop',
        shop_kind: 'toys',
        otel_scope_name: 'test',
      });
    }
  });

  test('answers rates and latencies of spans', async () => {
    const address = await spoor.address('OTLP/HTTP');
    const http = address.startsWith('http') ? address : `http://${address}`;
    await sendTraces(http, [{ number: 1, isError: true }, { number: 2 }]);
    const errors = 'traces_span_metrics_calls_total{status_code="STATUS_CODE_ERROR"}';
    const [found] = await eventually(
      async () => query(errors),
      ([first]) => first?.value[1] === '1',
    );
    expect(found?.metric).toMatchObject({ service_name: 'shop', span_name: 'step 2', job: 'shop' });
    const slow = 'sum(traces_span_metrics_duration_milliseconds_bucket{le="6.0"})';
    await eventually(
      async () => query(slow),
      ([first]) => first?.value[1] === '6',
    );
  });

  test('answers quantiles of exponential histograms, which it scrapes as native ones', async () => {
    const address = await spoor.address('OTLP/HTTP');
    const http = address.startsWith('http') ? address : `http://${address}`;
    await sendTraces(http, [{ number: 11 }, { number: 12, isSlow: true }]);
    const slow = 'exponential_duration_milliseconds{span_name="step 0"}';
    await eventually(
      async () => query(`histogram_quantile(1, sum(${slow}))`, nativeApi),
      ([first]) => Math.abs(Number(first?.value[1]) / 1500 - 1) < 0.01,
    );
    const [counted] = await query(`histogram_count(sum(${slow}))`, nativeApi);
    expect(Number(counted?.value[1])).toBeGreaterThanOrEqual(2);
    const orders = await query('traces_span_metrics_calls_total', nativeApi);
    expect(orders.length).toBeGreaterThan(0);
  });

  test.each(['text', 'native'])('finds nothing wrong with what it scrapes: %s', async (kind) => {
    const asked = kind === 'text' ? api : nativeApi;
    const up = await eventually(
      async () => query('up', asked),
      ([first]) => first?.value[1] === '1',
    );
    expect(up).toHaveLength(1);
    const { data } = (await (await fetch(`${asked}/api/v1/targets`)).json()) as {
      data: { activeTargets: { health: string; lastError: string }[] };
    };
    expect(data.activeTargets).toMatchObject([{ health: 'up', lastError: '' }]);
  });
});

/** Prometheus does not tell which port it took. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
