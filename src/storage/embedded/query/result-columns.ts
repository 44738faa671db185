/** DuckDB's chunks of vectors as columns that can be sent to another process. */

import { DuckDBBlobVector, type DuckDBResult, type DuckDBVector } from '@duckdb/node-api';
import type { QueryColumn, QueryResult } from './messages.ts';

/** A result larger than it may be. */
export class ResultSizeError extends Error {}

/** Fetches everything. Throws ResultSizeError as soon as more than `bytesMax` have come. */
export async function readResult(result: DuckDBResult, bytesMax: number): Promise<QueryResult> {
  const names = result.columnNames();
  const columns = names.map((name) => new ColumnBuilder(name));
  let rows = 0;
  let bytes = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    rows += chunk.rowCount;
    bytes = 0;
    for (const [i, column] of columns.entries()) {
      column.add(chunk.getColumnVector(i), chunk.rowCount);
      bytes += column.byteSize;
    }
    if (bytes > bytesMax) throw new ResultSizeError();
  }
  return { rows, columns: columns.map((column) => column.seal()) };
}

const encoder = new TextEncoder();
type Values = BigInt64Array | Float64Array;

/** Grows by doubling; a column takes its shape from its first values. */
class ColumnBuilder {
  readonly #name: string;
  #rows = 0;
  #nulls = 0;
  #isNull = new Uint8Array(64);
  #values: Values | undefined;
  #bytes = new Uint8Array(0);
  #used = 0;
  #offsets: Uint32Array | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get byteSize(): number {
    return this.#used + this.#rows * (this.#offsets === undefined ? 9 : 5);
  }

  add(vector: DuckDBVector, rows: number): void {
    this.#reserve(this.#rows + rows);
    if (vector instanceof DuckDBBlobVector) this.#addBlobs(vector, rows);
    else this.#addItems(vector, rows);
  }

  #addBlobs(vector: DuckDBBlobVector, rows: number): void {
    for (let i = 0; i < rows; i++) {
      const bytes = vector.getItemBytes(i);
      if (bytes === null) this.#addNull();
      else this.#addBytes(bytes);
    }
  }

  #addItems(vector: DuckDBVector, rows: number): void {
    for (let i = 0; i < rows; i++) {
      const item = vector.getItem(i);
      if (item === null) this.#addNull();
      else if (typeof item === 'bigint') this.#addBigint(item);
      else if (typeof item === 'number') this.#addNumber(item);
      else if (typeof item === 'boolean') this.#addNumber(item ? 1 : 0);
      else if (typeof item === 'string') this.#addBytes(encoder.encode(item));
      else throw new TypeError(`column "${this.#name}" has a type that is not read here`);
    }
  }

  #addNull(): void {
    this.#isNull[this.#rows] = 1;
    this.#nulls++;
    this.#rows++;
    if (this.#offsets !== undefined) this.#offsets[this.#rows] = this.#used;
  }

  #addBytes(bytes: Uint8Array): void {
    const end = this.#used + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2, 1024));
      grown.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#used);
    this.#used = end;
    this.#offsets ??= new Uint32Array(this.#isNull.length + 1);
    this.#offsets[++this.#rows] = end;
  }

  #addBigint(value: bigint): void {
    this.#values ??= new BigInt64Array(this.#isNull.length);
    const values = this.#values;
    if (values instanceof BigInt64Array) values[this.#rows++] = value;
  }

  #addNumber(value: number): void {
    this.#values ??= new Float64Array(this.#isNull.length);
    const values = this.#values;
    if (values instanceof Float64Array) values[this.#rows++] = value;
  }

  #reserve(rows: number): void {
    const old = this.#isNull.length;
    if (rows <= old) return;
    const size = Math.max(rows, old * 2);
    this.#isNull = grow(this.#isNull, new Uint8Array(size));
    if (this.#offsets !== undefined) this.#offsets = grow(this.#offsets, new Uint32Array(size + 1));
    if (this.#values instanceof BigInt64Array) {
      this.#values = grow(this.#values, new BigInt64Array(size));
    } else if (this.#values instanceof Float64Array) {
      this.#values = grow(this.#values, new Float64Array(size));
    }
  }

  /** Arrays of exact size: a message carries the whole buffer under a view. */
  seal(): QueryColumn {
    const name = this.#name;
    const isNull = this.#nulls > 0 ? this.#isNull.slice(0, this.#rows) : undefined;
    if (this.#values instanceof BigInt64Array) {
      return { name, isNull, kind: 'bigint', values: this.#values.slice(0, this.#rows) };
    }
    if (this.#values instanceof Float64Array) {
      return { name, isNull, kind: 'number', values: this.#values.slice(0, this.#rows) };
    }
    const offsets = this.#offsets ?? new Uint32Array(this.#rows + 1);
    return {
      name,
      isNull,
      kind: 'bytes',
      bytes: this.#bytes.slice(0, this.#used),
      offsets: offsets.slice(0, this.#rows + 1),
    };
  }
}

function grow<A extends { set(old: A): void }>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
