import type { FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { bucketOf } from '../../model/duration-histogram.ts';
import type {
  AggregatePoint,
  AggregateQuery,
  AggregateResult,
  TraceReader,
} from '../../storage/contract.ts';
import { AggregateResponse } from '../contract.ts';
import { readerOf } from './reader.fixture.ts';
import { createQueryServer } from './server.ts';

const MINUTE = 60_000_000_000n;
const NOW_MS = 1_731_000_030_000;
const NOW = BigInt(NOW_MS) * 1_000_000n;

let server: FastifyInstance | undefined;
afterEach(() => server?.close());

let asked: AggregateQuery | undefined;

async function serve(answer?: Partial<AggregateResult>): Promise<FastifyInstance> {
  const reader: TraceReader = {
    ...readerOf([]),
    ...(answer === undefined
      ? {}
      : {
          aggregate: async (query) => {
            asked = query;
            return { series: [], quantileError: 0, from: 'spans', warnings: [], ...answer };
          },
        }),
  };
  server = await createQueryServer({
    reader,
    capabilities: { searchWithoutService: true, filterOps: [], orders: [], durableOnAck: true },
    tenant: 'default',
    basePath: '',
    maxClockSkewNano: 0n,
    maxTraceSize: 0,
    now: () => NOW_MS,
    log: { warn: () => undefined },
  });
  return server;
}

async function get(url: string) {
  const response = await server!.inject({ url });
  // oxlint-disable-next-line typescript/no-explicit-any -- what the cases look into
  return { status: response.statusCode, body: response.json<Record<string, any>>() };
}

function point(startNano: bigint, spans: number, errors: number, ms: number): AggregatePoint {
  const nano = ms * 1e6;
  return {
    startNano,
    spans,
    errors,
    values: spans,
    sum: spans * nano,
    min: nano,
    max: nano,
    quantiles: [nano],
    histogram: new Map([[bucketOf(nano), spans]]),
    exemplars: [{ traceId: 'a'.repeat(32), isError: true }],
  };
}

test('metrics ask for whole minutes, and answer rates, ratios and averages', async () => {
  const start = NOW - (NOW % MINUTE);
  await serve({
    from: 'rollups',
    quantileError: 1 / 64,
    series: [{ group: ['web', undefined], isRest: false, points: [point(start, 30, 3, 10)] }],
  });
  const { body } = await get(
    '/api/spoor/metrics?service=web&kind=server&by=service,operation&quantiles=0.5&step=1m&limit=7',
  );
  expect(asked).toMatchObject({
    range: { startNano: start - 60n * MINUTE, endNano: start + MINUTE },
    groupBy: [{ name: 'service' }, { name: 'name' }],
    groupsMax: 7,
    stepNano: MINUTE,
    quantiles: [0.5],
    filter: { op: 'and', of: [{ value: 'web' }, { value: 'server' }] },
  });
  expect(AggregateResponse.parse(body)).toEqual(body);
  expect(body['series']).toMatchObject([
    {
      group: [
        { field: 'service', type: 'string', value: 'web' },
        { field: 'operation', type: null, value: null },
      ],
      points: [
        {
          startNano: String(start),
          rate: 0.5,
          errorRatio: 0.1,
          average: 10e6,
          quantiles: [10e6],
          exemplars: [{ traceId: 'a'.repeat(32), isError: true }],
        },
      ],
    },
  ]);
});

test('metrics choose a step that makes no more points than a chart shows', async () => {
  await serve({});
  for (const [hours, minutes] of [
    [1, 1n],
    [6, 5n],
    [24, 15n],
    [168, 360n],
    [2160, 1440n],
  ] as const) {
    const start = (NOW - BigInt(hours) * 60n * MINUTE) / 1000n;
    await get(`/api/spoor/metrics?start=${start}`);
    expect(asked?.stepNano, `${hours} hours`).toBe(minutes * MINUTE);
    expect((asked?.range.startNano ?? 1n) % (minutes * MINUTE)).toBe(0n);
  }
  await get('/api/spoor/metrics?step=0');
  expect(asked?.stepNano).toBeUndefined();
});

test('an aggregate has the conditions of a search, and fields as text', async () => {
  const typed = [503n, 1.5, true, 'x', undefined];
  const series = typed.map((value) => ({ group: [value], isRest: false, points: [] }));
  await serve({ series, warnings: ['one file is damaged'] });
  const { body } = await get(
    '/api/spoor/aggregate?service=web&minDuration=1s&value=span.size&groupBy=.http.route' +
      '&groupBy=resource.zone&histogram=true&step=30s&start=1000&end=2000',
  );
  expect(asked).toMatchObject({
    range: { startNano: 1_000_000n, endNano: 2_001_000n },
    value: { kind: 'attribute', scope: 'span', key: 'size' },
    groupBy: [
      { scope: 'any', key: 'http.route' },
      { scope: 'resource', key: 'zone' },
    ],
    stepNano: 30_000_000_000n,
    histogram: true,
  });
  const groups: unknown[] = body['series'].map((one: { group: unknown[] }) => one.group[0]);
  expect(groups).toMatchObject([
    { type: 'int', value: '503' },
    { type: 'double', value: '1.5' },
    { type: 'bool', value: 'true' },
    { type: 'string', value: 'x' },
    { type: null, value: null },
  ]);
  expect(body['warnings']).toEqual(['one file is damaged']);
});

test.each([
  'aggregate?groupBy=nothing',
  'aggregate?groupBy=event.name',
  'aggregate?quantiles=many',
  'aggregate?limit=0',
  'metrics?by=status',
  'metrics?step=often',
])('%s is refused', async (path) => {
  await serve({});
  const { status, body } = await get(`/api/spoor/${path}`);
  expect(status).toBe(400);
  expect(body['error'].code).toBe('bad_request');
});

test('a backend that has no aggregates says so', async () => {
  await serve();
  expect(await get('/api/spoor/metrics')).toMatchObject({
    status: 501,
    body: { error: { code: 'unsupported' } },
  });
  expect(await get('/api/metrics/calls?service=web')).toMatchObject({
    status: 501,
    body: {
      errors: [{ code: 501, msg: expect.stringContaining('no metrics backend configured') }],
    },
  });
});

test("Jaeger's metrics are of the time before each point", async () => {
  const end = NOW - (NOW % MINUTE) + MINUTE;
  const points = [
    point(end - 15n * MINUTE, 600, 0, 100),
    point(end - 12n * MINUTE, 600, 60, 200),
    point(end - 3n * MINUTE, 600, 300, 50),
  ];
  await serve({ series: [{ group: ['web', 'GET /'], isRest: false, points }] });
  const ask = async (metric: string) => {
    const query = 'service=web&groupByOperation=true&lookback=900000&step=300000&quantile=0.9';
    return (await get(`/api/metrics/${metric}?${query}`)).body;
  };
  const values = async (metric: string) =>
    (await ask(metric))['metrics'][0].metricPoints.map(
      (one: { gaugeValue: { doubleValue: unknown } }) => one.gaugeValue.doubleValue,
    );
  expect(await values('calls')).toEqual([0, 2, 2, 1]);
  expect(await values('errors')).toEqual(['NaN', 0.05, 0.05, 0.5]);
  const [none, ...known] = await values('latencies');
  expect(none).toBe('NaN');
  [200, 200, 50].forEach((ms, i) => expect(Math.abs(known[i] / ms - 1)).toBeLessThan(0.02));
  expect(asked).toMatchObject({
    filter: { of: [{ values: ['web'] }, { values: ['server'] }] },
    stepNano: MINUTE,
    histogram: true,
  });
  expect(await ask('errors')).toMatchObject({
    name: 'service_operation_error_rate',
    type: 'GAUGE',
    metrics: [
      {
        labels: [
          { name: 'service_name', value: 'web' },
          { name: 'operation', value: 'GET /' },
        ],
      },
    ],
  });
  expect((await get('/api/metrics/minstep')).body).toMatchObject({ data: 60_000 });
  expect((await get('/api/metrics/latencies?service=web')).status).toBe(400);
  expect((await get('/api/metrics/calls')).body['errors'][0].msg).toBe(
    "parameter 'service' is required",
  );
});
