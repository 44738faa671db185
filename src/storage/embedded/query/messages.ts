/** What crosses the border to the process that runs DuckDB: SQL with bound values in, columns out.
 *  Nothing else is shared, so the process can be killed and replaced at any moment. */

/** A value bound to $1, $2, …; the SQL casts it, since only then does a predicate reach the scan. */
export type QueryParam = string | bigint | number | boolean | Uint8Array;

export interface QueryPlan {
  readonly sql: string;
  readonly params: readonly QueryParam[];
}

/** One column of a result. `isNull` is absent when no value is null. */
export type QueryColumn = { readonly name: string; readonly isNull?: Uint8Array | undefined } & (
  | {
      readonly kind: 'bytes';
      /** Row i is bytes[offsets[i], offsets[i + 1]). */
      readonly bytes: Uint8Array;
      readonly offsets: Uint32Array;
    }
  /** 64-bit integers; those of an unsigned type have the same bits. */
  | { readonly kind: 'bigint'; readonly values: BigInt64Array }
  /** Smaller integers, doubles, bools as 0 and 1. */
  | { readonly kind: 'number'; readonly values: Float64Array }
);

export interface QueryResult {
  readonly rows: number;
  readonly columns: readonly QueryColumn[];
}

/** How to set up DuckDB, sent once. */
export interface ChildSettings {
  readonly threads: number;
  /** What DuckDB tries to stay under; it goes beyond, hence the next one. */
  readonly memoryBytes: number;
  /** Resident memory above which the process says it is out of bounds. */
  readonly rssBytesMax: number;
  /** Bytes of one result above which the query is refused. */
  readonly resultBytesMax: number;
  readonly tempDirectory: string;
  /** Files outside of these are not opened, whatever the SQL says. */
  readonly directories: readonly string[];
}

export type ToChild =
  | { readonly kind: 'open'; readonly settings: ChildSettings }
  | { readonly kind: 'run'; readonly id: number; readonly plan: QueryPlan }
  | { readonly kind: 'cancel'; readonly id: number };

/** What went wrong with a query, in classes that a caller treats differently. */
export type QueryFault =
  /** A file cannot be read or is not what it should be. */
  | 'file'
  | 'memory'
  | 'result_size'
  | 'cancelled'
  /** Anything else: the plan is at fault. */
  | 'plan';

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly result: QueryResult }
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly fault: QueryFault;
      readonly message: string;
    }
  /** Resident memory is beyond half of its bound (`large`) or beyond it (`wild`). */
  | { readonly kind: 'large' | 'wild'; readonly rssBytes: number };
