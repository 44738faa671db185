/** Finds rows that have equal values in some columns: resources and scopes stand in every row and
 *  are one entry again in a batch. Values are hashed and compared where they lie, without a string
 *  or an object for each of them. */

import {
  type BytesColumn,
  bytesAt,
  entryOf,
  isNullAt,
  type ReadColumn,
} from '../parquet/read-column.ts';

export class EqualRows {
  readonly #columns: readonly ReadColumn[];
  /** Of each hash, rows that differ from each other. */
  readonly #byHash = new Map<number, { readonly row: number; readonly id: number }[]>();
  /** Hashes of the entries of a column that rows share. */
  readonly #hashes = new Map<BytesColumn, Int32Array>();
  /** Like rows lie together. */
  #last: { readonly row: number; readonly id: number } | undefined;

  constructor(columns: readonly ReadColumn[]) {
    this.#columns = columns.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What `add` got for an equal row; -1 when there was none. */
  find(row: number): number {
    if (this.#last !== undefined && this.#areEqual(row, this.#last.row)) return this.#last.id;
    const known = this.#byHash.get(this.#hash(row));
    this.#last = known?.find((other) => this.#areEqual(row, other.row));
    return this.#last?.id ?? -1;
  }

  add(row: number, id: number): void {
    const hash = this.#hash(row);
    const known = this.#byHash.get(hash);
    const entry = { row, id };
    if (known === undefined) this.#byHash.set(hash, [entry]);
    else known.push(entry);
  }

  /** The row's values as a text that another file's row with the same values has too. */
  textOf(row: number): string {
    let text = '';
    for (const column of this.#columns) {
      if (isNullAt(column, row)) continue;
      const value = column.kind === 'bytes' ? latin1Of(bytesAt(column, row)) : exact(column, row);
      text += `${column.name.length} ${column.name} ${value.length} ${value}`;
    }
    return text;
  }

  #hash(row: number): number {
    let hash = 0;
    for (const column of this.#columns) {
      hash = Math.imul(hash, 31) + (isNullAt(column, row) ? 1 : this.#hashAt(column, row));
    }
    return hash | 0;
  }

  #hashAt(column: ReadColumn, row: number): number {
    if (column.kind === 'bigint') return Number(BigInt.asIntN(32, column.values[row] ?? 0n));
    if (column.kind === 'number') return Math.trunc(column.values[row] ?? 0) | 0;
    if (column.codes === undefined) return hashBytes(bytesAt(column, row));
    let hashes = this.#hashes.get(column);
    if (hashes === undefined) {
      hashes = new Int32Array(column.offsets.length);
      this.#hashes.set(column, hashes);
    }
    const entry = entryOf(column, row);
    return (hashes[entry] ||= hashBytes(bytesAt(column, row)));
  }

  #areEqual(a: number, b: number): boolean {
    for (const column of this.#columns) if (!areEqualAt(column, a, b)) return false;
    return true;
  }
}

function hashBytes(bytes: Uint8Array): number {
  let hash = 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

function latin1Of({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

function exact(column: Exclude<ReadColumn, { kind: 'bytes' }>, row: number): string {
  const value = column.values[row];
  return Object.is(value, -0) ? '-0' : String(value);
}

function areEqualAt(column: ReadColumn, a: number, b: number): boolean {
  const isNull = isNullAt(column, a);
  if (isNull !== isNullAt(column, b)) return false;
  if (isNull) return true;
  // -0 is not 0, and NaN is itself.
  if (column.kind !== 'bytes') return Object.is(column.values[a], column.values[b]);
  return areEqualBytes(column, entryOf(column, a), entryOf(column, b));
}

function areEqualBytes({ bytes, offsets }: BytesColumn, a: number, b: number): boolean {
  if (a === b) return true;
  const from = offsets[a] ?? 0;
  const other = offsets[b] ?? 0;
  const length = (offsets[a + 1] ?? 0) - from;
  if (length !== (offsets[b + 1] ?? 0) - other) return false;
  for (let i = 0; i < length; i++) if (bytes[from + i] !== bytes[other + i]) return false;
  return true;
}
