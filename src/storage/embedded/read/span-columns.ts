/** The columns of a row group that spans are made of, as their readers want them. */

import { messageOf } from '../../../lib/errors.ts';
import { StorageError } from '../../contract.ts';
import type { ParquetFile } from '../parquet/parquet-file.ts';
import type { ReadColumn } from '../parquet/read-column.ts';
import type { FixedColumnName } from '../schema.ts';
import { makeParentsWhole } from '../parquet/whole-parents.ts';

/** What is read of spans. `waterfall`: ids, times, service, name, kind, status, links and times of
 *  events, and how many attributes and events were dropped; nothing else of a batch is true then. */
export type ColumnChoice = 'all' | 'waterfall';

const WATERFALL_COLUMNS: readonly (FixedColumnName | 'parent_at')[] = [
  'trace_id',
  'span_id',
  'parent_id',
  'parent_at',
  'start_nano',
  'duration_nano',
  'service',
  'name',
  'kind',
  'status',
  'dropped_attributes',
  'dropped_events',
  'events',
  'links',
];

/** Everything but the log record that a span came in. */
function namesOf(file: ParquetFile, choice: ColumnChoice): readonly string[] {
  if (choice === 'waterfall') return WATERFALL_COLUMNS;
  return file.footer.columns.filter((name) => name !== 'wal_seq');
}

export interface SpanRows {
  readonly file: ParquetFile;
  readonly rowGroup: number;
  readonly choice: ColumnChoice;
  /** All that the row group has of some traces, ascending; absent = all. */
  readonly rows?: Uint32Array | undefined;
  /** The column of trace ids when it is known. */
  readonly traceIds?: ReadColumn | undefined;
}

/** Columns that are null in all these rows are left out. Throws StorageError 'damaged'. */
export function readSpanColumns({
  file,
  rowGroup,
  choice,
  rows,
  traceIds,
}: SpanRows): Map<string, ReadColumn> {
  const names = namesOf(file, choice).filter(
    (name) => traceIds === undefined || name !== traceIds.name,
  );
  const columns = file.readColumns(rowGroup, names, rows);
  if (traceIds !== undefined) columns.set(traceIds.name, traceIds);
  try {
    makeParentsWhole(columns);
  } catch (cause) {
    const where = `${file.path}, row group ${rowGroup}, parents`;
    throw new StorageError('damaged', `${where} cannot be read: ${messageOf(cause)}`, { cause });
  }
  return columns;
}
