/** The writer against two readers nobody here wrote. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ByteSink } from './byte-sink.ts';
import { ChunkEncoder, type ColumnInput, Physical } from './column-chunk.ts';
import { writeHybrid } from './encodings.ts';
import { writeFile } from './file.ts';
import { Stitcher } from './stitch.ts';

type Cell = bigint | number | boolean | string | null;
interface Column {
  readonly kind:
    | 'uint64'
    | 'int64'
    | 'uint32'
    | 'deltas32'
    | 'double'
    | 'bool'
    | 'string'
    | 'lengths'
    | 'dictionary';
  readonly cells: readonly Cell[];
}
type Columns = Record<string, Column>;

const folder = mkdtempSync(join(tmpdir(), 'spoor-parquet-'));
let connection: DuckDBConnection;
let files = 0;

beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
});
afterAll(() => {
  connection.closeSync();
  rmSync(folder, { recursive: true });
});

const encoder = new TextEncoder();

function plainStrings(values: readonly string[]): Uint8Array {
  const sink = new ByteSink();
  for (const value of values) {
    const bytes = encoder.encode(value);
    sink.u32(bytes.length);
    sink.append(bytes);
  }
  return sink.take();
}

const words = (values: readonly bigint[]) =>
  new Uint32Array(BigUint64Array.from(values.map((v) => BigInt.asUintN(64, v))).buffer);

function input(name: string, { kind, cells }: Column): ColumnInput {
  const values = cells.filter((cell) => cell !== null);
  const count = values.length;
  const isNullable = count < cells.length || kind === 'dictionary';
  const present = isNullable
    ? { present: Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1)) }
    : {};
  const base = { count, ...present };
  switch (kind) {
    case 'uint64':
    case 'int64': {
      const logical = kind === 'uint64' ? kind : undefined;
      const spec = { name, physical: Physical.int64, logical, isNullable };
      return { ...base, spec, values: { kind: 'delta', words: words(values as bigint[]) } };
    }
    case 'uint32': {
      const spec = { name, physical: Physical.int32, logical: kind, isNullable };
      const bytes = new Uint8Array(Uint32Array.from(values as number[]).buffer);
      return { ...base, spec, values: { kind: 'plain', bytes } };
    }
    case 'deltas32': {
      const spec = { name, physical: Physical.int32, logical: 'uint32', isNullable } as const;
      const numbers = Uint32Array.from(values as number[]);
      return { ...base, spec, values: { kind: 'delta32', numbers } };
    }
    case 'double': {
      const spec = { name, physical: Physical.double, isNullable };
      const bytes = new Uint8Array(Float64Array.from(values as number[]).buffer);
      return { ...base, spec, values: { kind: 'plain', bytes } };
    }
    case 'bool': {
      const spec = { name, physical: Physical.boolean, isNullable };
      return { ...base, spec, values: { kind: 'boolean', flags: Uint8Array.from(values, Number) } };
    }
    case 'string': {
      const spec = { name, physical: Physical.bytes, logical: 'string', isNullable } as const;
      return { ...base, spec, values: { kind: 'plain', bytes: plainStrings(values as string[]) } };
    }
    case 'lengths': {
      const spec = { name, physical: Physical.bytes, logical: 'string', isNullable } as const;
      const texts = (values as string[]).map((value) => encoder.encode(value));
      const lengths = words(texts.map(({ length }) => BigInt(length)));
      return { ...base, spec, values: { kind: 'strings', bytes: Buffer.concat(texts), lengths } };
    }
    case 'dictionary': {
      const spec = { name, physical: Physical.bytes, logical: 'string', isNullable } as const;
      const distinct = [...new Set(values as string[])];
      const codes = Uint32Array.from(values as string[], (value) => distinct.indexOf(value));
      const dictionary = plainStrings(distinct);
      return {
        ...base,
        spec,
        values: { kind: 'dictionary', dictionary, size: distinct.length, codes },
      };
    }
  }
}

function write(columns: Columns): Uint8Array {
  const rows = Object.values(columns)[0]!.cells.length;
  const chunks = new ChunkEncoder();
  return writeFile(
    Object.entries(columns).map(([name, column]) => chunks.encode(input(name, column), rows)),
    rows,
    { spoor: 'test' },
  ).slice();
}

function readHyparquet(file: Uint8Array): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({
    file: file.slice().buffer,
    compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) },
  });
}

async function readDuckdb(file: Uint8Array): Promise<Record<string, unknown>[]> {
  const path = join(folder, `${files++}.parquet`);
  writeFileSync(path, file);
  const result = await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`);
  return result.getRowObjects();
}

function rowsOf(columns: Columns): Record<string, Cell>[] {
  const entries = Object.entries(columns);
  return entries[0]![1].cells.map((_, row) =>
    Object.fromEntries(entries.map(([name, column]) => [name, column.cells[row]!])),
  );
}

/** hyparquet reads unsigned 64-bit numbers as signed, and an absent value as undefined. */
function signed(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  const cell = (value: unknown): unknown =>
    typeof value === 'bigint' ? BigInt.asIntN(64, value) : (value ?? null);
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([key, value]) => [key, cell(value)])),
  );
}

