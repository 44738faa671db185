/** What spans are grouped and measured by, as SQL on the rows of files of a shape. A group's value is
 *  a text with a letter for its type before it, so that the int 503 and the text "503" stay apart;
 *  NULL is a span without the value. */

import type { Field, Scalar } from '../../../filter/ast.ts';
import { SPAN_KINDS, STATUS_CODES } from '../../../model/attribute.ts';
import { StorageError } from '../../contract.ts';
import { PACKED_TYPES } from '../parquet/packed-text.ts';
import { attributeColumn, type ColumnScope, type ColumnValueType } from '../schema.ts';
import { escapeText, GROUP, type ScalarType, typeLetter } from '../tagged-text.ts';
import { textColumn, unescaped } from './attribute-sql.ts';
import type { FileShape } from './file-shape.ts';
import { packedTextSql } from './packed-sql.ts';
import { quoteName, type SqlBuilder } from './sql-builder.ts';

const TYPES: readonly ScalarType[] = ['string', 'int', 'double', 'bool'];
const SCOPES: readonly ColumnScope[] = ['span', 'resource', 'scope'];
const NULL = 'NULL::VARCHAR';

const TEXT_COLUMNS = {
  service: 'service',
  name: 'name',
  statusMessage: 'status_message',
  traceState: 'trace_state',
  scopeName: 'scope_name',
  scopeVersion: 'scope_version',
} as const;

/** Throws StorageError 'invalid' for a field that spans cannot be grouped by. */
export function groupSql(field: Field, sql: SqlBuilder, shape: FileShape): string {
  if (field.kind === 'attribute') {
    const parts = scopesOf(field).flatMap((scope) => texts(sql, shape, { scope, key: field.key }));
    return first(parts);
  }
  if (field.kind === 'intrinsic') {
    if (field.name === 'kind') return namedSql('kind', SPAN_KINDS);
    if (field.name === 'status') return namedSql('status', STATUS_CODES);
    const column = Object.entries(TEXT_COLUMNS).find(([name]) => name === field.name)?.[1];
    if (column !== undefined) return shape.has(column) ? `'s' || coalesce(${column}, '')` : `'s'`;
  }
  throw new StorageError('invalid', `spans cannot be grouped by ${field.name}`);
}

/** A number that may be NULL. */
export function valueSql(field: Field, sql: SqlBuilder, shape: FileShape): string {
  if (field.kind === 'attribute') {
    const parts = scopesOf(field).flatMap((scope) =>
      numbers(sql, shape, { scope, key: field.key }),
    );
    if (parts.length === 0) return 'NULL::DOUBLE';
    const value = `coalesce(${parts.join(', ')})`;
    // Minus zero is zero.
    return `CASE WHEN isfinite(${value}) THEN ${value} + 0 END`;
  }
  if (field.name === 'durationNano' && field.kind === 'intrinsic') {
    return 'greatest(duration_nano, 0)::DOUBLE';
  }
  throw new StorageError('invalid', `${field.name} is no number of a span`);
}

/** What `groupSql` gave as a value. */
export function groupValue(text: string | undefined): Scalar | undefined {
  if (text === undefined) return undefined;
  const value = text.slice(1);
  switch (text.charAt(0)) {
    case 'i':
      return BigInt(value);
    case 'd':
      return doubleOf(value);
    case 't':
      return value === 'true';
    default:
      return value;
  }
}

/** DuckDB's text of a double, or JavaScript's. */
function doubleOf(text: string): number {
  if (/^-?inf/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

interface Place {
  readonly scope: ColumnScope;
  readonly key: string;
}

function scopesOf({ scope, key }: Extract<Field, { kind: 'attribute' }>): readonly ColumnScope[] {
  if (scope === 'any') return SCOPES;
  if (scope === 'event' || scope === 'link') {
    throw new StorageError('invalid', `a span may have several values of ${scope}.${key}`, {
      hint: 'group and measure by attributes of span, resource or scope',
    });
  }
  return [scope];
}

function namedSql(column: string, names: readonly string[]): string {
  const cases = names.map((name, code) => `WHEN ${code} THEN 's${name}'`).slice(1);
  return `CASE ${column} ${cases.join(' ')} ELSE 's${names[0]}' END`;
}

function first(parts: readonly string[]): string {
  return parts.length === 0 ? NULL : `coalesce(${parts.join(', ')})`;
}

function texts(sql: SqlBuilder, shape: FileShape, place: Place): string[] {
  const inColumns = TYPES.flatMap((type) => {
    const column = columnOf(shape, place, type);
    return column === undefined ? [] : [`'${typeLetter(type)}' || ${textOf(column, type)}`];
  });
  const packed = PACKED_TYPES.flatMap((type) => {
    const column = columnOf(shape, place, type);
    return column === undefined ? [] : [`'s' || ${packedTextSql(column, type)}`];
  });
  const text = unescaped('x');
  const inText = listed(sql, shape, { place, types: TYPES, make: text });
  return [...inColumns, ...packed, ...inText];
}

/** Minus zero is zero. */
function textOf(column: string, type: ScalarType): string {
  if (type === 'string') return column;
  return type === 'double' ? `(${column} + 0)::VARCHAR` : `${column}::VARCHAR`;
}

function numbers(sql: SqlBuilder, shape: FileShape, place: Place): string[] {
  const types: readonly ScalarType[] = ['int', 'double'];
  const inColumns = types.flatMap((type) => {
    const column = columnOf(shape, place, type);
    return column === undefined ? [] : [`${column}::DOUBLE`];
  });
  const make = 'TRY_CAST(substr(x, 2) AS DOUBLE)';
  return [...inColumns, ...listed(sql, shape, { place, types, make })];
}

/** The first value of the key in tagged text; `make` turns its letter and text, `x`, into what is wanted. */
function listed(
  sql: SqlBuilder,
  shape: FileShape,
  { place, types, make }: { place: Place; types: readonly ScalarType[]; make: string },
): string[] {
  const column = textColumn(place.scope);
  if (!shape.mayHaveKey(column, place.key)) return [];
  const prefix = escapeText(place.key) + GROUP;
  const from = sql.bind(Array.from(prefix).length + 1, 'INTEGER');
  const starts = types.map((type) => `starts_with(y, ${sql.text(prefix + typeLetter(type))})`);
  const found = `list_filter(string_split(${column}, chr(31)), lambda y: ${starts.join(' OR ')})[1]`;
  return [`list_transform([substr(${found}, ${from})], lambda x: ${make})[1]`];
}

/** Quoted; undefined when the file has no such column. */
function columnOf(
  shape: FileShape,
  { scope, key }: Place,
  type: ColumnValueType,
): string | undefined {
  const name = attributeColumn(scope, key, type)?.name;
  return name !== undefined && shape.has(name) ? quoteName(name) : undefined;
}
