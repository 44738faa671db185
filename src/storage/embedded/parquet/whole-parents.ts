/** Parent ids from places: a row group says where in its trace a row's parent stands
 *  (parquet/parent-places.ts), and a reader wants the id of it. */

import { parentRows } from './parent-places.ts';
import { type BytesColumn, entryOf, isNullAt, type ReadColumn } from './read-column.ts';

/** Makes the column of parent ids whole and takes that of places away. The columns are those of one
 *  row group, their rows all that it has, or all that it has of some traces. Throws RangeError when
 *  a place is in no row of its trace. */
export function makeParentsWhole(columns: Map<string, ReadColumn>): void {
  const places = columns.get('parent_at');
  if (places?.kind !== 'number') return;
  const traceIds = columns.get('trace_id');
  const spanIds = columns.get('span_id');
  const starts = columns.get('start_nano');
  if (traceIds?.kind !== 'bytes' || spanIds?.kind !== 'bigint' || starts?.kind !== 'bigint') {
    throw new RangeError('places of parents without ids or starts');
  }
  const parents = rowsOfParents(places, traceIds, starts.values);
  columns.set('parent_id', idsOfParents(parents, spanIds.values, columns.get('parent_id')));
  columns.delete('parent_at');
}

function rowsOfParents(
  places: Extract<ReadColumn, { kind: 'number' }>,
  traceIds: BytesColumn,
  starts: BigInt64Array,
): Int32Array {
  const count = starts.length;
  const words = new Uint32Array(starts.buffer, starts.byteOffset, count * 2);
  return parentRows({ ...numberTraces(traceIds, count), count, starts: words }, (row) =>
    isNullAt(places, row) ? undefined : places.values[row],
  );
}

/** `elsewhere`: the ids of parents that no row has. */
function idsOfParents(
  parents: Int32Array,
  spanIds: BigInt64Array,
  elsewhere: ReadColumn | undefined,
): ReadColumn {
  const values = new BigInt64Array(parents.length);
  const isNull = new Uint8Array(parents.length);
  for (let row = 0; row < parents.length; row++) {
    const parent = parents[row]!;
    if (parent >= 0) values[row] = spanIds[parent]!;
    else if (elsewhere?.kind === 'bigint' && !isNullAt(elsewhere, row)) {
      values[row] = elsewhere.values[row]!;
    } else isNull[row] = 1;
  }
  return { name: 'parent_id', kind: 'bigint', values, isNull };
}

/** Entries of a dictionary are traces already; other rows are told apart by their bytes. */
function numberTraces(
  column: BytesColumn,
  count: number,
): { traceOf: Uint32Array; traces: number } {
  const traceOf = new Uint32Array(count);
  if (column.codes !== undefined) {
    for (let row = 0; row < count; row++) traceOf[row] = entryOf(column, row);
    return { traceOf, traces: column.offsets.length - 1 };
  }
  const known = new Map<string, number>();
  const { bytes, offsets } = column;
  for (let row = 0; row < count; row++) {
    const id = Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString('latin1');
    const number = known.get(id) ?? known.size;
    known.set(id, number);
    traceOf[row] = number;
  }
  return { traceOf, traces: known.size };
}
