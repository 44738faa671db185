/** What people ask of a store, a class of questions each, and the same as plain SQL over its Parquet
 *  files where one statement says it. */

import { EVERY, type Filter, intrinsic } from '../src/filter/ast.ts';
import { SpanView } from '../src/model/batch/view.ts';
import { searchFilter } from '../src/query/search-filter.ts';
import type { AggregateQuery, TraceOrder, TraceReader } from '../src/storage/contract.ts';
import type { Filled } from './filled.ts';

export interface Question {
  readonly name: string;
  /** The n-th asking; resolves with how much was found. */
  readonly ask: (reader: TraceReader, n: number) => Promise<number>;
  /** Less is an error. */
  readonly wanted: number;
  /** `$spans` stands for the rows. */
  readonly sql?: string;
}

const TENANT = 'default';
const SERVICE = 'cart';
const OPERATION = 'com.example.shop.v1.CartService/GetCart';
const ORDERS: readonly TraceOrder[] = ['oldest', 'longest', 'shortest', 'mostSpans', 'mostErrors'];
const SAMPLES = 200;
/** UUIDs are stored as such. */
const REQUEST_ID = '"span.app.request.id:uuid:string"';
const VALUES = [
  ['url.path', '/p', '"span.url.path"'],
  ['app.request.id', '0', REQUEST_ID],
  ['rpc.method', 'G', '"span.rpc.method"'],
] as const;

export async function questionsOf(reader: TraceReader, store: Filled): Promise<Question[]> {
  const { ids, requestIds } = await samples(reader, store);
  return [
    {
      name: 'trace by id',
      ask: async (from, n) => {
        const traceId = ids[(n * 37) % ids.length] ?? '';
        return (await from.getTrace(TENANT, { traceId }))?.count ?? 0;
      },
      wanted: 1,
      sql: `SELECT * FROM $spans WHERE trace_id = unhex('${ids[0]}')`,
    },
    ...searches(store, requestIds),
    ...conditions(store, ids),
    ...orders(store),
    ...lists(store),
  ];
}

/** What a search can say beside service, name and tags; nothing in DuckDB alone says the like. */
function conditions({ range }: Filled, ids: readonly string[]): Question[] {
  const ofTrace = (name: 'durationNano' | 'rootService') => ({ kind: 'trace', name }) as const;
  const exception = { kind: 'attribute', scope: 'event', key: 'exception.type' } as const;
  const service = searchFilter({ service: SERVICE, tags: [] }) ?? EVERY;
  const rows: readonly (readonly [name: string, filter: Filter, wanted: number])[] = [
    [
      'traces over 1 s',
      { op: 'compare', field: ofTrace('durationNano'), by: '>', value: 1_000_000_000n },
      20,
    ],
    [
      'traces over an hour',
      { op: 'compare', field: ofTrace('durationNano'), by: '>', value: 3_600_000_000_000n },
      0,
    ],
    [
      'traces of a root service that none has',
      { op: 'compare', field: ofTrace('rootService'), by: '=', value: SERVICE },
      0,
    ],
    [
      'traces of a root service',
      { op: 'compare', field: ofTrace('rootService'), by: '=', value: 'frontend-proxy' },
      20,
    ],
    ['all services but one', { op: 'not', of: service }, 20],
    ['an attribute of events', { op: 'exists', field: exception }, 1],
    [
      'a parent span id that is nowhere',
      { op: 'compare', field: intrinsic('parentSpanId'), by: '=', value: ids[0]?.slice(16) ?? '' },
      0,
    ],
  ];
  return rows.map(([name, filter, wanted]) => ({
    name,
    wanted,
    ask: async (reader) =>
      (await reader.findTraces({ tenant: TENANT, range, limit: 20, filter })).traces.length,
  }));
}

type Row = readonly [name: string, filter: Filter | undefined, wanted: number, where: string];

