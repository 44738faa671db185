/** Claim: over 1M spans on disk a trace is read by id in 15 ms (p50) and 50 ms (p99), the newest 20
 *  of a service and operation are found in 70 ms, and a value that nothing has in 180 ms. Baseline of
 *  the ratio: DuckDB counting all rows by service. */

import { bytesFromHex } from '../src/model/ids.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { Filter } from '../src/filter/ast.ts';
import type { TraceQuery } from '../src/storage/contract.ts';
import { findDependencies } from '../src/storage/embedded/query/find-dependencies.ts';
import { findTraces } from '../src/storage/embedded/query/find-traces.ts';
import { readTraces } from '../src/storage/embedded/query/read-traces.ts';
import { StoredTenant } from '../src/storage/embedded/query/stored-tenant.fixture.ts';
import { sdkBatches } from './encode.ts';

const ROW_GROUP = 32_768;
const ALL = { startNano: 0n, endNano: 2n ** 64n };

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface QueryFigures {
  readonly spans: number;
  readonly rssBytes: number;
  readonly latencies: ReadonlyMap<string, Latency>;
}

const is = (name: 'service' | 'name', value: string): Filter => ({
  op: 'compare',
  field: { kind: 'intrinsic', name },
  by: '=',
  value,
});
const tag = (key: string, text: string): Filter => ({ op: 'looseEquals', key, text });

export async function measureQueries(spans = 32 * ROW_GROUP): Promise<QueryFigures> {
  const store = new StoredTenant();
  try {
    const ids = await fill(store, spans);
    return { spans, ...(await measure(store, ids)) };
  } finally {
    await store.close();
  }
}

/** Segments of 32 row groups each; returns ids of some traces. */
async function fill(store: StoredTenant, spans: number): Promise<string[]> {
  const ids = new Set<string>();
  let rows = 0;
  for (const batch of sdkBatches(spans)) {
    store.add(batch);
    rows += batch.count;
    ids.add(Buffer.from(batch.spans.columns.traceIds.subarray(0, 16)).toString('hex'));
    if (rows >= ROW_GROUP) {
      await store.flush();
      rows = 0;
    }
  }
  if (rows > 0) await store.flush();
  await store.stitch(32);
  return [...ids];
}

async function measure(
  store: StoredTenant,
  ids: readonly string[],
): Promise<Omit<QueryFigures, 'spans'>> {
  const context = await store.context();
  const query: TraceQuery = { tenant: 't', range: ALL, limit: 20 };
  const first = await findTraces(context, query);
  const [shown] = first.traces;
  const service = shown?.rootService ?? '';
  const name = shown?.rootName ?? '';
  const search =
    (filter: Filter | undefined, more: Partial<TraceQuery> = {}) =>
    async () => {
      await findTraces(context, { ...query, filter, ...more });
    };
  const last = shown?.startNano ?? 0n;
  const works: [string, number, (i: number) => Promise<unknown>][] = [
    [
      'trace by id',
      300,
      async (i) => {
        const traceId = ids[(i * 7919) % ids.length] ?? '';
        for await (const batch of readTraces(context, [{ traceId }])) return batch.count;
        return 0;
      },
    ],
    [
      '20 traces by id',
      20,
      async (i) => {
        const refs = Array.from({ length: 20 }, (_, j) => ({
          traceId: ids[(i * 20 + j) % ids.length] ?? '',
        }));
        let rows = 0;
        for await (const batch of readTraces(context, refs)) rows += batch.count;
        return rows;
      },
    ],
    ['index only', 300, async (i) => look(context, ids[(i * 7919) % ids.length] ?? '')],
    ['newest 20', 50, search(undefined)],
    [
      'service + operation, newest 20',
      50,
      search({ op: 'and', of: [is('service', service), is('name', name)] }),
    ],
    [
      'service + tag + duration',
      50,
      search({
        op: 'and',
        of: [
          is('service', service),
          tag('http.response.status_code', '404'),
          {
            op: 'compare',
            field: { kind: 'intrinsic', name: 'durationNano' },
            by: '>',
            value: 20_000_000n,
          },
        ],
      }),
    ],
    ['a value nothing has', 30, search(tag('user.id', 'nobody'))],
    [
      'a regex nothing has',
      10,
      search({
        op: 'regex',
        field: { kind: 'attribute', scope: 'span', key: 'url.path' },
        pattern: 'zz[0-9]+$',
      }),
    ],
    ['longest 20', 10, search(undefined, { order: 'longest' })],
    ['mostSpans of a service', 10, search(is('service', service), { order: 'mostSpans' })],
    [
      'dependencies of a tenth',
      10,
      () => findDependencies(context, { startNano: last - 6_000_000_000n, endNano: last }),
    ],
    [
      'baseline: rows by service',
      20,
      () =>
        store.port.run(
          {
            sql: `SELECT service, count(*) FROM read_parquet([${store.files.map((f) => `'${f.path}'`).join(',')}]) GROUP BY 1`,
            params: [],
          },
          { lane: 't' },
        ),
    ],
  ];
  const latencies = new Map<string, Latency>();
  for (const [label, times, work] of works) latencies.set(label, await timed(times, work));
  return { latencies, rssBytes: process.memoryUsage.rss() };
}

function look(context: Awaited<ReturnType<StoredTenant['context']>>, traceId: string) {
  const id = bytesFromHex(traceId, 16);
  if (id === undefined) return;
  for (const { index } of context.manifest.files) {
    const at = index?.find(id) ?? -1;
    if (at >= 0) index?.summaryAt(at);
  }
}

async function timed(times: number, work: (i: number) => Promise<unknown>): Promise<Latency> {
  await work(0);
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const before = systemClock.monotonicMs();
    await work(i);
    taken.push(systemClock.monotonicMs() - before);
  }
  taken.sort((a, b) => a - b);
  const at = (part: number) =>
    taken[Math.min(taken.length - 1, Math.floor(taken.length * part))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

if (import.meta.main) {
  const { spans, rssBytes, latencies } = await measureQueries(
    Number(process.argv[2] ?? 32 * ROW_GROUP),
  );
  console.log(`${spans} spans, rss of this process ${Math.round(rssBytes / 1e6)} MB`);
  for (const [label, { p50, p99 }] of latencies) {
    console.log(
      `${label.padEnd(34)} p50 ${p50.toFixed(1).padStart(7)}  p99 ${p99.toFixed(1).padStart(7)} ms`,
    );
  }
}
