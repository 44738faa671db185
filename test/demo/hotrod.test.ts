/** `npm run demo` as a person runs it, with Spoor behind it: each of its three problems can be seen
 *  in a trace, and is gone from the next trace when its switch is set. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { spanOf, type Span } from '../interop/jaeger.ts';
import { root } from '../interop/parts.ts';
import { Program } from '../interop/program.ts';
import { Spoor } from '../interop/spoor.ts';

const SERVICES = ['customer', 'driver', 'frontend', 'route'];
/** Requests in a ride: itself, customer, address, nearest, ten routes. A server span is the last
 *  that its process sends of a request, so with all of them the trace is whole. */
const RIDE_REQUESTS = 14;
/** The SDK takes a span's start in whole milliseconds. */
const CLOCK_US = 2000;

let spoor: Spoor;
let demo: Program;
let app: string;

function hotrod(...flags: string[]): Program {
  return new Program(process.execPath, { args: [`${root}examples/hotrod/run.mjs`, ...flags] });
}

beforeAll(async () => {
  spoor = await Spoor.start();
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = spoor.otelEnv({
    service: 'hotrod',
    protocol: 'http/protobuf',
  });
  demo = hotrod('--port', '0', '--endpoint', endpoint);
  app = await demo.says(/order rides\s+(http:\S+\d)\//);
});

afterAll(async () => {
  await demo?.stop();
  await spoor?.stop();
});

async function ride(customer = 1): Promise<Span[]> {
  const response = await fetch(`${app}/dispatch?customer=${customer}`);
  const { traceId } = (await response.json()) as { traceId: string };
  expect(response.status).toBe(200);
  return spoor.api.trace(
    traceId,
    (spans) => spans.filter(({ kind }) => kind === 'server').length === RIDE_REQUESTS,
  );
}

async function mend(switches: Record<string, boolean>): Promise<void> {
  const body = JSON.stringify(switches);
  const response = await fetch(`${app}/switches`, { method: 'PUT', body });
  expect(await response.json()).toMatchObject(switches);
}

function lookups(spans: readonly Span[]): Span[] {
  return spans
    .filter(({ name }) => name === 'GET driver')
    .toSorted((a, b) => a.startUs - b.startUs);
}

/** How many spans start before the one before them has ended. */
function overlaps(spans: readonly Span[]): number {
  return spans.filter((span, i) => {
    const before = spans[i - 1];
    return before !== undefined && span.startUs + CLOCK_US < before.endUs;
  }).length;
}

test('a ride is one trace through four services, every span with its parent in it', async () => {
  const spans = await ride();
  expect([...new Set(spans.map(({ service }) => service))].toSorted()).toEqual(SERVICES);
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const roots = spans.filter(({ parentId }) => parentId === undefined || !ids.has(parentId));
  expect(roots.map(({ name }) => name)).toEqual(['GET /dispatch']);
  expect(spanOf(spans, 'customer', 'SELECT customer').tags).toMatchObject({
    'db.system.name': 'sqlite',
    'db.query.text': 'SELECT id, name, x, y FROM customer WHERE id = ?',
  });
  expect(spanOf(spans, 'frontend', 'choose driver').events).toEqual([
    expect.objectContaining({ event: 'driver chosen' }),
  ]);
});

test('customer: a crowd meets a locked database; mended, the lock is taken last', async () => {
  const events: unknown[] = [];
  let before: Span[] = [];
  // On a busy machine a crowd may come one by one; the next one will not.
  for (let i = 0; i < 5 && events.length === 0; i++) {
    const crowd = await Promise.all([1, 2, 3, 4].map((customer) => ride(customer)));
    const begins = crowd.map((spans) => spanOf(spans, 'customer', 'BEGIN IMMEDIATE'));
    events.push(...begins.flatMap((span) => span.events.map(({ event }) => event)));
    before = crowd[0] ?? [];
  }
  expect(events).toContain('database is locked');
  expect(spanOf(before, 'customer', 'BEGIN IMMEDIATE').startUs).toBeLessThan(
    spanOf(before, 'route', 'GET /address').endUs,
  );

  await mend({ transactions: true });
  const after = await ride();
  expect(spanOf(after, 'customer', 'BEGIN IMMEDIATE').startUs + CLOCK_US).toBeGreaterThan(
    spanOf(after, 'route', 'GET /address').endUs,
  );
});

test('driver: lookups are a staircase, some time out; mended, they start together', async () => {
  const failed: Span[] = [];
  // An entry goes stale on its eighth read at the latest.
  for (let i = 0; i < 8 && failed.length === 0; i++) {
    const steps = lookups(await ride(2));
    expect(steps.length).toBeGreaterThanOrEqual(10);
    expect(overlaps(steps)).toBe(0);
    failed.push(...steps.filter(({ tags }) => tags['error'] === true));
  }
  expect(failed[0]?.tags).toMatchObject({ 'error.type': 'CacheTimeoutError' });

  await mend({ lookups: true });
  expect(overlaps(lookups(await ride(2)))).toBeGreaterThanOrEqual(5);
});

test('route: most of ten wait for a worker; mended, nobody waits', async () => {
  const waits = (spans: readonly Span[]) => spans.filter(({ name }) => name === 'wait for worker');
  expect(waits(await ride()).length).toBeGreaterThanOrEqual(1);
  await mend({ workers: true });
  expect(waits(await ride())).toHaveLength(0);
});

test('an unknown switch is refused with its name', async () => {
  const response = await fetch(`${app}/switches`, { method: 'PUT', body: '{"speed": true}' });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('speed');
});

test('it stops cleanly when asked, and its services with it', async () => {
  await demo.stop();
  expect(await demo.ends()).toContain('HotROD stops: SIGTERM');
  await expect(fetch(app)).rejects.toThrow('fetch failed');
});

test('it says so when no Spoor listens', async () => {
  const alone = hotrod('--port', '0', '--endpoint', 'http://127.0.0.1:9', '--duration', '1');
  expect(await alone.ends()).toMatch(/Spoor does not answer at http:\/\/127\.0\.0\.1:9.*npm start/);
});
