/** Predicates on attributes. A value stands in the column of its (scope, key, type) or in the
 *  tagged text of its scope, events and links only in tagged text; every predicate asks each place
 *  that the file has. A test of few exact values is a search for substrings; any other takes the
 *  text apart, after a look whether the key is there at all. */

import type { AttributeScope } from '../../../filter/ast.ts';
import { PACKED_TYPES, type PackedType } from '../parquet/packed-text.ts';
import {
  attributeColumn,
  type ColumnScope,
  type ColumnValueType,
  REST_COLUMNS,
} from '../schema.ts';
import {
  escapeText,
  GROUP,
  keyNeedle,
  needle,
  RECORD,
  type ScalarType,
  typeLetter,
  UNIT,
} from '../tagged-text.ts';
import type { TextColumn } from '../segment-index.ts';
import type { FileShape } from './file-shape.ts';
import { parentIdText, traceIdText } from './id-sql.ts';
import { packedLiteral, packedTextSql } from './packed-sql.ts';
import { anyTrue, FALSE, quoteName, type SqlBuilder } from './sql-builder.ts';
import type { Condition, ValueTest } from './value-sql.ts';

const TYPES: readonly ScalarType[] = ['string', 'int', 'double', 'bool'];
const SCOPES: readonly AttributeScope[] = ['span', 'resource', 'scope', 'event', 'link'];

interface AttributeName {
  readonly scope: AttributeScope | 'any';
  readonly key: string;
}

export class AttributeSql {
  readonly #sql: SqlBuilder;
  readonly #shape: FileShape;
  /** Inside a lambda over events or links: the names of its variables. */
  readonly #bound = new Map<Element, string>();

  constructor(sql: SqlBuilder, shape: FileShape) {
    this.#sql = sql;
    this.#shape = shape;
  }

