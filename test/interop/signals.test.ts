/** Metrics and logs of the OpenTelemetry JS SDK, over each transport, through processors that edit,
 *  filter, cut and batch them, to a peer that reads them with another protobuf library. */
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LogsData, MetricsData } from '../../src/wire/otlp-messages/oracle.fixture.ts';
import { SpoorProcess } from '../cli/spoor-process.ts';
import { eventually } from '../pipeline/traffic.ts';
import { here } from './parts.ts';
import { Program } from './program.ts';

const configuration = (peer: string) => `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}}
processors:
  attributes:
    actions:
      - {key: environment, value: production, action: upsert}
      - {key: secret, action: hash}
  resource: {attributes: [{key: host.name, action: delete}, {key: team, value: blue, action: insert}]}
  filter:
    metric_conditions: ['metric.name == "noise"', 'datapoint.attributes["shop"] == "berlin"']
    log_conditions: ['log.severity_number < SEVERITY_NUMBER_WARN']
  batch: {send_batch_size: 1, send_batch_max_size: 1}
exporters: {otlp_http: {endpoint: "${peer}"}}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [attributes, resource, filter, batch], exporters: [otlp_http]}
    logs: {receivers: [otlp], processors: [attributes, resource, filter, batch], exporters: [otlp_http]}
`;

interface Attribute {
  readonly key: string;
  readonly value: Record<string, unknown>;
}
interface Item {
  readonly attributes?: Attribute[];
  readonly [field: string]: unknown;
}
interface PlainItem extends Item {
  readonly name?: string;
  readonly sum?: { readonly dataPoints: Item[] };
  readonly gauge?: { readonly dataPoints: Item[] };
  readonly histogram?: { readonly dataPoints: Item[] };
}
interface PlainScope {
  readonly metrics?: PlainItem[];
  readonly logRecords?: PlainItem[];
}
interface PlainGroup {
  readonly resource: Item;
  readonly scopeMetrics?: PlainScope[];
  readonly scopeLogs?: PlainScope[];
}
/** A request as protobufjs shows it. */
interface Plain {
  readonly resourceMetrics?: PlainGroup[];
  readonly resourceLogs?: PlainGroup[];
}
interface Received {
  readonly path: string;
  readonly resource: Record<string, unknown>;
  readonly name: string;
  readonly items: Item[];
}

let server: Server;
let spoor: SpoorProcess;
let received: Received[] = [];
const directory = mkdtempSync(join(tmpdir(), 'spoor-signals-'));

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const isZipped = request.headers['content-encoding'] === 'gzip';
      received.push(...read(request.url ?? '', isZipped ? gunzipSync(body) : body));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const config = join(directory, 'spoor.yaml');
  writeFileSync(config, configuration(`http://127.0.0.1:${port}`));
  spoor = new SpoorProcess(['--config', config]);
  await spoor.ready();
});

afterAll(async () => {
  await spoor.end();
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Every metric or every log record of a request, by itself. */
function read(path: string, body: Buffer): Received[] {
  const isMetrics = path === '/v1/metrics';
  const message = isMetrics ? MetricsData.decode(body) : LogsData.decode(body);
  const type = isMetrics ? MetricsData : LogsData;
  const plain: Plain = type.toObject(message, { longs: Number, bytes: String });
  return (plain.resourceMetrics ?? plain.resourceLogs ?? []).flatMap((group) =>
    (group.scopeMetrics ?? group.scopeLogs ?? []).flatMap((scope) =>
      (scope.metrics ?? scope.logRecords ?? []).map((item) => ({
        path,
        resource: attributesOf(group.resource),
        name: item.name ?? '',
        items: (item.sum ?? item.gauge ?? item.histogram)?.dataPoints ?? [item],
      })),
    ),
  );
}

function attributesOf({ attributes = [] }: Item): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

test.for(['grpc', 'http/protobuf', 'http/json'])(
  'JS SDK metrics and logs over %s',
  async (protocol) => {
    received = [];
    const label = protocol === 'grpc' ? 'OTLP/gRPC' : 'OTLP/HTTP';
    const address = await spoor.address(label);
    const program = new Program(process.execPath, {
      args: [`${here}js/signals.mjs`],
      env: {
        OTEL_SERVICE_NAME: 'shop',
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT: address.startsWith('http') ? address : `http://${address}`,
        OTEL_TRACES_EXPORTER: 'none',
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_LOGS_EXPORTER: 'otlp',
      },
    });
    const output = await program.ends();
    expect(output).not.toMatch(/error|failed/i);
    await eventually(
      () => received.length,
      (count) => count >= 5,
    );
    const metrics = received.filter(({ path }) => path === '/v1/metrics');
    expect(metrics.map(({ name }) => name).toSorted()).toEqual(['orders', 'temperature', 'wait']);
    const [orders] = metrics.filter(({ name }) => name === 'orders');
    expect(orders?.resource).toMatchObject({ 'service.name': 'shop', team: 'blue' });
    expect(orders?.resource).not.toHaveProperty('host.name');
    expect(orders?.items.map(attributesOf)).toEqual([
      { shop: 'seoul', environment: 'production', secret: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    const [wait] = metrics.filter(({ name }) => name === 'wait');
    expect(wait?.items[0]).toMatchObject({ count: 3, sum: 555, min: 5, max: 500 });
    const logs = received.filter(({ path }) => path === '/v1/logs').flatMap(({ items }) => items);
    expect(logs.map(({ severityText, body }) => [severityText, body])).toEqual(
      expect.arrayContaining([
        ['ERROR', { stringValue: '결제 실패' }],
        ['WARN', { kvlistValue: expect.anything() }],
      ]),
    );
    expect(logs).toHaveLength(2);
    const [failed] = logs.filter(({ severityText }) => severityText === 'ERROR');
    expect(attributesOf(failed ?? {})).toMatchObject({ environment: 'production', attempt: 2 });
    expect(JSON.stringify(received)).not.toContain('card 42');
  },
);
