/** Parents in SQL. In files of today a row says at which place of its trace its parent stands, and
 *  only a parent outside of the row group by its id (docs/formats/segment.md). Whether there is a
 *  parent is seen from these two columns; its id takes a window over the rows of each trace, so it
 *  is made only for who names it. */

import type { Field, Filter, Scalar } from '../../../filter/ast.ts';
import type { DataFile } from '../manifest.ts';
import type { FileShape } from './file-shape.ts';
import { allTrue, anyTrue, FALSE, quoteText, TRUE } from './sql-builder.ts';

/** A column of a source that `sourceWithParents` makes. */
const WHOLE_ID = 'whole_parent_id';

/** The id of a row's parent, null of a root. */
export function parentId(shape: FileShape): string {
  if (shape.has('parent_at')) return WHOLE_ID;
  return shape.has('parent_id') ? 'parent_id' : 'NULL::UBIGINT';
}

export function isRoot(shape: FileShape): string {
  const columns = ['parent_id', 'parent_at'].filter((name) => shape.has(name));
  return columns.length === 0 ? 'TRUE' : columns.map((name) => `${name} IS NULL`).join(' AND ');
}

export function hasParents(shape: FileShape): boolean {
  return shape.has('parent_id') || shape.has('parent_at');
}

/** Whether an SQL text names the id of a parent that has to be made. */
export function namesParentId(text: string): boolean {
  return text.includes(WHOLE_ID);
}

type Placed = Pick<DataFile, 'path' | 'rowGroupRows'>;

/** Ids of which every span that the filter is true of has one for its parent's; undefined when the
 *  filter does not say. What is no id is left out: no parent has it. */
export function namedParents(filter: Filter | undefined): readonly bigint[] | undefined {
  switch (filter?.op) {
    case 'compare':
      return filter.by === '=' && isParent(filter) ? idsIn([filter.value]) : undefined;
    case 'in':
      return isParent(filter) ? idsIn(filter.values) : undefined;
    case 'and':
      return filter.of.map(namedParents).find((ids) => ids !== undefined);
    case 'or': {
      const named = filter.of.map(namedParents);
      return named.includes(undefined) ? undefined : named.flatMap((ids) => ids ?? []);
    }
    default:
      return undefined;
  }
}

function isParent({ field }: { field: Field }): boolean {
  return field.kind === 'intrinsic' && field.name === 'parentSpanId';
}

/** Undefined when one is that of a root, which has none. */
function idsIn(values: readonly Scalar[]): bigint[] | undefined {
  if (values.includes('')) return undefined;
  const texts = values.filter((value) => typeof value === 'string');
  return texts.filter((text) => /^[0-9a-f]{16}$/.test(text)).map((text) => BigInt(`0x${text}`));
}

interface PlacedRows {
  /** Which row groups are read at all. */
  readonly where?: string | undefined;
  /** Spans with one of these parents are enough. */
  readonly parents?: readonly bigint[] | undefined;
}

/** The rows of a file with the ids of their parents. A condition on trace_id reaches the scan, any
 *  other is tested behind the window. A parent that is known by its id stands in the row group itself,
 *  or its child has the id: without the one and the other a trace is left out before the window. */
export function sourceWithParents(
  file: Placed,
  shape: FileShape,
  { where = TRUE, parents }: PlacedRows = {},
): string {
  const source = `read_parquet(${quoteText(file.path)}, file_row_number = true)`;
  const within = parents === undefined ? TRUE : isWithin({ source, where, shape }, parents);
  const all = allTrue([where, within]);
  const rows = all === TRUE ? source : `${source} WHERE ${all}`;
  const placed = `lag(span_id, parent_at) OVER (
    PARTITION BY ${rowGroupSql(file)}, trace_id ORDER BY start_nano, file_row_number)`;
  const id = shape.has('parent_id') ? `coalesce(parent_id, ${placed})` : placed;
  return `(SELECT *, ${id} AS ${WHOLE_ID} FROM ${rows})`;
}

function isWithin(
  { source, where, shape }: { source: string; where: string; shape: FileShape },
  parents: readonly bigint[],
): string {
  if (parents.length === 0) return FALSE;
  const list = `(${parents.map((id) => `${id}::UBIGINT`).join(', ')})`;
  const isChild = shape.has('parent_id') ? [`parent_id IN ${list}`] : [];
  const isEither = anyTrue([`span_id IN ${list}`, ...isChild]);
  return `trace_id IN (SELECT trace_id FROM ${source} WHERE ${allTrue([where, isEither])})`;
}

/** The number of the row group that a row is in. */
function rowGroupSql({ rowGroupRows = [] }: Placed): string {
  let end = 0;
  const cases = rowGroupRows.slice(0, -1).map((rows, i) => {
    end += rows;
    return `WHEN file_row_number < ${end} THEN ${i}`;
  });
  return cases.length === 0 ? '0' : `CASE ${cases.join(' ')} ELSE ${cases.length} END`;
}
