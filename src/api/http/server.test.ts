import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeTraceColumns } from '../../model/trace/columns.ts';
import { makeSpan } from '../../model/trace/span.fixture.ts';
import {
  AttributeKeysResponse,
  AttributeValuesResponse,
  SearchResponse,
  SpanResponse,
} from '../contract.ts';
import { StorageError } from '../../storage/contract.ts';
import { readerOf } from './reader.fixture.ts';
import { createQueryServer } from './server.ts';

interface OtlpSpan {
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  attributes?: unknown[];
}

/** The parts of answers that these tests look at. */
interface Body {
  data: { traceID: string; spans: unknown[] }[];
  errors: unknown;
  result: { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] };
  summaries: unknown;
}

const TRACE = 'abcdef0123456789abcdef0123456789';
const SHORT = '00000000000000000000000000000f00';
const spans = [
  makeSpan({ traceId: TRACE, spanId: '1', name: 'GET /', kind: 2, takes: 5_000_000 }),
  makeSpan({
    traceId: TRACE,
    spanId: '2',
    parentSpanId: '1',
    service: 'db',
    name: 'SELECT',
    kind: 3,
    at: 1_000_000,
    statusCode: 2,
    attributes: { 'http.status_code': 503, big: { type: 'int', value: 2n ** 62n } },
  }),
  makeSpan({ traceId: SHORT, spanId: '3', service: 'web', name: 'POST /', at: 10_000_000 }),
];
const nowMs = Number(spans[0]!.startNano / 1_000_000n) + 60_000;
const startMicros = spans[0]!.startNano / 1000n;

const uiDirectory = mkdtempSync(join(tmpdir(), 'spoor-ui-'));
let server: FastifyInstance;
let prefixed: FastifyInstance;

beforeAll(async () => {
  mkdirSync(join(uiDirectory, 'assets'));
  writeFileSync(join(uiDirectory, 'index.html'), '<head><base href="/" /></head>');
  writeFileSync(join(uiDirectory, 'assets', 'app-1.js'), 'run()');
  const options = {
    reader: readerOf(spans),
    capabilities: {
      searchWithoutService: true,
      filterOps: [],
      orders: [],
      durableOnAck: true,
    },
    tenant: 'default',
    uiDirectory,
    maxClockSkewNano: 0n,
    maxTraceSize: 0,
    now: () => nowMs,
    log: { warn: () => undefined },
  };
  server = await createQueryServer({ ...options, basePath: '' });
  prefixed = await createQueryServer({ ...options, basePath: '/spoor', maxTraceSize: 1 });
});

afterAll(async () => {
  await Promise.all([server.close(), prefixed.close()]);
  rmSync(uiDirectory, { recursive: true });
});

const get = (url: string) => server.inject({ url });
const getJson = async (url: string): Promise<Body> => (await get(url)).json<Body>();