async function expectReadBack(columns: Columns, file = write(columns)): Promise<void> {
  const expected = rowsOf(columns);
  expect(await readDuckdb(file)).toEqual(expected);
  expect(signed(await readHyparquet(file))).toEqual(signed(expected));
}

const EXTREMES = [0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n), 5n, -(2n ** 62n), 2n ** 53n + 1n];
const TEXTS = ['', 'a', 'é漢😀', 'nul\u0000inside', '\u001f\u001e\u001d', 'x'.repeat(100_000)];

describe('what is written is read back by DuckDB and hyparquet', () => {
  test('every type, with nulls between', async () => {
    const cells = [null, ...EXTREMES, null];
    await expectReadBack({
      signed: { kind: 'int64', cells },
      unsigned: { kind: 'uint64', cells: cells.map((c) => c && BigInt.asUintN(64, c)) },
      small: { kind: 'uint32', cells: [0, 1, null, 2 ** 32 - 1, 5, 6, 7, 8, null, 10] },
      bool: { kind: 'bool', cells: [true, false, null, true, true, null, false, null, null, true] },
      text: { kind: 'string', cells: [...TEXTS, null, null, 'b', 'c'] },
      lengths: { kind: 'lengths', cells: [null, ...TEXTS, 'b', null, 'c'] },
      repeated: { kind: 'dictionary', cells: ['a', 'b', null, 'a', '', 'a', null, 'b', 'b', 'c'] },
      double: { kind: 'double', cells: [1.5, -0, Infinity, -Infinity, 5e-324, null, 0, 1, 2, 3] },
    });
  });

  test('NaN', async () => {
    const file = write({ double: { kind: 'double', cells: [NaN, 1] } });
    expect(await readDuckdb(file)).toEqual([{ double: NaN }, { double: 1 }]);
    expect(await readHyparquet(file)).toEqual([{ double: NaN }, { double: 1 }]);
  });

  test('a single row', async () => {
    await expectReadBack({
      n: { kind: 'int64', cells: [7n] },
      t: { kind: 'dictionary', cells: ['x'] },
      b: { kind: 'bool', cells: [true] },
    });
  });

  test('columns of nulls only', async () => {
    const cells = Array.from({ length: 300 }, () => null);
    await expectReadBack({
      n: { kind: 'int64', cells },
      t: { kind: 'dictionary', cells },
      s: { kind: 'string', cells },
      l: { kind: 'lengths', cells },
      b: { kind: 'bool', cells },
      d: { kind: 'double', cells },
    });
  });

  test('a file without rows', async () => {
    expect(await readDuckdb(write({ n: { kind: 'int64', cells: [] } }))).toEqual([]);
  });

  test('dictionaries of 1, 256, 257 and 70,000 values', async () => {
    for (const size of [1, 256, 257, 70_000]) {
      const cells = Array.from({ length: size + 10 }, (_, i) => `v${i % size}`);
      const sink = plainStrings(cells.slice(0, size));
      const codes = Uint32Array.from(cells, (_, i) => i % size);
      const spec = { name: 'c', physical: Physical.bytes, logical: 'string', isNullable: false };
      const file = writeFile(
        [
          new ChunkEncoder().encode(
            {
              spec: { ...spec, logical: 'string' },
              count: cells.length,
              values: { kind: 'dictionary', dictionary: sink, size, codes },
            },
            cells.length,
          ),
        ],
        cells.length,
        {},
      ).slice();
      // Joined: comparing lists of 70,000 that differ would print them.
      const joined = cells.join();
      expect((await readDuckdb(file)).map((row) => row['c']).join() === joined).toBe(true);
      expect((await readHyparquet(file)).map((row) => row['c']).join() === joined).toBe(true);
    }
  });

  test('random 64-bit numbers of all magnitudes as deltas', async () => {
    const magnitude = fc.integer({ min: 0, max: 63 });
    const number = magnitude.chain((bits) =>
      fc.bigInt({ min: -(2n ** BigInt(bits)), max: 2n ** BigInt(bits) - 1n }),
    );
    const column = fc.array(number, { minLength: 1, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(column, async (cells) => {
        const file = write({ n: { kind: 'int64', cells } });
        expect((await readHyparquet(file)).map((row) => row['n'])).toEqual(cells);
        expect((await readDuckdb(file)).map((row) => row['n'])).toEqual(cells);
      }),
      { numRuns: 60 },
    );
  });

  test('random 32-bit numbers of all magnitudes as deltas', async () => {
    const magnitude = fc.integer({ min: 0, max: 32 });
    const number = magnitude.chain((bits) => fc.integer({ min: 0, max: 2 ** bits - 1 }));
    const column = fc.array(number, { minLength: 1, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(column, async (cells) => {
        await expectReadBack({ n: { kind: 'deltas32', cells } });
      }),
      { numRuns: 60, examples: [[[0, 2 ** 32 - 1, 0, 2 ** 31, 2 ** 31 - 1, 1]]] },
    );
  });

  test('levels and booleans in runs of every length', async () => {
    const run = fc.tuple(fc.constantFrom(true, false, null), fc.integer({ min: 1, max: 200 }));
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 20 }), async (runs) => {
        const cells = runs.flatMap(([cell, length]) => Array.from({ length }, () => cell));
        const codes = cells.map((cell) => (cell === null ? null : String(cell)));
        await expectReadBack({
          b: { kind: 'bool', cells },
          d: { kind: 'dictionary', cells: codes },
        });
      }),
      { numRuns: 40 },
    );
  });
});

