/** A row group, or some of its rows, as a batch: for whoever copies, checks or takes apart files. In
 *  any thread; it works without pause. */

import { SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { DEFAULT_TENANT, type SpanBatch } from '../../../model/batch/span-batch.ts';
import type { ParquetFile } from '../parquet/parquet-file.ts';
import { KnownOwners, namedColumns, RowReader } from './rows-to-batch.ts';
import { type ColumnChoice, readSpanColumns } from './span-columns.ts';

export interface RowGroupOptions {
  readonly tenant?: string | undefined;
  readonly columns?: ColumnChoice | undefined;
  /** All that the row group has of some traces, ascending; absent = all. */
  readonly rows?: Uint32Array | undefined;
}

/** In the order of the row group. Throws StorageError 'damaged'. */
export function readRowGroup(
  file: ParquetFile,
  rowGroup: number,
  { tenant = DEFAULT_TENANT, columns = 'all', rows }: RowGroupOptions = {},
): SpanBatch {
  const found = readSpanColumns({ file, rowGroup, choice: columns, rows });
  const count = rows?.length ?? file.rowsOf(rowGroup);
  const builder = new SpanBatchBuilder();
  const batch = { builder, owners: new KnownOwners(), choice: columns, rows: count };
  const reader = new RowReader(batch, namedColumns(found.values()));
  for (let row = 0; row < count; row++) reader.add(row);
  return builder.seal(tenant);
}

/** The log record that each row came in. */
export function walSeqsOf(file: ParquetFile, rowGroup: number): BigUint64Array {
  const column = file.readColumns(rowGroup, [WAL_SEQ]).get(WAL_SEQ);
  if (column?.kind !== 'bigint') return new BigUint64Array(file.rowsOf(rowGroup));
  return new BigUint64Array(column.values.buffer);
}

const WAL_SEQ = 'wal_seq';
