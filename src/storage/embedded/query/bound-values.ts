/** Parameters of a plan as values and types of DuckDB, which would otherwise guess. */

import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DOUBLE,
  DuckDBBlobValue,
  type DuckDBType,
  type DuckDBValue,
  UBIGINT,
  VARCHAR,
} from '@duckdb/node-api';
import type { QueryParam } from './messages.ts';

const SIGNED_MAX = 2n ** 63n - 1n;

export function boundValues(params: readonly QueryParam[]): [DuckDBValue[], DuckDBType[]] {
  const values = params.map((value) =>
    value instanceof Uint8Array ? new DuckDBBlobValue(value) : value,
  );
  return [values, params.map(typeOf)];
}

function typeOf(value: QueryParam): DuckDBType {
  if (value instanceof Uint8Array) return BLOB;
  switch (typeof value) {
    case 'string':
      return VARCHAR;
    case 'bigint':
      return value > SIGNED_MAX ? UBIGINT : BIGINT;
    case 'number':
      return DOUBLE;
    default:
      return BOOLEAN;
  }
}
