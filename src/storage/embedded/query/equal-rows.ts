/** Finds rows that have equal values in some columns: resources and scopes stand in every row and
 *  are one entry again in a batch. Values are hashed and compared where they lie, without a string
 *  or an object for each of them. */

import type { QueryColumn } from './messages.ts';

export class EqualRows {
  readonly #columns: readonly QueryColumn[];
  /** Of each hash, rows that differ from each other. */
  readonly #byHash = new Map<number, { readonly row: number; readonly id: number }[]>();

  constructor(columns: readonly QueryColumn[]) {
    this.#columns = columns;
  }

  /** What `add` got for an equal row; -1 when there was none. */
  find(row: number): number {
    const known = this.#byHash.get(this.#hash(row));
    if (known === undefined) return -1;
    for (const other of known) if (this.#areEqual(row, other.row)) return other.id;
    return -1;
  }

  add(row: number, id: number): void {
    const hash = this.#hash(row);
    const known = this.#byHash.get(hash);
    if (known === undefined) this.#byHash.set(hash, [{ row, id }]);
    else known.push({ row, id });
  }

  #hash(row: number): number {
    let hash = 0;
    for (const column of this.#columns) hash = Math.imul(hash, 31) + hashAt(column, row);
    return hash | 0;
  }

  #areEqual(a: number, b: number): boolean {
    for (const column of this.#columns) if (!areEqualAt(column, a, b)) return false;
    return true;
  }
}

function hashAt(column: QueryColumn, row: number): number {
  if (column.isNull?.[row] === 1) return 1;
  if (column.kind === 'bigint') return Number(BigInt.asIntN(32, column.values[row] ?? 0n));
  if (column.kind === 'number') return Math.trunc(column.values[row] ?? 0) | 0;
  const { bytes, offsets } = column;
  const end = offsets[row + 1] ?? 0;
  let hash = 0;
  for (let i = offsets[row] ?? 0; i < end; i++)
    hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash;
}

function areEqualAt(column: QueryColumn, a: number, b: number): boolean {
  const isNull = column.isNull?.[a] ?? 0;
  if (isNull !== (column.isNull?.[b] ?? 0)) return false;
  if (isNull === 1) return true;
  // -0 is not 0, and NaN is itself.
  if (column.kind !== 'bytes') return Object.is(column.values[a], column.values[b]);
  return areEqualBytes(column, a, b);
}

function areEqualBytes(
  { bytes, offsets }: Extract<QueryColumn, { kind: 'bytes' }>,
  a: number,
  b: number,
): boolean {
  const from = offsets[a] ?? 0;
  const other = offsets[b] ?? 0;
  const length = (offsets[a + 1] ?? 0) - from;
  if (length !== (offsets[b + 1] ?? 0) - other) return false;
  for (let i = 0; i < length; i++) if (bytes[from + i] !== bytes[other + i]) return false;
  return true;
}
