/** Predicates on what every span has. A text that is empty is stored as null and compares as ''. */

import type { Intrinsic } from '../../../filter/ast.ts';
import { SPAN_KINDS, STATUS_CODES } from '../../../model/attribute.ts';
import { bytesFromHex } from '../../../model/ids.ts';
import { type AttributeSql, isElementField } from './attribute-sql.ts';
import type { FileShape } from './file-shape.ts';
import { parentIdText, spanIdText, traceIdText } from './id-sql.ts';
import { hasParents, isRoot, parentId } from './parent-sql.ts';
import { anyTrue, FALSE, notTrue, type SqlBuilder, TRUE } from './sql-builder.ts';
import type { Condition, ValueTest } from './value-sql.ts';

interface IntrinsicContext {
  readonly sql: SqlBuilder;
  readonly shape: FileShape;
  readonly attributes: AttributeSql;
}

export function intrinsicSql(name: Intrinsic, test: ValueTest, context: IntrinsicContext): string {
  if (isElementField(name)) return context.attributes.someElementField(name, test);
  switch (name) {
    case 'kind':
      return codeSql('kind', SPAN_KINDS, test);
    case 'status':
      return codeSql('status', STATUS_CODES, test);
    case 'durationNano':
      return numberSql('duration_nano', test.byType.int);
    case 'startNano':
      return numberSql('start_nano', test.unsigned);
    case 'endNano':
      return numberSql(END_NANO, test.unsigned);
    case 'traceId':
    case 'spanId':
    case 'parentSpanId':
      return idSql(name, test, context);
    default:
      return textSql(TEXT_COLUMNS[name], test, context.shape);
  }
}

function numberSql(column: string, condition: Condition | undefined): string {
  return condition === undefined ? FALSE : condition(column);
}

/** Modulo 2^64, as the duration is stored. */
const END_NANO = '((start_nano::HUGEINT + duration_nano) & 18446744073709551615::HUGEINT)';

const TEXT_COLUMNS = {
  service: 'service',
  name: 'name',
  statusMessage: 'status_message',
  traceState: 'trace_state',
  scopeName: 'scope_name',
  scopeVersion: 'scope_version',
  scopeSchemaUrl: 'scope_schema_url',
  resourceSchemaUrl: 'resource_schema_url',
} as const;

function textSql(column: string, test: ValueTest, shape: FileShape): string {
  const condition = test.byType.string;
  if (condition === undefined) return FALSE;
  const passesEmpty = test.passes('');
  if (!shape.has(column)) return passesEmpty ? TRUE : FALSE;
  // The bare column, so that the predicate can reach the scan.
  return anyTrue([condition(column), passesEmpty ? `${column} IS NULL` : FALSE]);
}

/** A test of names becomes one of numbers; a number without a name counts as the first. */
function codeSql(column: string, names: readonly string[], test: ValueTest): string {
  if (test.byType.string === undefined) return FALSE;
  const passing = names.flatMap((name, code) => (test.passes(name) ? [code] : []));
  if (passing.length === 0) return FALSE;
  if (passing.length === names.length) return TRUE;
  if (!passing.includes(0)) return `${column} IN (${passing.join(', ')})`;
  const failing = names.flatMap((name, code) => (test.passes(name) ? [] : [code]));
  return notTrue(`${column} IN (${failing.join(', ')})`);
}

type IdName = 'traceId' | 'spanId' | 'parentSpanId';

/** Few exact ids compare as they are stored, any other test as hex. */
function idSql(name: IdName, test: ValueTest, { sql, shape }: IntrinsicContext): string {
  const condition = test.byType.string;
  if (condition === undefined) return FALSE;
  if (name === 'parentSpanId' && !hasParents(shape)) return test.passes('') ? TRUE : FALSE;
  if (test.exactly === undefined) return condition(idText(name, shape));
  const texts = test.exactly.filter(({ type }) => type === 'string');
  return anyTrue(
    texts.map(({ text }) => {
      if (name === 'traceId') return isTraceId(sql, text);
      if (name === 'parentSpanId' && text === '') return `(${isRoot(shape)})`;
      return isSpanId(sql, name === 'spanId' ? 'span_id' : parentId(shape), text);
    }),
  );
}

function idText(name: IdName, shape: FileShape): string {
  switch (name) {
    case 'traceId':
      return traceIdText;
    case 'spanId':
      return spanIdText('span_id');
    case 'parentSpanId':
      return parentIdText(shape);
  }
}

function isTraceId(sql: SqlBuilder, hex: string): string {
  const bytes = bytesFromHex(hex, 16);
  if (bytes === undefined || hex !== hex.toLowerCase()) return FALSE;
  return `trace_id = ${sql.bind(bytes, 'BLOB')}`;
}

function isSpanId(sql: SqlBuilder, column: string, hex: string): string {
  if (!/^[0-9a-f]{16}$/.test(hex)) return FALSE;
  return `${column} = ${sql.bind(BigInt(`0x${hex}`), 'UBIGINT')}`;
}