  /** Some value of the attribute passes. */
  some({ scope, key }: AttributeName, test: ValueTest): string {
    const scopes = scope === 'any' ? SCOPES : [scope];
    return anyTrue(scopes.map((each) => this.#inScope(each, key, test)));
  }

  /** The attribute is there, with a value of any type. */
  exists({ scope, key }: AttributeName): string {
    const scopes = scope === 'any' ? SCOPES : [scope];
    return anyTrue(scopes.map((each) => this.#existsInScope(each, key)));
  }

  /** Some event or link passes: inside of `inner`, they are that one alone. */
  someElement(element: Element, inner: () => string): string {
    const column = ELEMENT_COLUMNS[element];
    if (!this.#shape.has(column)) return FALSE;
    if (this.#bound.has(element)) return inner();
    this.#bound.set(element, element);
    const condition = inner();
    this.#bound.delete(element);
    return someRecord(column, element, condition);
  }

  /** A field of some event or link passes. */
  someElementField(field: ElementField, test: ValueTest): string {
    const { element, value, condition: choose } = ELEMENT_FIELDS[field];
    const condition = choose(test);
    if (condition === undefined) return FALSE;
    return this.someElement(element, () => condition(value(element, this.#shape)));
  }

  #inScope(scope: AttributeScope, key: string, test: ValueTest): string {
    const column = textColumn(scope);
    const mayBe = this.#shape.mayHaveKey(column, key);
    const inText = mayBe ? this.#inText(this.#textOf(scope), key, test) : FALSE;
    if (scope === 'event' || scope === 'link') return inText;
    return anyTrue([...this.#inColumns(scope, key, test), inText]);
  }

  #inColumns(scope: ColumnScope, key: string, test: ValueTest): string[] {
    const plain = TYPES.map((type) => {
      const condition = test.byType[type];
      const name = this.#columnOf(scope, key, type);
      return condition === undefined || name === undefined ? FALSE : condition(quoteName(name));
    });
    const packed = PACKED_TYPES.map((type) => {
      const name = this.#columnOf(scope, key, type);
      return name === undefined ? FALSE : inPacked(quoteName(name), type, test);
    });
    return [...plain, ...packed];
  }

  /** What holds the scope's attributes that have no column: all of a span's, or one element's. */
  #textOf(scope: AttributeScope): string {
    const bound = scope === 'event' || scope === 'link' ? this.#bound.get(scope) : undefined;
    return bound ?? textColumn(scope);
  }

  #inText(texts: string, key: string, test: ValueTest): string {
    if (test.exactly !== undefined) {
      const needles = test.exactly.map(({ type, text }) => this.#sql.text(needle(key, type, text)));
      return anyTrue(needles.map((text) => `contains(${texts}, ${text})`));
    }
    const anyOf = TYPES.map((type) => this.#ofType(key, type, test.byType[type]));
    const values = `list_filter(string_split(${texts}, chr(31)), lambda x: ${anyTrue(anyOf)})`;
    const has = `contains(${texts}, ${this.#sql.text(keyNeedle(key))})`;
    return `CASE WHEN ${has} THEN len(${values}) > 0 ELSE FALSE END`;
  }

  /** A test of `x`, one attribute: key GROUP type value. */
  #ofType(key: string, type: ScalarType, condition: Condition | undefined): string {
    if (condition === undefined) return FALSE;
    const prefix = escapeText(key) + GROUP + typeLetter(type);
    const start = this.#sql.bind(Array.from(prefix).length + 1, 'INTEGER');
    const test = condition(castText(`substr(x, ${start})`, type));
    if (test === FALSE) return FALSE;
    const plain = `(starts_with(x, ${this.#sql.text(prefix)}) AND ${test})`;
    if (type !== 'double') return plain;
    // A NaN that carries bits of its own stands under a letter of its own.
    const odd = this.#sql.text(`${escapeText(key)}${GROUP}D`);
    return anyTrue([plain, `(starts_with(x, ${odd}) AND ${condition("'NaN'::DOUBLE")})`]);
  }

  #existsInScope(scope: AttributeScope, key: string): string {
    const column = textColumn(scope);
    const inText = this.#shape.mayHaveKey(column, key)
      ? `contains(${this.#textOf(scope)}, ${this.#sql.text(keyNeedle(key))})`
      : FALSE;
    if (scope === 'event' || scope === 'link') return inText;
    const names = [...TYPES, ...PACKED_TYPES].map((type) => this.#columnOf(scope, key, type));
    const inColumns = names.filter((name) => name !== undefined);
    return anyTrue([...inColumns.map((name) => `${quoteName(name)} IS NOT NULL`), inText]);
  }

  /** undefined when the file has no such column. */
  #columnOf(scope: ColumnScope, key: string, type: ColumnValueType): string | undefined {
    const name = attributeColumn(scope, key, type)?.name;
    return name !== undefined && this.#shape.has(name) ? name : undefined;
  }
}

/** A test of few exact values compares what is stored, any other the text. */
function inPacked(column: string, type: PackedType, test: ValueTest): string {
  const condition = test.byType.string;
  if (condition === undefined) return FALSE;
  if (test.exactly === undefined) return condition(packedTextSql(column, type));
  const texts = test.exactly.filter((each) => each.type === 'string');
  const values = texts.flatMap(({ text }) => packedLiteral(text, type) ?? []);
  return values.length === 0 ? FALSE : `${column} IN (${values.join(', ')})`;
}

type Element = 'event' | 'link';

const ELEMENT_COLUMNS = { event: 'events', link: 'links' } as const;

/** A list of the records; the text begins with the mark of the first, so the first piece is none. */
function someRecord(column: string, variable: string, condition: string): string {
  if (condition === FALSE) return FALSE;
  const pieces = `string_split(${column}, ${control(RECORD)})[2:]`;
  return `len(list_filter(${pieces}, lambda ${variable}: ${condition})) > 0`;
}

interface ElementPart {
  readonly element: Element;
  /** Given the record. */
  readonly value: (record: string, shape: FileShape) => string;
  readonly condition: (test: ValueTest) => Condition | undefined;
}

/** The parts of a record's head as tagged-text.ts writes it. */
const ELEMENT_FIELDS = {
  eventName: ofText('event', (record) => unescaped(headPart(record, 1))),
  eventTimeNano: {
    element: 'event',
    value: (record) => unsigned64(`(start_nano::HUGEINT + ${eventDelay(record)})`),
    condition: (test) => test.unsigned,
  },
  eventSinceStartNano: {
    element: 'event',
    value: (record) => signed64(eventDelay(record)),
    condition: (test) => test.byType.int,
  },
  linkTraceId: ofText('link', (record) => {
    const ids = linkIds(record);
    return `CASE WHEN length(${ids}) = 48 THEN ${ids}[:32] ELSE ${traceIdText} END`;
  }),
  linkSpanId: ofText('link', (record, shape) => {
    const ids = linkIds(record);
    return `CASE WHEN ${ids} = '' THEN ${parentIdText(shape)} ELSE ${ids}[-16:] END`;
  }),
  linkTraceState: ofText('link', (record) => unescaped(headPart(record, 4))),
} satisfies Record<string, ElementPart>;
type ElementField = keyof typeof ELEMENT_FIELDS;

export function isElementField(name: string): name is ElementField {
  return name in ELEMENT_FIELDS;
}

function ofText(element: Element, value: ElementPart['value']): ElementPart {
  return { element, value, condition: (test) => test.byType.string };
}

/** Ids of the own trace and parent are left out. */
function linkIds(record: string): string {
  return `split_part(${record}, ${control(GROUP)}, 1)`;
}

function headPart(record: string, part: number): string {
  return `split_part(split_part(${record}, ${control(UNIT)}, 1), ${control(GROUP)}, ${part})`;
}

function eventDelay(record: string): string {
  return `${headPart(record, 2)}::HUGEINT`;
}

function unsigned64(value: string): string {
  return `(${value} & 18446744073709551615::HUGEINT)`;
}

function signed64(value: string): string {
  const low = unsigned64(value);
  const isNegative = `${low} > 9223372036854775807`;
  return `(CASE WHEN ${isNegative} THEN ${low} - 18446744073709551616::HUGEINT ELSE ${low} END)`;
}

export function textColumn(scope: AttributeScope): TextColumn {
  if (scope === 'event') return 'events';
  return scope === 'link' ? 'links' : REST_COLUMNS[scope];
}

function control(char: string): string {
  return `chr(${char.charCodeAt(0)})`;
}

/** The value of the given type that a text in tagged text stands for. */
function castText(text: string, type: ScalarType): string {
  switch (type) {
    case 'string':
      return unescaped(text);
    case 'int':
      return `TRY_CAST(${text} AS BIGINT)`;
    case 'double':
      return `TRY_CAST(${text} AS DOUBLE)`;
    case 'bool':
      return `(${text} = 'true')`;
  }
}

/** The mark of escapes is undone last: its own escape would make others of what follows. */
export function unescaped(text: string): string {
  const undo = [
    ['@', 0],
    [']', 29],
    ['^', 30],
    ['_', 31],
    ['P', 16],
  ] as const;
  const replaced = undo.reduce(
    (inner, [letter, code]) => `replace(${inner}, chr(16) || '${letter}', chr(${code}))`,
    text,
  );
  return `CASE WHEN contains(${text}, chr(16)) THEN ${replaced} ELSE ${text} END`;
}