describe('legacy', () => {
  test('services and operations come in an envelope', async () => {
    const response = await get('/api/services');
    expect(response.headers['content-type']).toContain('application/json');
    expect(response.json()).toEqual({
      data: ['db', 'web'],
      total: 2,
      limit: 0,
      offset: 0,
      errors: null,
    });
    expect((await getJson('/api/services/web/operations')).data).toEqual(['GET /', 'POST /']);
    expect((await getJson('/api/operations?service=web&spanKind=server')).data).toEqual([
      { name: 'GET /', spanKind: 'server' },
    ]);
    expect((await getJson('/api/operations?service=none')).data).toEqual([]);
  });

  test('search finds by service, operation, tags, durations and time, newest first', async () => {
    const found = async (query: string): Promise<string[]> =>
      (await getJson(`/api/traces?${query}`)).data.map(({ traceID }) => traceID);
    expect(await found('service=web')).toEqual(['0000000000000f00', TRACE]);
    expect(await found('service=web&limit=1')).toEqual(['0000000000000f00']);
    expect(await found('service=db&tags=%7B%22http.status_code%22%3A%22503%22%7D')).toEqual([
      TRACE,
    ]);
    expect(await found('service=db&tag=http.status_code:503&tag=error:true')).toEqual([TRACE]);
    expect(await found('service=web&tag=http.status_code:503')).toEqual([]);
    expect(await found('service=db&tag=resource.service.name:db')).toEqual([TRACE]);
    expect(await found('service=db&tag=resource.service.name:web')).toEqual([]);
    expect(await found('service=web&operation=GET%20/')).toEqual([TRACE]);
    expect(await found('service=web&minDuration=5ms&maxDuration=1h')).toEqual([TRACE]);
    expect(await found(`service=web&start=0&end=${startMicros}`)).toEqual([TRACE]);
    expect(await found(`service=web&start=${startMicros + 1n}`)).toEqual(['0000000000000f00']);
    expect(await found('service=unknown')).toEqual([]);
  });

  test.each([
    ['/api/traces', "parameter 'service' is required"],
    ['/api/operations', "parameter 'service' is required"],
    ['/api/traces?service=a&start=x', "unable to parse param 'start'"],
    ['/api/traces?service=a&limit=x', "unable to parse param 'limit'"],
    ['/api/traces?service=a&minDuration=5', "unable to parse param 'minDuration'"],
    [
      '/api/traces?service=a&minDuration=2s&maxDuration=1s',
      "'maxDuration' should be greater than 'minDuration'",
    ],
    ['/api/traces?service=a&tag=k', "malformed 'tag' parameter, expecting key:value, received: k"],
    ['/api/traces?service=a&tags=%7B', "malformed 'tags' parameter, cannot unmarshal JSON"],
    ['/api/operations?service=a&spanKind=x', "unsupported span kind: 'x'"],
    ['/api/traces/zz!', 'malformed trace ID'],
    ['/api/dependencies?endTs=x', "unable to parse param 'endTs'"],
  ])('%s is refused as text/plain with the envelope', async (url, message) => {
    const response = await get(url);
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(response.body.endsWith('\n')).toBe(true);
    const body = JSON.parse(response.body);
    expect(body.data).toBeNull();
    expect(body.errors[0].code).toBe(400);
    expect(body.errors[0].msg).toContain(message);
  });

  test('a trace by any form of its id; an unknown one is 404', async () => {
    const base64 = encodeURIComponent(Buffer.from(TRACE, 'hex').toString('base64'));
    for (const id of [TRACE, TRACE.toUpperCase(), base64]) {
      expect((await getJson(`/api/traces/${id}`)).data[0]?.spans).toHaveLength(2);
    }
    expect((await getJson('/api/traces/f00')).data[0]?.traceID).toBe('0000000000000f00');
    const missing = await get('/api/traces/1');
    expect(missing.statusCode).toBe(404);
    expect(JSON.parse(missing.body).errors[0].msg).toBe('trace not found');
  });

  test('traceID fetches, and lists what is missing', async () => {
    const body = await getJson(`/api/traces?traceID=${TRACE}&traceID=beef`);
    expect(body.data).toHaveLength(1);
    expect(body.errors).toEqual([
      { code: 404, msg: 'trace not found', traceID: '000000000000beef' },
    ]);
  });

  test('a trace above max_trace_size is cut off with a warning', async () => {
    const body = (await prefixed.inject({ url: `/spoor/api/traces/${TRACE}` })).json<Body>();
    expect(body.data[0]?.spans).toHaveLength(1);
    expect(JSON.stringify(body.data)).toContain('max_trace_size');
  });

  test('prettyPrint indents by four', async () => {
    expect((await get('/api/services?prettyPrint=true')).body).toContain('\n    "data"');
    expect((await get('/api/services?prettyPrint=false')).body).not.toContain('\n');
  });

  test('dependencies, of one service when asked', async () => {
    expect((await getJson('/api/dependencies?endTs=1700000000000')).data).toHaveLength(2);
    expect((await getJson('/api/dependencies?endTs=1&service=mail')).data).toEqual([
      { parent: 'web', child: 'mail', callCount: 1 },
    ]);
  });
});