function searches(store: Filled, requestIds: readonly string[]): Question[] {
  const service = { service: SERVICE, tags: [] };
  const rare = requestIds[0] ?? '';
  const url = { kind: 'attribute', scope: 'span', key: 'url.path' } as const;
  const rows: readonly Row[] = [
    ['newest 20 of all', undefined, 20, 'true'],
    [
      'service+operation, newest 20',
      searchFilter({ ...service, operation: OPERATION }),
      20,
      `service = '${SERVICE}' AND name = '${OPERATION}'`,
    ],
    [
      'rare value',
      searchFilter({ tags: [['app.request.id', rare]] }),
      1,
      `${REQUEST_ID} = '${rare}'::UUID`,
    ],
    [
      'rare value of a service',
      searchFilter({ service: 'cart', tags: [['app.user.id', 'user-31337']] }),
      0,
      `service = 'cart' AND "span.app.user.id" = 'user-31337'`,
    ],
    [
      'a value that is nowhere',
      searchFilter({ tags: [['app.request.id', 'f0000000-0000-4000-8000-00000000000f']] }),
      0,
      `${REQUEST_ID} = 'f0000000-0000-4000-8000-00000000000f'::UUID`,
    ],
    ['a key that is nowhere', searchFilter({ tags: [['no.such.key', 'x']] }), 0, 'false'],
    ['errors', searchFilter({ ...service, tags: [['error', 'true']] }), 20, 'status = 2'],
    [
      'duration over 300 ms',
      searchFilter({ service: 'frontend', tags: [], minDurationNano: 300_000_000n }),
      20,
      `service = 'frontend' AND duration_nano >= 300000000`,
    ],
    [
      'regex that many match',
      { op: 'regex', field: url, pattern: '^/product/P0.*7$' },
      20,
      `regexp_matches("span.url.path", '^/product/P0.*7$')`,
    ],
    [
      'regex that none matches',
      { op: 'regex', field: url, pattern: 'nowhere[0-9]+$' },
      0,
      `regexp_matches("span.url.path", 'nowhere[0-9]+$')`,
    ],
  ];
  return rows.map(([name, filter, wanted, where]) => ({
    name,
    wanted,
    ask: async (reader) => {
      const query = { tenant: TENANT, range: store.range, limit: 20, filter };
      return (await reader.findTraces(query)).traces.length;
    },
    sql: `SELECT trace_id, max(start_nano) AS key FROM $spans WHERE ${where}
      GROUP BY trace_id ORDER BY key DESC LIMIT 20`,
  }));
}

const DURATION = 'max(start_nano::HUGEINT + duration_nano) - min(start_nano)';
const KEYS: Record<TraceOrder, string> = {
  newest: 'max(start_nano) DESC',
  oldest: 'max(start_nano) ASC',
  longest: `${DURATION} DESC`,
  shortest: `${DURATION} ASC`,
  mostSpans: 'count(*) DESC',
  mostErrors: 'count(*) FILTER (status = 2) DESC',
};

function orders(store: Filled): Question[] {
  return ORDERS.flatMap((order) =>
    [undefined, SERVICE].map((service) => ({
      name: `${order} 20 of ${service ?? 'all'}`,
      wanted: 20,
      ask: async (reader: TraceReader) => {
        const filter = searchFilter({ service, tags: [] });
        const query = { tenant: TENANT, range: store.range, limit: 20, order, filter };
        return (await reader.findTraces(query)).traces.length;
      },
      sql: `SELECT trace_id FROM $spans GROUP BY trace_id
        ${service === undefined ? '' : `HAVING bool_or(service = '${service}')`}
        ORDER BY ${KEYS[order]} LIMIT 20`,
    })),
  );
}

