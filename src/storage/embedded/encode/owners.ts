/** Resources and scopes of the rows collected so far, each once by value. Rows name theirs by
 *  number, so a column of a resource attribute is made from one value a resource.
 *  Hot: benchmark `bench/row-group.ts`. */

import { AttributeType } from '../../../model/attribute.ts';
import type {
  AttributeTable,
  ResourceColumns,
  ScopeColumns,
  SpanBatch,
  Table,
} from '../../../model/batch/span-batch.ts';
import { holdsString } from '../../../model/batch/gather.ts';
import { ByteSink } from '../parquet/byte-sink.ts';
import { attributeColumn, REST_COLUMNS, type StoredColumn } from '../schema.ts';
import { COLUMN_TYPES } from './attribute-columns.ts';
import type { StringArena } from './string-arena.ts';
import { writeAttribute } from './tagged-writer.ts';
import type { TextKeyCollector } from './text-keys.ts';

const UNIT = 0x1f;

/** What a column has for one owner: a string id or 0/1, or two words. */
export interface OwnerValue {
  readonly low: number;
  readonly high: number;
}

export interface Owner {
  /** By column name. */
  readonly values: ReadonlyMap<string, OwnerValue>;
  /** String id of its tagged text; 0 when everything has a column. */
  readonly rest: number;
  readonly name: number;
  readonly version: number;
  readonly schemaUrl: number;
  readonly droppedAttributes: number;
}

export class Owners {
  readonly list: Owner[] = [];
  /** Every column that some owner has a value for. */
  readonly columns = new Map<string, StoredColumn>();
  readonly #scope: 'resource' | 'scope';
  readonly #arena: StringArena;
  readonly #sink = new ByteSink(1024);
  readonly #textKeys: TextKeyCollector;
  readonly #known = new Map<string, number>();
  /** Of each owner of the batch at hand: its number here, -1 unknown. */
  #numberOf = new Int32Array(64);

  constructor(scope: 'resource' | 'scope', arena: StringArena, textKeys: TextKeyCollector) {
    this.#scope = scope;
    this.#arena = arena;
    this.#textKeys = textKeys;
  }

  reset(): void {
    this.list.length = 0;
    this.columns.clear();
    this.#known.clear();
  }

  begin(count: number): void {
    if (this.#numberOf.length < count) this.#numberOf = new Int32Array(count * 2);
    this.#numberOf.fill(-1, 0, count);
  }

  /** The number of a batch's owner. `intern` turns the batch's string ids into the arena's. */
  number(batch: SpanBatch, row: number, intern: (id: number) => number): number {
    const known = this.#numberOf[row]!;
    if (known >= 0) return known;
    return (this.#numberOf[row] = this.#add(batch, row, intern));
  }

  #add(batch: SpanBatch, row: number, intern: (id: number) => number): number {
    const isScope = this.#scope === 'scope';
    const table: Table<ScopeColumns | ResourceColumns> = isScope ? batch.scopes : batch.resources;
    const { columns, attributes } = table;
    const name = 'names' in columns ? intern(columns.names[row]!) : 0;
    const version = 'versions' in columns ? intern(columns.versions[row]!) : 0;
    const schemaUrl = intern(columns.schemaUrls[row]!);
    const droppedAttributes = columns.droppedAttributes[row]!;
    let signature = `${name} ${version} ${schemaUrl} ${droppedAttributes}`;
    for (let i = attributes.starts[row]!; i < attributes.starts[row + 1]!; i++) {
      const type = attributes.types[i]!;
      const low = attributes.values[i * 2]!;
      const value = holdsString(type) ? internRaw(this.#arena, batch, low) : low;
      signature += ` ${intern(attributes.keys[i]!)} ${type} ${value} ${attributes.values[i * 2 + 1]!}`;
    }
    const known = this.#known.get(signature);
    if (known !== undefined) return known;
    const number = this.list.length;
    this.#known.set(signature, number);
    const service = isScope ? -1 : batch.resources.columns.services[row]!;
    const { values, rest } = this.#split(batch, attributes, { row, service, intern });
    this.list.push({ values, rest, name, version, schemaUrl, droppedAttributes });
    return number;
  }

  /** Each attribute's column, or the rest. */
  #split(
    batch: SpanBatch,
    table: AttributeTable,
    { row, service, intern }: { row: number; service: number; intern: (id: number) => number },
  ): { values: Map<string, OwnerValue>; rest: number } {
    const values = new Map<string, OwnerValue>();
    const keys = new Set<string>();
    const rest = this.#sink.reset();
    for (let i = table.starts[row]!; i < table.starts[row + 1]!; i++) {
      const key = batch.strings.text(table.keys[i]!);
      const type = table.types[i]!;
      const low = table.values[i * 2]!;
      const valueType = COLUMN_TYPES[type];
      const column = valueType && attributeColumn(this.#scope, key, valueType);
      // When service.name repeats, the column has the one that the model calls the service.
      const isOther = column?.kind === 'fixed' && service > 0 && low !== service;
      if (column === undefined || keys.has(key) || isOther) {
        writeAttribute(rest, batch, table, i);
        this.#textKeys.add(REST_COLUMNS[this.#scope], batch.strings, table.keys[i]!);
        if (!isOther) keys.add(key);
        continue;
      }
      keys.add(key);
      this.columns.set(column.name, column);
      const value = type === AttributeType.string ? intern(low) : low;
      values.set(column.name, { low: value, high: table.values[i * 2 + 1]! });
    }
    if (rest.length === 0) return { values, rest: 0 };
    rest.u8(UNIT);
    return { values, rest: this.#arena.intern(rest.bytes, 0, rest.length) };
  }
}

function internRaw(arena: StringArena, batch: SpanBatch, id: number): number {
  return arena.internFrom(batch.strings, id);
}
