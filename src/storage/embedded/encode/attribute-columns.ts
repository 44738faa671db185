/** The values of span attributes by (key, type), each with the row it belongs to: memory follows
 *  the values, not rows times keys. Hot: benchmark `bench/row-group.ts`. */

import { AttributeType } from '../../../model/attribute.ts';
import type { StringTable } from '../../../model/batch/string-table.ts';
import { type AttributeColumn, attributeColumn, type ColumnValueType } from '../schema.ts';

/** Keys a row group tracks; further ones stand in the rest column. */
const KEYS_MAX = 2048;
const FIRST_VALUES = 16;
/** AttributeType is below this. */
const TYPES = 8;

/** Types with columns, by AttributeType. */
export const COLUMN_TYPES: readonly (ColumnValueType | undefined)[] = [
  undefined,
  'string',
  'bool',
  'int',
  'double',
];

export class SparseColumn {
  readonly column: AttributeColumn;
  /** Ascending. */
  rows = new Uint32Array(FIRST_VALUES);
  /** String ids (strings), 0 or 1 (bools). */
  values: Uint32Array;
  /** Words a value: 2 for ints and doubles. */
  readonly width: 1 | 2;
  count = 0;

  constructor(column: AttributeColumn) {
    this.column = column;
    this.width = column.type === 'int' || column.type === 'double' ? 2 : 1;
    this.values = new Uint32Array(FIRST_VALUES * this.width);
  }

  add(row: number, low: number, high: number): void {
    const at = this.count++;
    if (at === this.rows.length) this.#grow();
    this.rows[at] = row;
    if (this.width === 1) {
      this.values[at] = low;
    } else {
      this.values[at * 2] = low;
      this.values[at * 2 + 1] = high;
    }
  }

  #grow(): void {
    const rows = new Uint32Array(this.rows.length * 2);
    rows.set(this.rows);
    this.rows = rows;
    const values = new Uint32Array(this.values.length * 2);
    values.set(this.values);
    this.values = values;
  }
}

/** Says which column an attribute goes to. */
export class AttributeColumns {
  readonly #slots = new Map<string, number>();
  #keys: string[] = [];
  #columns: (SparseColumn | undefined)[] = [];
  /** The row that had the key last: a second value of it in one row goes to the rest. */
  readonly #lastRow = new Int32Array(KEYS_MAX).fill(-1);
  /** Of each string of the batch at hand: its slot, -1 unknown, -2 none. */
  #slotOf = new Int32Array(1024);
  #strings: StringTable | undefined;

  get columns(): readonly SparseColumn[] {
    return this.#columns.filter((column) => column !== undefined).filter(({ count }) => count > 0);
  }

  /** Forgets the values; keys and buffers stay for the next row group, unless there are many. */
  reset(): void {
    if (this.#keys.length > KEYS_MAX / 2) {
      this.#slots.clear();
      this.#keys = [];
      this.#columns = [];
    }
    for (const column of this.#columns) if (column !== undefined) column.count = 0;
    this.#lastRow.fill(-1);
  }

  begin(strings: StringTable): void {
    this.#strings = strings;
    if (this.#slotOf.length < strings.count) this.#slotOf = new Int32Array(strings.count * 2);
    this.#slotOf.fill(-1, 0, strings.count);
  }

  /** The column of an attribute of `row`, undefined when it belongs into the rest. */
  find(row: number, key: number, type: number): SparseColumn | undefined {
    let slot = this.#slotOf[key]!;
    if (slot === -1) slot = this.#slotOf[key] = this.#slotOfKey(key);
    if (slot < 0) return undefined;
    const isRepeated = this.#lastRow[slot] === row;
    this.#lastRow[slot] = row;
    if (isRepeated) return undefined;
    const at = slot * TYPES + type;
    return this.#columns[at] ?? this.#addColumn(slot, type);
  }

  #slotOfKey(id: number): number {
    const key = this.#strings!.text(id);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    if (this.#keys.length >= KEYS_MAX) return -2;
    if (attributeColumn('span', key, 'string') === undefined) return -2;
    return this.#addKey(key);
  }

  #addKey(key: string): number {
    const slot = this.#keys.push(key) - 1;
    this.#slots.set(key, slot);
    return slot;
  }

  #addColumn(slot: number, type: number): SparseColumn | undefined {
    if (type === AttributeType.empty || type > AttributeType.double) return undefined;
    const column = attributeColumn('span', this.#keys[slot]!, COLUMN_TYPES[type]!);
    if (column?.kind !== 'attribute') return undefined;
    return (this.#columns[slot * TYPES + type] = new SparseColumn(column));
  }
}
