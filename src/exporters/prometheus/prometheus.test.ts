/** What a scraper reads after what was sent: golden text, and the life of series. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { messagesOfBytes } from '../../component/message-batch.ts';
import { testContext } from '../../component/testbed.ts';
import { spansNamed } from '../../component/batch.fixture.ts';
import { decode } from '../../config/decode.ts';
import type { ConfigMap } from '../../config/yaml.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import type { KeyValue } from '../../model/attribute.ts';
import { metricsCodec } from '../../wire/otlp-messages/codec.ts';
import type { HistogramPoint, Metric, MetricData, NumberPoint } from '../../model/metrics.ts';
import { component } from './exporter.ts';
import { SeriesStore } from './series-store.ts';

function openssl(...args: string[]): number | null {
  return spawnSync('openssl', args, { stdio: 'ignore' }).status;
}

const never = new AbortController().signal;
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map(async (stop) => stop()));
});

async function prometheus(input: ConfigMap = {}) {
  const decoded = decode(component.config, { endpoint: 'localhost:0', ...input });
  expect(decoded.problems).toEqual([]);
  const context = testContext(decoded.value, 'prometheus');
  const exporter = component.create({ ...context, signal: 'metrics' });
  await exporter.start?.(never);
  stops.push(async () => exporter.stop?.(never));
  const url = context.host.endpoints[0]?.address ?? '';
  return {
    context,
    exporter,
    url,
    send: async (metrics: Metric[], resource: KeyValue[] = []) => {
      const bytes = metricsCodec.encode({
        resources: [
          {
            resource: { attributes: resource, droppedAttributes: 0 },
            scopes: [
              {
                scope: { name: 'meter', version: '2', attributes: [], droppedAttributes: 0 },
                items: metrics,
                schemaUrl: '',
              },
            ],
            schemaUrl: '',
          },
        ],
      });
      await exporter.consume(
        messagesOfBytes({ signal: 'metrics', count: 1, tenant: 'default', bytes }),
        never,
      );
    },
    scrape: async (headers: Record<string, string> = {}) => (await fetch(url, { headers })).text(),
    dropped: async () => {
      const text = await context.telemetry.registry.metrics();
      return text
        .split('\n')
        .filter((line) => line.startsWith('otelcol_exporter_prometheus_dropped'));
    },
  };
}

const text = (key: string, value: string): KeyValue => ({ key, value: { type: 'string', value } });
const shop = [
  text('service.name', 'shop'),
  text('service.namespace', 'eu'),
  text('service.instance.id', 'a1'),
  text('host.name', 'box'),
];

function point(over: Partial<NumberPoint>): NumberPoint {
  const none = { attributes: [], startNano: 0n, timeNano: 1_000_000_000n, flags: 0 };
  return { ...none, value: 1, exemplars: [], ...over };
}

function histogramPoint(over: Partial<HistogramPoint> = {}): HistogramPoint {
  return {
    attributes: [],
    startNano: 0n,
    timeNano: 5_000_000_000n,
    flags: 0,
    count: 6,
    sum: 21.5,
    bucketCounts: [1, 2, 3],
    bounds: [1, 2.5],
    exemplars: [],
    min: undefined,
    max: undefined,
    ...over,
  };
}

const named = (name: string, unit: string, data: MetricData): Metric => ({
  name,
  unit,
  description: `about ${name}`,
  metadata: [],
  data,
});
const gauge = (name: string, ...points: NumberPoint[]) =>
  named(name, '', { kind: 'gauge', points });
const sum = (temporality: number, isMonotonic: boolean, ...points: NumberPoint[]) =>
  named('hits', '', { kind: 'sum', temporality, isMonotonic, points });
const histogram = (temporality: number, ...points: HistogramPoint[]) =>
  named('wait', 's', { kind: 'histogram', temporality, points });

const exemplar = {
  timeNano: 4_500_000_000n,
  value: 2,
  traceId: new Uint8Array(16).fill(0xab),
  spanId: new Uint8Array(8).fill(0xcd),
  attributes: [text('user', 'x'), text('long', 'y'.repeat(200))],
};

describe('served as text', () => {
  test('counters, gauges, histograms, summaries, the target and the scope', async () => {
    const { send, scrape } = await prometheus({ const_labels: { region: 'eu"1' }, namespace: 'x' });
    const all: Metric[] = [
      sum(2, true, point({ value: 7n, attributes: [text('http.path', '/a\n"b"\\')] })),
      gauge(
        'temp',
        point({ value: 1.5 }),
        point({ value: Number.NaN, attributes: [text('a', 'b')] }),
      ),
      histogram(2, histogramPoint({ exemplars: [exemplar] })),
      named('size', 'By', {
        kind: 'summary',
        points: [
          {
            attributes: [],
            startNano: 0n,
            timeNano: 1n,
            flags: 0,
            count: 2,
            sum: 3,
            quantiles: [{ quantile: 0.5, value: 1 }],
          },
        ],
      }),
    ];
    await send(all, shop);
    const rest =
      'instance="a1",job="eu/shop",otel_scope_name="meter",otel_scope_version="2",region="eu\\"1"';
    expect(await scrape()).toBe(`# HELP target_info Target metadata
# TYPE target_info gauge
target_info{host_name="box",instance="a1",job="eu/shop",region="eu\\"1"} 1
# HELP x_hits_total about hits
# TYPE x_hits_total counter
x_hits_total{http_path="/a\\n\\"b\\"\\\\",${rest}} 7
# HELP x_size_bytes about size
# TYPE x_size_bytes summary
x_size_bytes{${rest},quantile="0.5"} 1
x_size_bytes_sum{${rest}} 3
x_size_bytes_count{${rest}} 2
# HELP x_temp about temp
# TYPE x_temp gauge
x_temp{${rest}} 1.5
x_temp{a="b",${rest}} NaN
# HELP x_wait_seconds about wait
# TYPE x_wait_seconds histogram
x_wait_seconds_bucket{${rest},le="1"} 1
x_wait_seconds_bucket{${rest},le="2.5"} 3
x_wait_seconds_bucket{${rest},le="+Inf"} 6
x_wait_seconds_sum{${rest}} 21.5
x_wait_seconds_count{${rest}} 6
`);
  });

  test('OpenMetrics where allowed and asked for, with exemplars that fit', async () => {
    const { send, url } = await prometheus({
      enable_open_metrics: true,
      without_scope_info: true,
      send_timestamps: true,
    });
    await send([histogram(2, histogramPoint({ exemplars: [exemplar] })), sum(2, true, point({}))]);
    const answer = await fetch(url, { headers: { accept: 'application/openmetrics-text' } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
    const ids = `trace_id="${'ab'.repeat(16)}",span_id="${'cd'.repeat(8)}"`;
    expect(await answer.text()).toBe(`# HELP hits about hits
# TYPE hits counter
hits_total 1 1
# HELP wait_seconds about wait
# TYPE wait_seconds histogram
wait_seconds_bucket{le="1.0"} 1 5
wait_seconds_bucket{le="2.5"} 3 5 # {${ids},user="x"} 2 4.5
wait_seconds_bucket{le="+Inf"} 6 5
wait_seconds_sum 21.5 5
wait_seconds_count 6 5
# EOF
`);
    expect((await fetch(url)).headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
  });

  test.each([
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;q=0.3',
      'application/vnd.google.protobuf',
    ],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.3,text/plain;q=0.7',
      'text/plain',
    ],
    [
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text',
      'text/plain',
    ],
    ['application/openmetrics-text;q=0.9,text/plain;q=0.5', 'text/plain'],
    ['*/*', 'text/plain'],
  ])('in the format that %s likes best', async (accept, type) => {
    const { send, url } = await prometheus();
    await send([gauge('n', point({}))]);
    const answer = await fetch(url, { headers: { accept } });
    expect(answer.headers.get('content-type')?.split(';')[0]).toBe(type);
    expect(Buffer.from(await answer.arrayBuffer()).includes('about n')).toBe(true);
  });

  test('exponential histograms as count and sum, also of changes', async () => {
    const { send, scrape } = await prometheus({ without_scope_info: true });
    const buckets = {
      positive: { offset: 0, counts: [1, 2] },
      negative: { offset: 0, counts: [] },
    };
    const exponential = (startNano: bigint, timeNano: bigint) =>
      named('wait', 's', {
        kind: 'exponential_histogram',
        temporality: 1,
        points: [
          {
            ...histogramPoint({ startNano, timeNano, count: 3, sum: 5 }),
            ...buckets,
            scale: 3,
            zeroCount: 0,
            zeroThreshold: 0,
          },
        ],
      });
    await send([exponential(1n, 10n)]);
    await send([exponential(10n, 20n)]);
    expect((await scrape()).split('\n').filter((line) => line.startsWith('wait'))).toEqual([
      'wait_seconds_bucket{le="+Inf"} 6',
      'wait_seconds_sum 10',
      'wait_seconds_count 6',
    ]);
  });

  test('resource attributes as labels, colliding names joined', async () => {
    const { send, scrape } = await prometheus({
      without_scope_info: true,
      resource_to_telemetry_conversion: { enabled: true, exclude_service_attributes: true },
    });
    await send([gauge('g', point({ attributes: [text('a.b', '1'), text('a_b', '2')] }))], shop);
    expect(await scrape()).toContain(
      'g{a_b="1;2",host_name="box",instance="a1",job="eu/shop"} 1\n',
    );
  });

  test.each([
    [{ included: ['host.*'] }, 'host_name="box",'],
    [{ included: ['*.name'], excluded: ['service.*'] }, 'host_name="box",'],
    [{ included: ['service.nam?'] }, ''],
    [{ excluded: ['service.*'] }, undefined],
  ])('resource attributes that patterns choose: %j', async (labels, shown) => {
    const { send, scrape } = await prometheus({
      without_scope_info: true,
      resource_constant_labels: labels,
    });
    await send([gauge('g', point({}))], shop);
    const service = shown === '' ? ',service_name="shop"' : '';
    expect(await scrape()).toContain(`g{${shown ?? ''}instance="a1",job="eu/shop"${service}} 1\n`);
  });

  test('names beyond ASCII only to who takes them', async () => {
    const { send, scrape } = await prometheus({
      without_scope_info: true,
      translation_strategy: 'NoTranslation',
    });
    await send([gauge('a.b', point({ attributes: [text('c.d', 'e')] }))]);
    expect(await scrape()).toContain('\na_b{c_d="e"} 1\n');
    const accept = 'text/plain;version=1.0.0;escaping=allow-utf-8';
    expect(await scrape({ accept })).toContain('\n{"a.b","c.d"="e"} 1\n');
  });

  test('compressed when asked for; elsewhere nothing', async () => {
    const { send, url } = await prometheus();
    await send([gauge('g', point({}))]);
    const { request } = await import('node:http');
    const body = await new Promise<Buffer>((resolve, reject) => {
      request(url, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks)));
      })
        .on('error', reject)
        .end();
    });
    expect(gunzipSync(body).toString()).toContain('# TYPE g gauge');
    expect((await fetch(new URL('/', url))).status).toBe(404);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  });
});

