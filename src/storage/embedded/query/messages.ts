/** What crosses the border to the process that runs DuckDB: SQL with bound values in, columns out.
 *  Nothing else is shared, so the process can be killed and replaced at any moment. */

import type { ReadColumn } from '../parquet/read-column.ts';

/** A value bound to $1, $2, …; the SQL casts it, since only then does a predicate reach the scan. */
export type QueryParam = string | bigint | number | boolean | Uint8Array;

export interface QueryPlan {
  readonly sql: string;
  readonly params: readonly QueryParam[];
}

/** One column of a result; its rows share no entries. */
export type QueryColumn = ReadColumn;

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
