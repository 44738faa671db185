/** The reader gives back what was written, whole and in part, and calls every other byte damage. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { StorageError } from '../../contract.ts';
import { ByteSink } from './byte-sink.ts';
import { ChunkEncoder, type ColumnInput, type ColumnValues, Physical } from './column-chunk.ts';
import { writeFile } from './file.ts';
import { FooterCache } from './footer-cache.ts';
import { ParquetFile } from './parquet-file.ts';
import { bytesAt, isNullAt, type ReadColumn } from './read-column.ts';
import { Stitcher } from './stitch.ts';

type Cell = bigint | number | string | null;
type Shape =
  | 'delta'
  | 'int64'
  | 'uint32'
  | 'int32'
  | 'deltas32'
  | 'double'
  | 'bool'
  | 'lengths'
  | 'plain'
  | 'fixed';

interface Column {
  readonly shape: Shape;
  readonly isDictionary: boolean;
  readonly cells: readonly Cell[];
}

const folder = mkdtempSync(join(tmpdir(), 'spoor-parquet-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const encoder = new TextEncoder();

function plainOf(shape: Shape, cells: readonly Cell[]): Uint8Array {
  const sink = new ByteSink();
  for (const cell of cells) {
    if (typeof cell === 'string') {
      const bytes = encoder.encode(cell);
      if (shape !== 'fixed') sink.u32(bytes.length);
      sink.append(bytes);
    } else if (typeof cell === 'bigint') {
      sink.append(new Uint8Array(BigInt64Array.of(cell).buffer));
    } else if (shape === 'double') {
      sink.append(new Uint8Array(Float64Array.of(cell ?? 0).buffer));
    } else {
      sink.u32((cell ?? 0) >>> 0);
    }
  }
  return sink.take();
}

function valuesOf({ shape, isDictionary }: Column, cells: readonly Cell[]): ColumnValues {
  const longs = (numbers: readonly bigint[]) =>
    new Uint32Array(BigInt64Array.from(numbers.length > 0 ? numbers : [0n]).buffer);
  if (shape === 'bool') return { kind: 'boolean', flags: Uint8Array.from(cells, Number) };
  if (isDictionary) {
    const entries = [...new Set(cells)];
    const codes = Uint32Array.from(cells, (cell) => entries.indexOf(cell));
    return { kind: 'dictionary', dictionary: plainOf(shape, entries), size: entries.length, codes };
  }
  if (shape === 'delta') return { kind: 'delta', words: longs(cells as bigint[]) };
  if (shape === 'deltas32') {
    return { kind: 'delta32', numbers: Uint32Array.from(cells as number[]) };
  }
  if (shape === 'lengths') {
    const texts = cells.map((cell) => encoder.encode(String(cell)));
    const lengths = longs(texts.map(({ length }) => BigInt(length)));
    return { kind: 'strings', bytes: Buffer.concat(texts), lengths };
  }
  return { kind: 'plain', bytes: plainOf(shape, cells) };
}

function specOf(name: string, shape: Shape, isNullable: boolean): ColumnInput['spec'] {
  switch (shape) {
    case 'delta':
    case 'int64':
      return { name, physical: Physical.int64, isNullable };
    case 'uint32':
    case 'deltas32':
      return { name, physical: Physical.int32, logical: 'uint32', isNullable };
    case 'int32':
      return { name, physical: Physical.int32, isNullable };
    case 'double':
      return { name, physical: Physical.double, isNullable };
    case 'bool':
      return { name, physical: Physical.boolean, isNullable };
    case 'lengths':
    case 'plain':
      return { name, physical: Physical.bytes, logical: 'string', isNullable };
    case 'fixed':
      return { name, physical: Physical.fixed, fixedBytes: 4, isNullable };
  }
}

const encodings = new ChunkEncoder();

function write(columns: Readonly<Record<string, Column>>): Uint8Array {
  const rows = Object.values(columns)[0]!.cells.length;
  const chunks = Object.entries(columns).flatMap(([name, column]) => {
    const there = column.cells.filter((cell) => cell !== null);
    if (there.length === 0) return [];
    const isNullable = there.length < rows || column.isDictionary;
    const spec = specOf(name, column.shape, isNullable);
    const present = isNullable
      ? Uint8Array.from(column.cells, (cell) => (cell === null ? 0 : 1))
      : undefined;
    const values = valuesOf(column, there);
    return [encodings.encode({ spec, values, count: there.length, present }, rows)];
  });
  return writeFile(chunks, rows, { spoor: 'test' }).slice();
}

const decoder = new TextDecoder();

function cellAt(column: ReadColumn | undefined, row: number): Cell {
  if (column === undefined || isNullAt(column, row)) return null;
  if (column.kind === 'bytes') return decoder.decode(bytesAt(column, row));
  return column.values[row]!;
}

const bigints = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_000_100_000_000n }),
  fc.bigInt({ min: 0n, max: 3n }),
);
const cellsOf: Record<Shape, fc.Arbitrary<Cell>> = {
  delta: bigints,
  int64: bigints,
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  deltas32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  double: fc.double(),
  bool: fc.integer({ min: 0, max: 1 }),
  lengths: fc.string({ unit: 'binary', maxLength: 50 }),
  plain: fc.string({ maxLength: 20 }),
  fixed: fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 4, maxLength: 4 }),
};
const SHAPES = Object.keys(cellsOf) as Shape[];

/** Runs of equal cells, so that every kind of run occurs. */
const columnOf = (rows: number): fc.Arbitrary<Column> =>
  fc
    .record({
      shape: fc.constantFrom(...SHAPES),
      isDictionary: fc.boolean(),
      nulls: fc.constantFrom(0, 0.02, 0.5, 0.98),
      runs: fc.constantFrom(1, 5, 40, 700),
      seed: fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
    })
    .chain(({ shape, isDictionary, nulls, runs, seed }) =>
      fc.array(cellsOf[shape], { minLength: 1, maxLength: 40 }).map((pool) => {
        const cells: Cell[] = [];
        while (cells.length < rows) {
          const draw = seed.next().value ?? 0;
          const cell = seed.next().value! < nulls ? null : pool[Math.floor(draw * pool.length)]!;
          const length = 1 + Math.floor(seed.next().value! * runs);
          for (let i = 0; i < length && cells.length < rows; i++) cells.push(cell);
        }
        return { shape, isDictionary: isDictionary && shape !== 'bool', cells };
      }),
    );