describe.skipIf(openssl('version') !== 0)('over TLS (needs openssl)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-scrape-tls-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const [certificate, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const renew = () => {
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    openssl('req', '-x509', ...curve, ...subject, '-keyout', key, '-out', certificate);
  };
  const fingerprint = async (url: string) =>
    new Promise<string>((resolve, reject) => {
      const port = Number(new URL(url).port);
      const socket = connect({ port, host: 'localhost', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
      socket.once('error', reject);
    });

  test('a renewed certificate is used', async () => {
    renew();
    const tls = { cert_file: certificate, key_file: key, reload_interval: '1m' };
    const { url, context } = await prometheus({ tls });
    expect(url).toMatch(/^https:/);
    const first = await fingerprint(url);
    renew();
    expect(await fingerprint(url)).toBe(first);
    context.clock.advance(60_000);
    await vi.waitFor(async () => expect(await fingerprint(url)).not.toBe(first), 10_000);
  });
});

describe('a series', () => {
  const hits = async (scrape: () => Promise<string>) =>
    /^hits(?:_total)?(?:{.*})? (.*)$/m.exec(await scrape())?.[1];

  test.each([
    ['goes on', { startNano: 10n, timeNano: 20n }, '5'],
    ['begins again', { startNano: 15n, timeNano: 20n }, '2'],
    ['overlaps and is dropped', { startNano: 5n, timeNano: 20n }, '3'],
  ])('of changes that %s', async (_title, times, expected) => {
    const { send, scrape } = await prometheus();
    await send([sum(1, true, point({ value: 3, startNano: 1n, timeNano: 10n }))]);
    await send([sum(1, true, point({ value: 2, ...times }))]);
    expect(await hits(scrape)).toBe(expected);
  });

  test('of changes of histograms is added up', async () => {
    const { send, scrape } = await prometheus({ without_scope_info: true });
    await send([histogram(1, histogramPoint({ startNano: 1n, timeNano: 10n }))]);
    await send([histogram(1, histogramPoint({ startNano: 10n, timeNano: 20n }))]);
    expect(await scrape()).toContain('wait_seconds_bucket{le="2.5"} 6\n');
    expect(await scrape()).toContain('wait_seconds_sum 43\n');
  });

  test('ignores older points and ends by the flag', async () => {
    const { send, scrape, dropped } = await prometheus();
    await send([sum(2, true, point({ value: 3, timeNano: 10n }))]);
    await send([sum(2, true, point({ value: 2, timeNano: 9n }))]);
    expect(await hits(scrape)).toBe('3');
    expect(await dropped()).toEqual([expect.stringMatching(/out_of_order"} 1$/)]);
    await send([sum(2, true, point({ flags: 1, timeNano: 11n }))]);
    expect(await hits(scrape)).toBeUndefined();
  });

  test('is forgotten when nothing is heard of it', async () => {
    const { send, scrape, context } = await prometheus({ metric_expiration: '1m' });
    await send([sum(2, true, point({ value: 3 }))]);
    context.clock.advance(59_000);
    expect(await hits(scrape)).toBe('3');
    context.clock.advance(1000);
    expect(await hits(scrape)).toBeUndefined();
  });

  test('of a kind that Prometheus has not is counted as dropped', async () => {
    const { send, scrape, dropped } = await prometheus();
    await send([sum(1, false, point({})), sum(0, true, point({}))]);
    await send([sum(2, true, point({})), gauge('hits.total', point({}))]);
    await send([gauge('n', point({ attributes: [text('..', 'x')] }))]);
    expect(await hits(scrape)).toBe('1');
    expect(await dropped()).toEqual([
      expect.stringMatching(/unsupported"} 2$/),
      expect.stringMatching(/type_conflict"} 1$/),
      expect.stringMatching(/bad_name"} 1$/),
    ]);
  });

  test('too many are refused, and known ones go on', () => {
    const store = new SeriesStore(new ManualClock(), 1000, 5000);
    const head = { name: 'n', type: 'gauge', help: '' } as const;
    const put = (name: string, value: number) =>
      store.put(head, {
        labels: [['a', name]],
        reading: { kind: 'number', value, startNano: 0n, timeNano: 0n, exemplars: [] },
        isDelta: false,
      });
    const outcomes = Array.from({ length: 50 }, (_, i) => put(String(i), i));
    expect(outcomes.filter((outcome) => outcome === 'full')).toHaveLength(50 - store.seriesCount);
    expect(store.seriesCount).toBeGreaterThan(5);
    expect(put('0', 1)).toBeUndefined();
  });
});

test('keys it does not support are refused by name', () => {
  const { problems } = decode(component.config, {
    middlewares: [],
    sending_queue: {},
  });
  expect(problems.map(({ path }) => path.join('.'))).toEqual(
    expect.arrayContaining(['endpoint', 'middlewares', 'sending_queue']),
  );
});

test('spans are refused for good, and so are bytes that are no metrics', async () => {
  const { exporter } = await prometheus();
  await expect(exporter.consume(spansNamed(['a']), never)).rejects.toMatchObject({
    retryable: false,
  });
  const bytes = Uint8Array.of(0x0a, 0x7f);
  const batch = messagesOfBytes({ signal: 'metrics', count: 1, tenant: 'default', bytes });
  await expect(exporter.consume(batch, never)).rejects.toMatchObject({
    code: 'malformed',
    retryable: false,
  });
});
