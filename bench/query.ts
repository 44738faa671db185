/** What people ask of a store of a million spans, through the API they ask it by. */

import { HttpSender } from '../src/cli/loadgen/sender.ts';
import { makeTemplates, Payloads } from '../src/cli/loadgen/templates.ts';
import { decodeTraces } from '../src/wire/otlp-proto/decode.ts';
import { SpanView } from '../src/model/batch/view.ts';
import { hexAt } from '../src/model/ids.ts';
import { type Figure, type Options, percentile } from './report.ts';
import { Server } from './server.ts';

const BATCH_SIZE = 512;
const TIMES = 60;

export async function run({ isQuick }: Options): Promise<Figure[]> {
  const spans = isQuick ? 150_000 : 1_000_000;
  const server = await Server.start();
  try {
    const ids = await fill(server, spans);
    const figures = await freshness(server);
    for (const question of questions(ids)) figures.push(...(await ask(server, question)));
    figures.push({
      claim: 'query',
      name: 'memory, all processes',
      value: server.rss / 2 ** 20,
      unit: 'MiB',
    });
    return figures;
  } catch (error) {
    console.error(server.log);
    throw error;
  } finally {
    await server.remove();
  }
}

interface Question {
  readonly name: string;
  /** The path of the n-th asking. */
  readonly path: (n: number) => string;
  /** How many traces or series are to come back; an error when it is less. */
  readonly wanted: number;
}

function questions(ids: readonly string[]): Question[] {
  const id = (n: number) => ids[(n * 7919) % ids.length] ?? '';
  const search = (query: string) => () => `/api/traces?lookback=1h&limit=20&${query}`;
  const tags = (value: object) => `tags=${encodeURIComponent(JSON.stringify(value))}`;
  const operation = encodeURIComponent('com.example.shop.v1.CartService/GetCart');
  return [
    { name: 'trace by id, Jaeger JSON', path: (n) => `/api/traces/${id(n)}`, wanted: 1 },
    { name: 'trace by id, columns', path: (n) => `/api/spoor/traces/${id(n)}`, wanted: 0 },
    { name: 'services', path: () => '/api/services', wanted: 16 },
    {
      name: 'search service+operation, newest 20',
      path: search(`service=cart&operation=${operation}`),
      wanted: 20,
    },
    {
      name: 'search a tag of many',
      path: search(`service=cart&${tags({ 'rpc.method': 'GetCart' })}`),
      wanted: 20,
    },
    { name: 'search errors', path: search(`service=cart&${tags({ error: 'true' })}`), wanted: 1 },
    {
      name: 'search a rare user',
      path: search(`service=cart&${tags({ 'app.user.id': 'user-31337' })}`),
      wanted: 0,
    },
    {
      name: 'search a value that is nowhere',
      path: search(`service=cart&${tags({ 'app.user.id': 'nobody' })}`),
      wanted: 0,
    },
    {
      name: 'search duration over 300 ms',
      path: search('service=frontend&minDuration=300ms'),
      wanted: 1,
    },
    {
      name: 'p99 latency by service, from rollups',
      path: () => '/api/spoor/metrics?step=0&quantiles=0.99',
      wanted: 16,
    },
    {
      name: 'RED series by service and operation, 1 h of minutes',
      path: () => '/api/spoor/metrics?by=service,operation&step=1m',
      wanted: 50,
    },
    {
      name: 'p99 latency by service, from spans',
      path: () => '/api/spoor/aggregate?groupBy=service&quantiles=0.99',
      wanted: 16,
    },
    {
      name: 'p99 latency by rpc.method of one service, from spans',
      path: () => '/api/spoor/aggregate?service=cart&groupBy=span.rpc.method&quantiles=0.99',
      wanted: 1,
    },
  ];
}

