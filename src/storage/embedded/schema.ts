/** The columns of a segment and their names. Fixed columns hold what every span has; each (scope,
 *  key, type) of attributes has a column of its own, because a filter over a column is a hundred
 *  times cheaper than one over a map. What gets no column (rare keys, arrays, kvlists, bytes, empty
 *  values, later values of a key that repeats) stands in the rest column of its scope as tagged
 *  text (tagged-text.ts), so every predicate on an attribute asks both places.
 *
 *  A name is a pure function of (scope, key, type) and can be turned back, so the same attribute
 *  has the same column in every file and no two ever share one, although query engines ignore the
 *  case of names: upper-case letters are written small and their places follow as a bit mask. */

import type { PackedType } from './parquet/packed-text.ts';

export type ColumnScope = 'span' | 'resource' | 'scope';
/** Types that have columns of their own. Packed types are strings that stand for fewer bytes
 *  (parquet/packed-text.ts): strings of one key may stand in several columns. */
export type ColumnValueType = PlainType | PackedType;
type PlainType = 'string' | 'int' | 'double' | 'bool';

export interface AttributeColumn {
  readonly kind: 'attribute';
  readonly name: string;
  readonly scope: ColumnScope;
  readonly key: string;
  readonly type: ColumnValueType;
}

export interface FixedColumn {
  readonly kind: 'fixed';
  readonly name: FixedColumnName;
}

export type StoredColumn = FixedColumn | AttributeColumn;

/** What the query engine sees, and whether a file without nulls only may leave the column out.
 *  `absent` is the value of a null, and of every row of a file that lacks the column. */
export const FIXED_COLUMNS = {
  /** 16 raw bytes. Rows of a row group are sorted by service, name and kind, then by start. */
  trace_id: { type: 'BLOB', required: true },
  /** Ids as numbers, first byte highest, so that hex(span_id) reads as the id does. */
  span_id: { type: 'UBIGINT', required: true },
  /** Of a parent that is not in the row group. A root has neither this nor the next. */
  parent_id: { type: 'UBIGINT', required: false },
  /** How many places before the row its parent stands in their trace (parquet/parent-places.ts). */
  parent_at: { type: 'INTEGER', required: false },
  /** ns since 1970. */
  start_nano: { type: 'UBIGINT', required: true },
  /** end - start modulo 2^64, negative when the end is before the start. */
  duration_nano: { type: 'BIGINT', required: true },
  /** The resource's service.name when that is a string ('' when it is an empty one): there is no
   *  `resource.service.name` column. */
  service: { type: 'VARCHAR', required: false },
  name: { type: 'VARCHAR', required: true },
  /** OTLP numbers. */
  kind: { type: 'INTEGER', required: true },
  status: { type: 'INTEGER', required: true },
  /** Null = ''. */
  status_message: { type: 'VARCHAR', required: false },
  trace_state: { type: 'VARCHAR', required: false },
  scope_name: { type: 'VARCHAR', required: false },
  scope_version: { type: 'VARCHAR', required: false },
  scope_schema_url: { type: 'VARCHAR', required: false },
  resource_schema_url: { type: 'VARCHAR', required: false },
  /** Null = 0. */
  flags: { type: 'UINTEGER', required: false },
  dropped_attributes: { type: 'UINTEGER', required: false },
  dropped_events: { type: 'UINTEGER', required: false },
  dropped_links: { type: 'UINTEGER', required: false },
  resource_dropped_attributes: { type: 'UINTEGER', required: false },
  scope_dropped_attributes: { type: 'UINTEGER', required: false },
  /** Tagged text; null = nothing. */
  span_rest: { type: 'VARCHAR', required: false },
  resource_rest: { type: 'VARCHAR', required: false },
  scope_rest: { type: 'VARCHAR', required: false },
  /** The record of the write-ahead log the row came in: pages of a search leave out what came
   *  after the first page. */
  wal_seq: { type: 'UBIGINT', required: true },
  events: { type: 'VARCHAR', required: false },
  links: { type: 'VARCHAR', required: false },
} as const;

