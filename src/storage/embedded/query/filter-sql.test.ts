/** SQL and JavaScript must agree on every filter and every span. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Filter, intrinsic } from '../../../filter/ast.ts';
import { compileFilter } from '../../../filter/evaluate.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { SpanView } from '../../../model/batch/view.ts';
import { RowGroupEncoder } from '../encode/row-group.ts';
import { RowCollector } from '../encode/rows.ts';
import { writeFile } from '../parquet/file.ts';
import { Stitcher } from '../parquet/stitch.ts';
import { joinTextKeys } from '../encode/text-keys.ts';
import { columnOfName } from '../schema.ts';
import type { TextKeys } from '../segment-index.ts';
import { namedParents, namesParentId, sourceWithParents } from './parent-sql.ts';
import { spans } from '../../conformance/plain-spans.ts';
import { boundValues } from './bound-values.ts';
import { FileShape } from './file-shape.ts';
import { filterSql } from './filter-sql.ts';
import { Random, randomFilter, randomSpan } from './random-spans.fixture.ts';
import { quoteText, SqlBuilder } from './sql-builder.ts';

let directory: string;
let connection: DuckDBConnection;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-filter-'));
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
});
afterAll(() => {
  connection.closeSync();
  rmSync(directory, { recursive: true });
});

interface Stored {
  readonly path: string;
  readonly shape: FileShape;
  readonly batch: SpanBatch;
}

const ROW_GROUPS = [100, 1, 199];

/** A file of 300 random spans in three row groups; a span's flags are its row in the batch. */
async function store(seed: number): Promise<Stored> {
  const random = new Random(seed);
  const plain = Array.from({ length: 300 }, (_, i) => ({ ...randomSpan(random), flags: i + 1 }));
  const batch = spans('t', plain);
  const parts: Uint8Array[] = [];
  const stitcher = new Stitcher(async (some) => void parts.push(...some));
  const textKeys: TextKeys[] = [];
  for (const count of ROW_GROUPS) {
    const rows = new RowCollector(1);
    rows.add(spans('t', plain.splice(0, count)), 1);
    const { chunks } = new RowGroupEncoder(rows).encode();
    await stitcher.add(writeFile(chunks, rows.count, {}).slice());
    textKeys.push(rows.textKeys.finish());
  }
  await stitcher.finish({});
  const path = join(directory, `${seed}.parquet`);
  writeFileSync(path, Buffer.concat(parts));
  const columns = stitcher.columns.flatMap((name) => columnOfName(name) ?? []);
  return { path, shape: new FileShape({ columns, textKeys: joinTextKeys(textKeys) }), batch };
}

async function found({ path, shape }: Stored, filter: Filter): Promise<number[]> {
  const sql = new SqlBuilder();
  const where = filterSql(filter, sql, shape);
  const source = namesParentId(where)
    ? sourceWithParents({ path, rowGroupRows: ROW_GROUPS }, shape, {
        parents: namedParents(filter),
      })
    : `read_parquet(${quoteText(path)})`;
  const plan = sql.plan(`SELECT flags FROM ${source} WHERE ${where}`);
  const rows = await (await connection.run(plan.sql, ...boundValues(plan.params))).getRows();
  return rows.map(([flags]) => Number(flags) - 1).toSorted((a, b) => a - b);
}

function expected({ batch }: Stored, filter: Filter): number[] {
  const matches = compileFilter(filter);
  const view = new SpanView(batch);
  return Array.from({ length: batch.count }, (_, row) => row).filter((row) =>
    matches(view.at(row)),
  );
}

const printed = (filter: Filter) =>
  JSON.stringify(filter, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));

test.each([1, 2])(
  'random filters on random spans (seed %i)',
  { timeout: 120_000 },
  async (seed) => {
    const stored = await store(seed);
    const random = new Random(seed * 1000);
    let hits = 0;
    for (let i = 0; i < 200; i++) {
      const filter = randomFilter(random);
      const rows = expected(stored, filter);
      if (rows.length > 0 && rows.length < stored.batch.count) hits++;
      expect(await found(stored, filter), printed(filter)).toEqual(rows);
    }
    // Filters that say the same of every span prove little.
    expect(hits).toBeGreaterThan(50);
  },
);

test('parents are found by their id wherever they are', async () => {
  const stored = await store(9);
  const field = intrinsic('parentSpanId');
  const ofServer: Filter = { op: 'compare', field: intrinsic('kind'), by: '=', value: 'server' };
  const filters: Filter[] = ['', '00000000000000ff', 'ff00000000000001', 'ff'].flatMap((value) => [
    { op: 'compare', field, by: '=', value },
    { op: 'compare', field, by: '!=', value },
    { op: 'regex', field, pattern: `^${value}` },
    { op: 'in', field, values: [value, 'ff00000000000002', 7n] },
    { op: 'or', of: [{ op: 'in', field, values: [value] }, ofServer] },
    { op: 'and', of: [ofServer, { op: 'in', field, values: [value, 'ff'] }] },
    { op: 'not', of: { op: 'in', field, values: [value] } },
  ]);
  const hits = filters.map(async (filter) => {
    const rows = expected(stored, filter);
    expect(await found(stored, filter), printed(filter)).toEqual(rows);
    return rows.length;
  });
  expect((await Promise.all(hits)).filter((count) => count > 10).length).toBeGreaterThan(7);
});

test('names and values cannot leave their place', async () => {
  const stored = await store(4);
  for (const key of [`"; DROP TABLE x; --`, `a" OR "a`, `'`, '\u00010\u0001', '$1']) {
    for (const scope of ['span', 'any', 'event'] as const) {
      const field = { kind: 'attribute', scope, key } as const;
      expect(await found(stored, { op: 'compare', field, by: '=', value: key })).toEqual([]);
      expect(await found(stored, { op: 'regex', field, pattern: '.' })).toEqual([]);
      expect(await found(stored, { op: 'looseEquals', key, text: key })).toEqual([]);
    }
  }
});