describe('api_v3', () => {
  const window =
    'query.startTimeMin=2023-11-14T22:13:20Z&query.startTimeMax=2023-11-14T22:14:00.000000001Z';

  test('services and operations', async () => {
    expect(await getJson('/api/v3/services')).toEqual({ services: ['db', 'web'] });
    expect(await getJson('/api/v3/operations?service=db')).toEqual({
      operations: [{ name: 'SELECT', spanKind: 'client' }],
    });
    expect(await getJson('/api/v3/operations?service=none')).toEqual({});
  });

  test('a trace is OTLP JSON', async () => {
    const body = await getJson(`/api/v3/traces/${TRACE}`);
    const all = body.result.resourceSpans.flatMap((resource) =>
      resource.scopeSpans.flatMap((scope) => scope.spans),
    );
    expect(all.map(({ spanId }) => spanId)).toEqual(['0000000000000001', '0000000000000002']);
    expect(all[1]?.parentSpanId).toBe('0000000000000001');
    expect(all[1]?.startTimeUnixNano).toBe(spans[1]!.startNano.toString());
    expect(all[1]?.attributes).toContainEqual({
      key: 'big',
      value: { intValue: (2n ** 62n).toString() },
    });
  });

  test('search and summaries; snake_case names too', async () => {
    const found = await getJson(`/api/v3/traces?${window}&query.serviceName=db`);
    expect(found.result.resourceSpans).toHaveLength(2);
    const summaries = await getJson(`/api/v3/trace-summaries?${window}&query.service_name=db`);
    expect(summaries.summaries).toEqual([
      {
        traceId: TRACE,
        rootServiceName: 'web',
        rootOperationName: 'GET /',
        minStartTimeUnixNano: spans[0]!.startNano.toString(),
        maxEndTimeUnixNano: spans[0]!.endNano.toString(),
        spanCount: 2,
        errorSpanCount: 1,
        services: [
          { name: 'web', spanCount: 1 },
          { name: 'db', spanCount: 1, errorSpanCount: 1 },
        ],
      },
    ]);
    expect((await get(`/api/v3/traces?${window}&query.serviceName=none`)).statusCode).toBe(404);
    expect(await getJson(`/api/v3/trace-summaries?${window}&query.serviceName=none`)).toEqual({});
  });

  test('a structured filter finds, and is not mixed with older fields', async () => {
    const filter = encodeURIComponent(
      '{"op":"eq","args":[{"field":{"level":"resource","name":"service"}},{"scalar":{"value":"db"}}]}',
    );
    const found = await getJson(`/api/v3/trace-summaries?${window}&query.filter=${filter}`);
    expect(found.summaries).toHaveLength(1);
    const own = `start=${startMicros}&end=${startMicros + 1_000_000n}&filter=${filter}`;
    expect(await getJson(`/api/spoor/search?${own}&service=db`)).toMatchObject({ traces: [{}] });
    expect(await getJson(`/api/spoor/search?${own}&service=web`)).toMatchObject({ traces: [] });
    const mixed = await get(`/api/v3/traces?${window}&query.filter=${filter}&query.serviceName=db`);
    expect(mixed.statusCode).toBe(400);
    expect(mixed.body).toContain('it cannot be mixed with query.serviceName');
  });

  test.each([
    ['/api/v3/traces', 'malformed parameter query.startTimeMin'],
    [
      `/api/v3/traces?${window}&query.filter={}`,
      'malformed parameter query.filter: filter: expected',
    ],
    [`/api/v3/traces?${window}&query.allNames=x`, 'malformed parameter query.allNames'],
    [`/api/v3/traces?${window}&query.durationMin=x`, 'malformed parameter query.durationMin'],
    [`/api/v3/traces?${window}&query.attributes=[]`, 'malformed parameter query.attributes'],
    [`/api/v3/traces?${window}&query.searchDepth=x`, 'malformed parameter query.searchDepth'],
    [`/api/v3/traces/zz!`, 'malformed parameter trace_id'],
    [`/api/v3/traces/${TRACE}?rawTraces=x`, 'malformed parameter rawTraces'],
  ])('%s is refused', async (url, message) => {
    const response = await get(url);
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toContain('text/plain');
    const { error } = JSON.parse(response.body);
    expect(error.httpCode).toBe(400);
    expect(error.message).toContain(message);
  });
});