function lists(store: Filled): Question[] {
  const { startNano, endNano } = store.range;
  const lastHour = { startNano: endNano - 3_600_000_000_000n, endNano };
  return [
    {
      name: 'services',
      ask: async (reader) => (await reader.getServices(TENANT)).length,
      wanted: 16,
      sql: 'SELECT DISTINCT service FROM $spans',
    },
    {
      name: 'operations',
      ask: async (reader) => (await reader.getOperations(TENANT, { service: SERVICE })).length,
      wanted: 1,
      sql: `SELECT DISTINCT name, kind FROM $spans WHERE service = '${SERVICE}'`,
    },
    {
      name: 'attribute keys',
      ask: async (reader) => (await reader.getAttributeKeys(TENANT)).length,
      wanted: 20,
    },
    ...VALUES.map(([key, prefix, column]) => ({
      name: `values of ${key} by prefix`,
      ask: async (reader: TraceReader) => {
        const query = { tenant: TENANT, scope: 'span', key, prefix, limit: 20 } as const;
        return (await reader.getAttributeValues(query)).length;
      },
      wanted: 1,
      sql: `SELECT ${column} AS value, count(*) FROM $spans
        WHERE starts_with(${column}::VARCHAR, '${prefix}')
        GROUP BY value ORDER BY 2 DESC LIMIT 20`,
    })),
    {
      name: 'summaries of the newest 1000',
      ask: async (reader) => {
        const query = { tenant: TENANT, range: { startNano, endNano }, limit: 1000 };
        return (await reader.findTraces(query)).traces.length;
      },
      wanted: 1000,
    },
    ...aggregates(store),
    {
      name: 'dependencies of the last hour',
      ask: async (reader) => (await reader.getDependencies(TENANT, lastHour)).length,
      wanted: 1,
    },
    {
      name: 'dependencies of all',
      ask: async (reader) => (await reader.getDependencies(TENANT, store.range)).length,
      wanted: 1,
    },
  ];
}

function aggregates({ range }: Filled): Question[] {
  const count = async (reader: TraceReader, more: Partial<AggregateQuery>) => {
    const groupBy = [intrinsic('service')];
    const query = { tenant: TENANT, range, groupBy, groupsMax: 100, ...more };
    return (await reader.aggregate?.(query))?.series.length ?? 0;
  };
  const value = intrinsic('durationNano');
  return [
    {
      name: 'p99 of durations by service',
      ask: (reader) => count(reader, { value, quantiles: [0.99] }),
      wanted: 16,
      sql: 'SELECT service, quantile_cont(duration_nano, 0.99) FROM $spans GROUP BY service',
    },
    {
      name: 'rates and errors by service, a point each 5 minutes',
      ask: (reader) => count(reader, { stepNano: 300_000_000_000n }),
      wanted: 16,
      sql: `SELECT service, start_nano // 300000000000, count(*), count(*) FILTER (status = 2)
        FROM $spans GROUP BY ALL`,
    },
    {
      name: 'p95 of durations by route of a service',
      ask: (reader) =>
        count(reader, {
          value,
          quantiles: [0.95],
          filter: searchFilter({ service: 'frontend', tags: [] }),
          groupBy: [{ kind: 'attribute', scope: 'span', key: 'http.route' }],
        }),
      wanted: 2,
      sql: `SELECT "span.http.route", quantile_cont(duration_nano, 0.95) FROM $spans
        WHERE service = 'frontend' GROUP BY ALL`,
    },
  ];
}

/** Traces from all over the store, and a value of each that no other has. */
async function samples(
  reader: TraceReader,
  { range }: Filled,
): Promise<{ ids: string[]; requestIds: string[] }> {
  const ids: string[] = [];
  const requestIds: string[] = [];
  const step = (range.endNano - range.startNano) / 20n;
  for (let part = 0n; part < 20n; part++) {
    const startNano = range.startNano + part * step;
    const within = { startNano, endNano: startNano + step };
    const page = await reader.findTraces({
      tenant: TENANT,
      range: within,
      limit: SAMPLES / 20,
    });
    ids.push(...page.traces.map(({ traceId }) => traceId));
  }
  for (const traceId of ids.slice(0, 20)) {
    const batch = await reader.getTrace(TENANT, { traceId });
    for (let row = 0; row < (batch?.count ?? 0); row++) {
      if (batch === undefined) continue;
      const found = new SpanView(batch, row).attributes.find(({ key }) => key === 'app.request.id');
      if (found?.value.type === 'string') requestIds.push(found.value.value);
    }
  }
  return { ids, requestIds };
}
