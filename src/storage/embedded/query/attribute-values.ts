/** The values of an attribute key, most frequent first, for who is typing one: counted over the spans
 *  stored last that have the key, as many as are counted within a fraction of a second. Files that
 *  lack the key cost nothing and do not count. */

import type { Field } from '../../../filter/ast.ts';
import { StorageError, type AttributeValuesQuery, type ValueCount } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import { escapeText, GROUP, type ScalarType, typeLetter } from '../tagged-text.ts';
import { textColumn, unescaped } from './attribute-sql.ts';
import { rowsOf } from './file-rows.ts';
import type { FileShape } from './file-shape.ts';
import { groupSql, groupValue } from './group-sql.ts';
import type { QueryColumn, QueryPlan, QueryResult } from './messages.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import { visibleFiles } from './snapshot.ts';
import { SqlBuilder, TRUE, FALSE } from './sql-builder.ts';

const ROWS_MAX = 1_000_000;
const LIMIT_MAX = 10_000;
const TYPES: readonly ScalarType[] = ['string', 'int', 'double', 'bool'];

export async function findAttributeValues(
  context: ReadContext,
  query: AttributeValuesQuery,
): Promise<ValueCount[]> {
  if (!Number.isSafeInteger(query.limit) || query.limit < 1 || query.limit > LIMIT_MAX) {
    throw new StorageError('invalid', `the limit must be between 1 and ${LIMIT_MAX}`);
  }
  const files = newestWith(visibleFiles(context.manifest, undefined).files, query);
  const result = await askFiles(context, files, (some) => valuesPlan(some, query));
  return result === undefined ? [] : readCounts(result);
}

/** The files stored last that have the key. */
function newestWith(files: readonly DataFile[], query: AttributeValuesQuery): DataFile[] {
  const found: DataFile[] = [];
  let rows = 0;
  for (const file of files.toReversed()) {
    if (rows >= ROWS_MAX) break;
    if (valueRows(new SqlBuilder(), [file], query) === undefined) continue;
    found.push(file);
    rows += file.rows;
  }
  return found;
}

/** A query in brackets with a value a row, its type's letter before it. */
function valueRows(
  sql: SqlBuilder,
  files: readonly DataFile[],
  { scope, key }: AttributeValuesQuery,
): string | undefined {
  const field: Field = { kind: 'attribute', scope, key };
  const valueOf = (shape: FileShape): string =>
    scope === 'event' || scope === 'link'
      ? elementValues(sql, shape, { scope, key })
      : groupSql(field, sql, shape);
  return rowsOf(files, {
    select: (shape) => `${valueOf(shape)} AS value`,
    where: (shape) => (valueOf(shape) === NONE ? FALSE : TRUE),
  });
}

const NONE = 'NULL::VARCHAR';

/** One row for each value: a span has many events. */
function elementValues(
  sql: SqlBuilder,
  shape: FileShape,
  { scope, key }: { scope: 'event' | 'link'; key: string },
): string {
  const column = textColumn(scope);
  if (!shape.mayHaveKey(column, key)) return NONE;
  const prefix = escapeText(key) + GROUP;
  const from = sql.bind(Array.from(prefix).length + 1, 'INTEGER');
  const starts = TYPES.map((type) => `starts_with(y, ${sql.text(prefix + typeLetter(type))})`);
  const found = `list_filter(string_split(${column}, chr(31)), lambda y: ${starts.join(' OR ')})`;
  const texts = `list_transform(${found}, lambda z: substr(z, ${from}))`;
  return `unnest(list_transform(${texts}, lambda x: ${unescaped('x')}))`;
}

function valuesPlan(
  files: readonly DataFile[],
  query: AttributeValuesQuery,
): QueryPlan | undefined {
  const sql = new SqlBuilder();
  const rows = valueRows(sql, files, query);
  if (rows === undefined) return undefined;
  const { prefix = '', limit } = query;
  const begins = prefix === '' ? '' : ` AND starts_with(substr(value, 2), ${sql.text(prefix)})`;
  return sql.plan(
    `SELECT value, count(*) AS count FROM ${rows} AS found WHERE value IS NOT NULL${begins}` +
      ` GROUP BY value ORDER BY count DESC, substr(value, 2), value LIMIT ${limit}`,
  );
}

function readCounts({ rows, columns }: QueryResult): ValueCount[] {
  const [values, counts] = columns;
  if (counts?.kind !== 'bigint') return [];
  const found: ValueCount[] = [];
  for (let row = 0; row < rows; row++) {
    const value = groupValue(textAt(values, row));
    if (value !== undefined) found.push({ value, count: Number(counts.values[row] ?? 0n) });
  }
  return found;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function textAt(column: QueryColumn | undefined, row: number): string | undefined {
  if (column?.kind !== 'bytes') return undefined;
  return decoder.decode(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]));
}