describe('our own', () => {
  test('search answers summaries and a cursor while there is more', async () => {
    const url = `/api/spoor/search?start=${startMicros}&end=${startMicros + 1_000_000n}`;
    const all = SearchResponse.parse(await getJson(url));
    expect(all.traces.map(({ traceId }) => traceId)).toEqual([SHORT, TRACE]);
    expect(all.traces[1]).toMatchObject({ durationNano: 5_000_000, spanCount: 2, errorCount: 1 });
    expect(all.cursor).toBeUndefined();
    const first = SearchResponse.parse(await getJson(`${url}&limit=1`));
    expect(first.cursor).toBe('next');
  });

  test('a trace comes as columns, a span in full', async () => {
    const response = await get(`/api/spoor/traces/${TRACE}`);
    const columns = decodeTraceColumns(new Uint8Array(response.rawPayload));
    expect(columns.count).toBe(2);
    expect(columns.services).toEqual(['web', 'db']);
    const body = await getJson(`/api/spoor/traces/${TRACE}/spans/0000000000000002`);
    const { span } = SpanResponse.parse(body);
    expect(span).toMatchObject({ service: 'db', kind: 'client', status: 'error' });
    expect(span.attributes).toContainEqual({ key: 'big', type: 'int', value: `${2n ** 62n}` });
  });

  test('find and attribute keys', async () => {
    expect(await getJson(`/api/spoor/traces/${TRACE}/find?q=select`)).toEqual({
      spanIds: ['0000000000000002'],
    });
    expect(
      AttributeKeysResponse.parse(await getJson('/api/spoor/attribute-keys')).keys,
    ).toHaveLength(1);
  });

  test('values of an attribute begin with the prefix', async () => {
    const url = '/api/spoor/attribute-values?key=http.route&prefix=/c';
    expect(AttributeValuesResponse.parse(await getJson(url)).values).toEqual([
      { value: '/cart', type: 'string', count: 3 },
      { value: '/checkout', type: 'string', count: 2 },
    ]);
  });

  test.each([
    ['/api/spoor/attribute-values', 400, 'bad_request'],
    ['/api/spoor/attribute-values?key=a&scope=planet', 400, 'bad_request'],
    ['/api/spoor/search?limit=0', 400, 'bad_request'],
    ['/api/spoor/search?nonsense=1', 400, 'bad_request'],
    ['/api/spoor/search?minDuration=5', 400, 'bad_request'],
    ['/api/spoor/traces/beef', 404, 'not_found'],
    [`/api/spoor/traces/${TRACE}/spans/9`, 404, 'not_found'],
  ])('%s is %d %s', async (url, status, code) => {
    const response = await get(url);
    expect(response.statusCode).toBe(status);
    expect(response.json().error.code).toBe(code);
  });
});

describe('paths', () => {
  test.each(['/api/unknown', '/api/spoor/unknown', '/api', '/assets/none.js'])(
    '%s is 404 as text',
    async (url) => {
      const response = await get(url);
      expect(response.statusCode).toBe(404);
      expect(response.headers['content-type']).toContain('text/plain');
    },
  );

  test('any other path is the UI’s, with the base path in it', async () => {
    for (const url of ['/', '/search?service=a', `/trace/${TRACE}`]) {
      const response = await get(url);
      expect(response.statusCode).toBe(200);
      expect(response.body).toContain('<base href="/">');
    }
    for (const url of ['/spoor', '/spoor/', '/spoor/search']) {
      expect((await prefixed.inject({ url })).body).toContain('<base href="/spoor/">');
    }
    expect((await prefixed.inject({ url: '/spoor/api/services' })).statusCode).toBe(200);
    expect((await prefixed.inject({ url: '/api/services' })).statusCode).toBe(404);
    const asset = await get('/assets/app-1.js');
    expect(asset.body).toBe('run()');
    expect(asset.headers['cache-control']).toContain('immutable');
  });
});

test('storage trouble is told by status, and a fault of ours is 500', async () => {
  const failing = async (error: Error) => {
    const failure = async (): Promise<never> => {
      throw error;
    };
    const reader = { ...readerOf([]), getServices: failure };
    const broken = await createQueryServer({
      reader,
      capabilities: { searchWithoutService: true, filterOps: [], orders: [], durableOnAck: true },
      tenant: 'default',
      basePath: '',
      maxClockSkewNano: 0n,
      maxTraceSize: 0,
      now: () => nowMs,
      log: { warn: () => undefined },
    });
    const { statusCode } = await broken.inject({ url: '/api/services' });
    await broken.close();
    return statusCode;
  };
  expect(await failing(new StorageError('timeout', 'too slow'))).toBe(504);
  expect(await failing(new StorageError('unavailable', 'restarting'))).toBe(503);
  expect(await failing(new Error('bug'))).toBe(500);
});