export type FixedColumnName = keyof typeof FIXED_COLUMNS;

/** Where attributes without a column of their own stand. */
export const REST_COLUMNS = {
  span: 'span_rest',
  resource: 'resource_rest',
  scope: 'scope_rest',
} as const satisfies Record<ColumnScope, FixedColumnName>;

/** A longer key gets no column. */
export const COLUMN_KEY_LENGTH_MAX = 200;

/** Column names a segment may have, fixed ones included. */
export const SEGMENT_COLUMNS_MAX = 512;

const SUFFIX: Record<ColumnValueType, string> = {
  string: '',
  // No key of a plain string ends so: its own `:string` is written out.
  uuid: ':uuid:string',
  ipv4: ':ipv4:string',
  int: ':int',
  double: ':double',
  bool: ':bool',
};
const TYPE_END = /:(string|int|double|bool)$/;
const PACKED_END = /:(uuid|ipv4):string$/;
const MASK_END = /~([0-9a-f]+)$/;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNFIT = /[\u0000-\u001f\u007f]|[\ud800-\udfff]/u;

/** The name of the column for string values of service.name on a resource. */
const SERVICE_KEY = 'service.name';

/** The column of an attribute; undefined when its key gets none and it stands in the rest. */
export function attributeColumn(
  scope: ColumnScope,
  key: string,
  type: ColumnValueType,
): StoredColumn | undefined {
  if (scope === 'resource' && key === SERVICE_KEY && type === 'string') {
    return { kind: 'fixed', name: 'service' };
  }
  if (key.length === 0 || key.length > COLUMN_KEY_LENGTH_MAX || UNFIT.test(key)) return undefined;
  return { kind: 'attribute', name: nameOf(scope, key, type), scope, key, type };
}

function nameOf(scope: ColumnScope, key: string, type: ColumnValueType): string {
  const small = key.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  const needsMask = small !== key || MASK_END.test(small.replace(TYPE_END, ''));
  const stem = `${scope}.${small}${needsMask ? `~${caseMask(key)}` : ''}`;
  if (type !== 'string') return stem + SUFFIX[type];
  return TYPE_END.test(stem) ? `${stem}:string` : stem;
}

/** Bit i is set where character i of the key is an upper-case letter. */
function caseMask(key: string): string {
  let mask = 0n;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    if (code >= 65 && code <= 90) mask |= 1n << BigInt(i);
  }
  return mask.toString(16);
}

/** The column a name stands for; undefined when this program never writes such a name. */
export function columnOfName(name: string): StoredColumn | undefined {
  if (isFixedName(name)) return { kind: 'fixed', name };
  const dot = name.indexOf('.');
  const scope = scopeOf(name.slice(0, Math.max(dot, 0)));
  if (scope === undefined) return undefined;
  const end = PACKED_END.exec(name) ?? TYPE_END.exec(name);
  const type = typeOf(end?.[1]) ?? 'string';
  const stem = name.slice(dot + 1, end?.index);
  const mask = MASK_END.exec(stem);
  const key = mask === null ? stem : withCase(stem.slice(0, mask.index), mask[1] ?? '0');
  const column = attributeColumn(scope, key, type);
  return column?.name === name ? column : undefined;
}

function withCase(small: string, mask: string): string {
  const bits = BigInt(`0x${mask}`);
  let key = '';
  for (let i = 0; i < small.length; i++) {
    const char = small.charAt(i);
    key += (bits >> BigInt(i)) & 1n ? char.toUpperCase() : char;
  }
  return key;
}

function isFixedName(name: string): name is FixedColumnName {
  return Object.hasOwn(FIXED_COLUMNS, name);
}

function scopeOf(text: string): ColumnScope | undefined {
  return text === 'span' || text === 'resource' || text === 'scope' ? text : undefined;
}

function typeOf(text: string | undefined): ColumnValueType | undefined {
  return text !== undefined && isType(text) ? text : undefined;
}

function isType(text: string): text is ColumnValueType {
  return Object.hasOwn(SUFFIX, text);
}
