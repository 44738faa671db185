/** A column of some rows, as it was read from a file: of Parquet pages (read-values.ts), or of what
 *  the query engine answers. */

/** `isNull` is absent when no value is null. */
export type ReadColumn = { readonly name: string; readonly isNull?: Uint8Array | undefined } & (
  | BytesColumn
  /** 64-bit integers; those of an unsigned type have the same bits. */
  | { readonly kind: 'bigint'; readonly values: BigInt64Array }
  /** Smaller integers, doubles, bools as 0 and 1. */
  | { readonly kind: 'number'; readonly values: Float64Array }
);

export interface BytesColumn {
  readonly kind: 'bytes';
  /** Entry e is bytes[offsets[e], offsets[e + 1]). */
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  /** The entry of each row, several of which may have the same; absent when row i has entry i. */
  readonly codes?: Uint32Array | undefined;
}

/** The entry that a row has. Of a null it means nothing. */
export function entryOf({ codes }: BytesColumn, row: number): number {
  return codes === undefined ? row : (codes[row] ?? 0);
}

/** The bytes of a row, a view. */
export function bytesAt(column: BytesColumn, row: number): Uint8Array {
  const entry = entryOf(column, row);
  return column.bytes.subarray(column.offsets[entry], column.offsets[entry + 1]);
}

export function isNullAt(column: ReadColumn, row: number): boolean {
  return column.isNull?.[row] === 1;
}