test('runs cost a few bytes', () => {
  const sink = new ByteSink();
  writeHybrid(sink, new Uint8Array(30_000).fill(3), 30_000, 8);
  expect(sink.length).toBeLessThan(6);
});

test('stitching keeps every row and fills absent columns with nulls', async () => {
  const first = write({
    n: { kind: 'int64', cells: [1n, null, 3n] },
    t: { kind: 'dictionary', cells: ['a', 'a', 'b'] },
  });
  const second = write({
    t: { kind: 'dictionary', cells: ['c', null] },
    d: { kind: 'double', cells: [0.5, null] },
  });
  const once = await stitch([first, second]);
  const rows = [
    { n: 1n, t: 'a', d: null },
    { n: null, t: 'a', d: null },
    { n: 3n, t: 'b', d: null },
    { n: null, t: 'c', d: 0.5 },
    { n: null, t: null, d: null },
  ];
  expect(await readDuckdb(once)).toEqual(rows);
  expect(signed(await readHyparquet(once))).toEqual(rows);
  const twice = await stitch([once, second, once]);
  const all = [...rows, ...rows.slice(3), ...rows];
  expect(await readDuckdb(twice)).toEqual(all);
  expect(signed(await readHyparquet(twice))).toEqual(all);
});

test('stitching refuses a file that is cut short', async () => {
  const file = write({ n: { kind: 'int64', cells: [1n] } });
  await expect(stitch([file.subarray(0, file.length - 3)])).rejects.toThrow(RangeError);
});

async function stitch(inputs: readonly Uint8Array[]): Promise<Uint8Array> {
  const sink = new ByteSink();
  const stitcher = new Stitcher(async (parts) => {
    for (const part of parts) sink.append(part);
  });
  for (const one of inputs) await stitcher.add(one);
  await stitcher.finish({ spoor: 'stitched' });
  return sink.take();
}