async function ask(server: Server, { name, path, wanted }: Question): Promise<Figure[]> {
  const taken: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    const before = performance.now();
    const response = await fetch(server.api + path(n));
    const body = await response.text();
    taken.push(performance.now() - before);
    if (!response.ok) throw new Error(`${name}: ${response.status} ${body.slice(0, 300)}`);
    if (wanted > 0 && countOf(body) < wanted) {
      throw new Error(`${name}: ${countOf(body)} instead of ${wanted}`);
    }
  }
  // The first asking loads what the later ones find warm.
  const warm = taken.slice(1);
  return [
    { claim: 'query', name: `${name}, first`, value: taken[0] ?? 0, unit: 'ms' },
    { claim: 'query', name: `${name}, p50`, value: percentile(warm, 0.5), unit: 'ms' },
    { claim: 'query', name: `${name}, p99`, value: percentile(warm, 0.99), unit: 'ms' },
  ];
}

function countOf(body: string): number {
  const parsed: unknown = JSON.parse(body);
  if (typeof parsed !== 'object' || parsed === null) return 0;
  const data: unknown = Reflect.get(parsed, 'data') ?? Reflect.get(parsed, 'series');
  return Array.isArray(data) ? data.length : 0;
}

/** Stores the spans and returns some of the trace ids. */
async function fill(server: Server, spans: number): Promise<string[]> {
  const payloads = payloadsOf(60_000, 1);
  const sender = senderTo(server);
  const ids: string[] = [];
  const lane = async (connection: number) => {
    for (let sent = connection * BATCH_SIZE; sent < spans; sent += BATCH_SIZE * 4) {
      const { bytes } = payloads.next(Date.now());
      if ((sent / BATCH_SIZE) % 20 === 0) ids.push(firstId(bytes));
      const outcome = await sender.send(bytes, connection);
      if (outcome.kind !== 'acked') throw new Error(`not stored: ${outcome.reason}`);
    }
  };
  await Promise.all([0, 1, 2, 3].map(lane));
  sender.close();
  return ids;
}

/** From the acknowledgement to being found, by id and by search. */
async function freshness(server: Server): Promise<Figure[]> {
  const payloads = payloadsOf(2000, 2);
  const sender = senderTo(server);
  const byId: number[] = [];
  const bySearch: number[] = [];
  while (byId.length < 20) {
    const { bytes } = payloads.next(Date.now());
    const mark = markOf(bytes);
    await sender.send(bytes, 0);
    if (mark === undefined) continue;
    const acked = performance.now();
    await until(async () => (await fetch(`${server.api}/api/traces/${mark.traceId}`)).ok);
    byId.push(performance.now() - acked);
    const tags = encodeURIComponent(JSON.stringify({ 'app.request.id': mark.requestId }));
    const search = `${server.api}/api/traces?lookback=1h&service=${mark.service}&tags=${tags}`;
    await until(async () => (await (await fetch(search)).text()).includes(mark.traceId));
    bySearch.push(performance.now() - acked);
  }
  sender.close();
  return [
    { claim: 'query', name: 'acked to found by id, p50', value: percentile(byId, 0.5), unit: 'ms' },
    {
      claim: 'query',
      name: 'acked to found by search, p50',
      value: percentile(bySearch, 0.5),
      unit: 'ms',
    },
    {
      claim: 'query',
      name: 'acked to found by search, worst',
      value: percentile(bySearch, 1),
      unit: 'ms',
    },
  ];
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error('never found');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function payloadsOf(spans: number, seed: number): Payloads {
  const batches = Math.ceil(spans / BATCH_SIZE);
  const templates = makeTemplates({ seed, batchSize: BATCH_SIZE, batches, layout: 'sdk' });
  return new Payloads(templates, Math.floor(Math.random() * 2 ** 32));
}

function senderTo(server: Server): HttpSender {
  return new HttpSender({ endpoint: server.http, compression: 'none', connections: 4 });
}

function firstId(bytes: Uint8Array): string {
  return hexAt(decodeTraces(bytes).spans.columns.traceIds, 0, 16);
}

/** A span that a search can find by a value of its own. */
function markOf(bytes: Uint8Array) {
  const batch = decodeTraces(bytes);
  for (let row = 0; row < batch.count; row++) {
    const view = new SpanView(batch, row);
    const { attributes, traceId, service } = view;
    const value = attributes.find(({ key }) => key === 'app.request.id')?.value;
    if (value?.type === 'string') return { traceId, service, requestId: value.value };
  }
  return undefined;
}
