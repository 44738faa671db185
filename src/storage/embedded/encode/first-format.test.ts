/** Files from before parents were places and strings were packed are read, searched and stitched. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, expect, test } from 'vitest';
import type { Filter } from '../../../filter/ast.ts';
import { compileFilter } from '../../../filter/evaluate.ts';
import { SpanView } from '../../../model/batch/view.ts';
import { spans, storedSpans, texts } from '../../conformance/plain-spans.ts';
import type { DataFile } from '../manifest.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import { boundValues } from '../query/bound-values.ts';
import { rowsOf } from '../query/file-rows.ts';
import { filterSql } from '../query/filter-sql.ts';
import { SqlBuilder } from '../query/sql-builder.ts';
import { readRowGroup } from '../read/row-group-batch.ts';
import { openDataFile } from './data-file.ts';
import { encodeRows, joinFiles } from './file-builder.ts';
import { FIRST_FORMAT_SPANS } from './first-format.fixture.ts';
import { RowGroupEncoder } from './row-group.ts';
import { RowCollector } from './rows.ts';

const FIRST = join(import.meta.dirname, '../../../../test/fixtures/store/first-format.parquet');
const directory = mkdtempSync(join(tmpdir(), 'spoor-first-format-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Of the same spans, under other trace ids. */
const NEWER_SPANS = FIRST_FORMAT_SPANS.map((span) => ({
  ...span,
  traceId: `1${(span.traceId ?? '').slice(1)}`,
}));
const ALL = spans('default', [...FIRST_FORMAT_SPANS, ...NEWER_SPANS]);

/** The old file and a row group of today as one. */
async function stitched(): Promise<DataFile> {
  const rows = new RowCollector(1);
  rows.add(spans('default', NEWER_SPANS), 4);
  const facts = { tenant: 'default', from: 8, to: 8, walTo: 4, writtenAtMs: 0 };
  const newer = encodeRows(rows, new RowGroupEncoder(rows), facts);
  const { index } = await openDataFile(FIRST);
  if (index === undefined) throw new Error('the index of the first format is not read');
  const entries = Array.from({ length: index.traceCount }, (_, i) => ({
    summary: index.summaryAt(i),
    rowGroups: index.rowGroupsAt(i),
  }));
  const parts: Uint8Array[] = [];
  const joined = await joinFiles(
    [
      {
        header: index.header,
        entries: () => entries,
        parquet: async () => readFileSync(FIRST),
        red: () => index.red(),
      },
      {
        header: newer.header,
        entries: () => newer.entries,
        parquet: async () => newer.parquet,
        red: () => newer.red,
      },
    ],
    async (written) => void parts.push(...written.map((part) => part.slice())),
  );
  const path = join(directory, '7-8.parquet');
  writeFileSync(path, Buffer.concat(parts));
  writeFileSync(join(directory, '7-8.idx'), joined.index);
  return openDataFile(path);
}

function contentOf(path: string): string[] {
  const file = ParquetFile.open(path);
  const batches = file.footer.rowGroups.map((_, rowGroup) => readRowGroup(file, rowGroup));
  file.close();
  return texts(batches.flatMap((batch) => storedSpans(batch)));
}

test('a file of the first format is read as it was written', () => {
  expect(contentOf(FIRST)).toEqual(texts(storedSpans(spans('default', FIRST_FORMAT_SPANS))));
});

test('its index says of its traces what one of today says', async () => {
  const rows = new RowCollector(1);
  rows.add(spans('default', FIRST_FORMAT_SPANS), 4);
  const facts = { tenant: 'default', from: 7, to: 7, walTo: 4, writtenAtMs: 0 };
  const { entries } = encodeRows(rows, new RowGroupEncoder(rows), facts);
  const { index } = await openDataFile(FIRST);
  const found = entries.map((_, i) => ({
    summary: index?.summaryAt(i),
    rowGroups: index?.rowGroupsAt(i),
  }));
  expect(found).toEqual(entries);
});

test('it is stitched with files of today, and all spans come back', async () => {
  const { path, rowGroupRows } = await stitched();
  expect(rowGroupRows).toEqual([40, 40]);
  expect(contentOf(path)).toEqual(texts(storedSpans(ALL)));
});

test('searches find what is in either', async () => {
  const file = await stitched();
  const database = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await database.connect();
  const attribute = (key: string) => ({ kind: 'attribute', scope: 'span', key }) as const;
  const parent = { kind: 'intrinsic', name: 'parentSpanId' } as const;
  const uuid = '8c7b3f2a-1111-4222-8333-00000000000a';
  const filters: Filter[] = [
    { op: 'compare', field: attribute('request.id'), by: '=', value: uuid },
    { op: 'regex', field: attribute('request.id'), pattern: '0[3-5]$' },
    { op: 'compare', field: attribute('peer'), by: '=', value: '10.0.7.255' },
    { op: 'compare', field: attribute('peer'), by: '<', value: '10.0.2' },
    { op: 'compare', field: attribute('peer'), by: '=', value: 'localhost' },
    { op: 'compare', field: parent, by: '=', value: '000000000000f003' },
    { op: 'compare', field: parent, by: '=', value: '000000000000dead' },
    { op: 'compare', field: parent, by: '=', value: '' },
    { op: 'regex', field: parent, pattern: 'f00[0-4]$' },
  ];
  const view = new SpanView(ALL);
  for (const filter of filters) {
    const sql = new SqlBuilder();
    const rows = rowsOf([file], {
      select: () => 'hex(trace_id) AS trace, hex(span_id) AS span',
      where: (shape) => filterSql(filter, sql, shape),
    });
    const plan = sql.plan(`FROM ${rows ?? ''}`);
    const found = await (await connection.run(plan.sql, ...boundValues(plan.params))).getRows();
    const matches = compileFilter(filter);
    const wanted = Array.from({ length: ALL.count }, (_, row) => row)
      .filter((row) => matches(view.at(row)))
      .map((row) => `${view.at(row).traceId} ${view.at(row).spanId.replace(/^0+/, '')}`);
    const ids = found.map(([trace, span]) => `${String(trace)} ${String(span)}`.toLowerCase());
    expect(ids.toSorted()).toEqual(wanted.toSorted());
    expect(wanted.length % 2).toBe(0);
    expect(wanted.length).toBeGreaterThan(0);
  }
  connection.closeSync();
});
