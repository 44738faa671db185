/** DuckDB's chunks of vectors as columns that can be sent to another process. Vectors are read as the
 *  bytes they are: an accessor call for each value costs ten times the query when a trace is large.
 *  Layouts are those of DuckDB's C API: a bit a row for validity, plain arrays of numbers, and 16
 *  bytes a string: length, then the text itself when it has up to 12 bytes, else a pointer. */

import { type DuckDBResult, DuckDBTypeId } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { QueryColumn, QueryResult } from './messages.ts';

/** A result larger than it may be. */
export class ResultSizeError extends Error {}

/** Fetches everything. Throws ResultSizeError as soon as more than `bytesMax` have come. */
export async function readResult(result: DuckDBResult, bytesMax: number): Promise<QueryResult> {
  const columns = result.columnNames().map((name, i) => newColumn(name, result.columnTypeId(i)));
  let rows = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const count = chunk.rowCount;
    for (const [i, column] of columns.entries()) {
      column.add(duckdb.data_chunk_get_vector(chunk.chunk, i), count);
    }
    rows += count;
    if (columns.reduce((sum, { byteSize }) => sum + byteSize, 0) > bytesMax) {
      throw new ResultSizeError('the result is too large');
    }
  }
  return { rows, columns: columns.map((column) => column.seal()) };
}

type Vector = Parameters<typeof duckdb.vector_get_data>[0];

function newColumn(name: string, type: DuckDBTypeId): ColumnBuilder {
  switch (type) {
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.BLOB:
      return new BytesColumn(name);
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
      return new BigintColumn(name);
    case DuckDBTypeId.DOUBLE:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.UINTEGER:
    case DuckDBTypeId.BOOLEAN:
      return new NumberColumn(name, type);
    default:
      throw new TypeError(`column "${name}" has a type that is not read here`);
  }
}

/** Grows by doubling. */
abstract class ColumnBuilder {
  protected readonly name: string;
  protected rows = 0;
  #nulls = 0;
  #isNull = new Uint8Array(0);

  constructor(name: string) {
    this.name = name;
  }

  abstract get byteSize(): number;
  abstract seal(): QueryColumn;
  protected abstract addValues(vector: Vector, count: number, validity: Uint8Array | null): void;

  add(vector: Vector, count: number): void {
    const end = this.rows + count;
    if (end > this.#isNull.length) this.#isNull = grown(this.#isNull, end);
    const validity = duckdb.vector_get_validity(vector, Math.ceil(count / 64) * 8);
    if (validity !== null) this.#addValidity(validity, count);
    this.addValues(vector, count, validity);
    this.rows = end;
  }

  #addValidity(validity: Uint8Array, count: number): void {
    for (let i = 0; i < count; i++) {
      if (isValid(validity, i)) continue;
      this.#isNull[this.rows + i] = 1;
      this.#nulls++;
    }
  }

  /** Of exact size, as all arrays: a message carries the whole buffer under a view. */
  protected sealNulls(): Uint8Array | undefined {
    return this.#nulls > 0 ? this.#isNull.slice(0, this.rows) : undefined;
  }
}

class BigintColumn extends ColumnBuilder {
  #values = new Uint8Array(0);

  override get byteSize(): number {
    return this.rows * 9;
  }

  protected override addValues(vector: Vector, count: number): void {
    const end = (this.rows + count) * 8;
    if (end > this.#values.length) this.#values = grown(this.#values, end);
    this.#values.set(duckdb.vector_get_data(vector, count * 8), this.rows * 8);
  }

  override seal(): QueryColumn {
    const values = new BigInt64Array(this.#values.slice(0, this.rows * 8).buffer);
    return { name: this.name, isNull: this.sealNulls(), kind: 'bigint', values };
  }
}

class NumberColumn extends ColumnBuilder {
  readonly #type: DuckDBTypeId;
  #values = new Float64Array(0);

  constructor(name: string, type: DuckDBTypeId) {
    super(name);
    this.#type = type;
  }

  override get byteSize(): number {
    return this.rows * 9;
  }

  protected override addValues(vector: Vector, count: number): void {
    const end = this.rows + count;
    if (end > this.#values.length) {
      const values = new Float64Array(Math.max(end, this.#values.length * 2));
      values.set(this.#values);
      this.#values = values;
    }
    this.#values.set(this.#numbers(vector, count), this.rows);
  }

  #numbers(vector: Vector, count: number): ArrayLike<number> {
    const width =
      this.#type === DuckDBTypeId.BOOLEAN ? 1 : this.#type === DuckDBTypeId.DOUBLE ? 8 : 4;
    const { buffer, byteOffset } = duckdb.vector_get_data(vector, count * width);
    switch (this.#type) {
      case DuckDBTypeId.DOUBLE:
        return new Float64Array(buffer, byteOffset, count);
      case DuckDBTypeId.INTEGER:
        return new Int32Array(buffer, byteOffset, count);
      case DuckDBTypeId.UINTEGER:
        return new Uint32Array(buffer, byteOffset, count);
      default:
        return new Uint8Array(buffer, byteOffset, count);
    }
  }

  override seal(): QueryColumn {
    const values = this.#values.slice(0, this.rows);
    return { name: this.name, isNull: this.sealNulls(), kind: 'number', values };
  }
}

const STRING_BYTES = 16;
const INLINE_BYTES_MAX = 12;

class BytesColumn extends ColumnBuilder {
  #bytes = new Uint8Array(0);
  #used = 0;
  #offsets = new Uint32Array(1);

  override get byteSize(): number {
    return this.#used + this.rows * 5;
  }

  protected override addValues(vector: Vector, count: number, validity: Uint8Array | null): void {
    this.#reserveRows(this.rows + count);
    const strings = duckdb.vector_get_data(vector, count * STRING_BYTES);
    const { buffer, byteOffset, byteLength } = strings;
    const view = new DataView(buffer, byteOffset, byteLength);
    for (let i = 0; i < count; i++) {
      if (validity === null || isValid(validity, i)) {
        const length = view.getUint32(i * STRING_BYTES, true);
        this.#append(strings, i * STRING_BYTES, length);
      }
      this.#offsets[this.rows + i + 1] = this.#used;
    }
  }

  #append(strings: Uint8Array, at: number, length: number): void {
    const end = this.#used + length;
    if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, end);
    const out = this.#bytes;
    if (length <= INLINE_BYTES_MAX) {
      for (let i = 0; i < length; i++) out[this.#used + i] = strings[at + 4 + i] ?? 0;
    } else {
      const { buffer, byteOffset } = strings;
      if (!(buffer instanceof ArrayBuffer)) throw new TypeError('a vector in shared memory');
      out.set(duckdb.get_data_from_pointer(buffer, byteOffset + at + 8, length), this.#used);
    }
    this.#used = end;
  }

  #reserveRows(rows: number): void {
    if (rows + 1 <= this.#offsets.length) return;
    const offsets = new Uint32Array(Math.max(rows + 1, this.#offsets.length * 2));
    offsets.set(this.#offsets);
    this.#offsets = offsets;
  }

  override seal(): QueryColumn {
    return {
      name: this.name,
      isNull: this.sealNulls(),
      kind: 'bytes',
      bytes: this.#bytes.slice(0, this.#used),
      offsets: this.#offsets.slice(0, this.rows + 1),
    };
  }
}

function isValid(validity: Uint8Array, row: number): boolean {
  return (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
}

function grown(old: Uint8Array<ArrayBuffer>, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, old.length * 2, 1024));
  larger.set(old);
  return larger;
}
