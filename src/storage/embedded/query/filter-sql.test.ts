/** SQL and JavaScript must agree on every filter and every span. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Filter } from '../../../filter/ast.ts';
import { compileFilter } from '../../../filter/evaluate.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { SpanView } from '../../../model/batch/view.ts';
import { RowGroupEncoder } from '../encode/row-group.ts';
import { RowCollector } from '../encode/rows.ts';
import { writeFile } from '../parquet/file.ts';
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

/** A file of 300 random spans; a span's flags are its row in the batch. */
function store(seed: number): Stored {
  const random = new Random(seed);
  const plain = Array.from({ length: 300 }, (_, i) => ({ ...randomSpan(random), flags: i + 1 }));
  const batch = spans('t', plain);
  const rows = new RowCollector(1);
  rows.add(batch, 1);
  const { chunks, columns } = new RowGroupEncoder(rows).encode();
  const path = join(directory, `${seed}.parquet`);
  writeFileSync(path, writeFile(chunks, rows.count, {}));
  return { path, shape: new FileShape({ columns, textKeys: rows.textKeys.finish() }), batch };
}

async function found({ path, shape }: Stored, filter: Filter): Promise<number[]> {
  const sql = new SqlBuilder();
  const where = filterSql(filter, sql, shape);
  const plan = sql.plan(`SELECT flags FROM read_parquet(${quoteText(path)}) WHERE ${where}`);
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
    const stored = store(seed);
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

test('names and values cannot leave their place', async () => {
  const stored = store(4);
  for (const key of [`"; DROP TABLE x; --`, `a" OR "a`, `'`, '\u00010\u0001', '$1']) {
    for (const scope of ['span', 'any', 'event'] as const) {
      const field = { kind: 'attribute', scope, key } as const;
      expect(await found(stored, { op: 'compare', field, by: '=', value: key })).toEqual([]);
      expect(await found(stored, { op: 'regex', field, pattern: '.' })).toEqual([]);
      expect(await found(stored, { op: 'looseEquals', key, text: key })).toEqual([]);
    }
  }
});