const files = fc.integer({ min: 1, max: 2000 }).chain((rows) =>
  fc.record({
    columns: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), columnOf(rows), { minKeys: 1 }),
    chosen: fc.uniqueArray(fc.nat(rows - 1), { maxLength: 60 }),
  }),
);

describe('columns read back', () => {
  test('are what was written, of all rows and of some', () => {
    fc.assert(
      fc.property(files, ({ columns, chosen }) => {
        const file = ParquetFile.of('x', write(columns));
        const rows = Uint32Array.from(chosen.toSorted((a, b) => a - b));
        const all = file.readColumns(0, Object.keys(columns));
        const some = file.readColumns(0, Object.keys(columns), rows);
        for (const [name, { cells }] of Object.entries(columns)) {
          expect(cells.map((_, row) => cellAt(all.get(name), row))).toEqual(cells);
          const picked = [...rows].map((row) => cells[row]);
          expect(picked.map((_, i) => cellAt(some.get(name), i))).toEqual(picked);
        }
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test('are read from the disk, row group by row group, with the footer kept', async () => {
    const path = join(folder, 'two.parquet');
    const parts: Uint8Array[] = [];
    const stitcher = new Stitcher((some) => {
      parts.push(...some.map((part) => part.slice()));
      return Promise.resolve();
    });
    const column = (cells: Cell[]): Column => ({ shape: 'delta', isDictionary: false, cells });
    await stitcher.add(write({ a: column([1n, null, 3n]) }));
    await stitcher.add(write({ b: column([5n, null]) }));
    await stitcher.finish({});
    writeFileSync(path, Buffer.concat(parts));
    const cache = new FooterCache();
    for (let time = 0; time < 2; time++) {
      const file = ParquetFile.open(path, cache);
      expect(file.footer.rowGroups.map(({ rows }) => rows)).toEqual([3, 2]);
      expect([...file.readColumns(0, ['a', 'b']).keys()]).toEqual(['a']);
      expect(cellAt(file.readColumns(1, ['b']).get('b'), 0)).toBe(5n);
      file.close();
    }
    // Rewritten under its name: what was kept is of no use.
    writeFileSync(path, write({ a: column([7n]) }));
    const file = ParquetFile.open(path, cache);
    expect(cellAt(file.readColumns(0, ['a']).get('a'), 0)).toBe(7n);
    file.close();
  });
});

describe('damage', () => {
  const cells = Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? null : BigInt(i * i)));
  const columns: Record<string, Column> = {
    a: { shape: 'delta', isDictionary: false, cells },
    b: { shape: 'lengths', isDictionary: true, cells: cells.map((c) => c && `text ${c % 5n}`) },
    c: { shape: 'lengths', isDictionary: false, cells: cells.map((c) => c && `text ${c}`) },
    d: { shape: 'int64', isDictionary: false, cells: cells.map((c) => c ?? 1n) },
    e: { shape: 'bool', isDictionary: false, cells: cells.map((_, i) => (i >> 3) & 1) },
  };
  const good = write(columns);

  const read = (bytes: Uint8Array) => {
    const file = ParquetFile.of('x.parquet', bytes);
    const found = file.readColumns(0, Object.keys(columns));
    return Object.entries(columns).map(([name]) =>
      cells.map((_, row) => cellAt(found.get(name), row)),
    );
  };
  const expected = read(good);

  /** Either it says so, or nothing is wrong: a few bits of headers mean nothing. */
  const isHarmless = (bytes: Uint8Array): boolean => {
    try {
      expect(read(bytes)).toEqual(expected);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(StorageError);
      expect((error as StorageError).code).toBe('damaged');
      expect((error as StorageError).message).toContain('x.parquet');
      return false;
    }
  };

  test('is found wherever one bit is flipped', () => {
    let harmless = 0;
    for (let at = 0; at < good.length; at++) {
      const bytes = good.slice();
      bytes[at]! ^= 1 << (at % 8);
      if (isHarmless(bytes)) harmless++;
    }
    // Magic at the start, and names of the fields of the checksum.
    expect(harmless).toBeLessThan(good.length / 20);
  }, 60_000);

  test('is found wherever the file is cut', () => {
    for (let length = 0; length < good.length; length += 7) {
      expect(isHarmless(good.slice(0, length))).toBe(false);
    }
  }, 60_000);

  test('names row group and column', () => {
    const bytes = good.slice();
    const { start, bytes: length } = ParquetFile.of('x', good).footer.rowGroups[0]!.chunks.get(
      'c',
    )!;
    bytes[start + length - 1]! ^= 4;
    const file = ParquetFile.of('x.parquet', bytes);
    expect(() => file.readColumns(0, ['c'])).toThrow(
      /x\.parquet, row group 0, column "c".*checksum/,
    );
    expect(() => file.readColumns(0, ['a', 'b', 'd'])).not.toThrow();
  });

  test('of random bytes ends in the same error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(good.length - 1), (noise, at) => {
        const bytes = good.slice();
        bytes.set(noise.subarray(0, bytes.length - at), at);
        isHarmless(bytes);
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
