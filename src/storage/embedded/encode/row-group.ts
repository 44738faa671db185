/** Writes collected rows as the column chunks of one row group (schema.ts says which).
 *  Hot: benchmark `bench/row-group.ts`. */

import {
  ChunkEncoder,
  type ColumnChunk,
  type ColumnSpec,
  type ColumnValues,
  Physical,
} from '../parquet/column-chunk.ts';
import { ByteSink } from '../parquet/byte-sink.ts';
import { PACKED_BYTES, PACKED_TYPES } from '../parquet/packed-text.ts';
import {
  type AttributeColumn,
  attributeColumn,
  type ColumnValueType,
  FIXED_COLUMNS,
  type FixedColumnName,
  type StoredColumn,
} from '../schema.ts';
import type { SparseColumn } from './attribute-columns.ts';
import type { Owner, Owners } from './owners.ts';
import type { RowCollector, SparseText } from './rows.ts';
import { writeDouble, writeEscaped, writeInt } from './tagged-writer.ts';
import { ELSEWHERE, placeParents } from '../parquet/parent-places.ts';
import { orderRows, type RowOrder } from './row-order.ts';
import { SpanTable } from './span-table.ts';
import { rowsByTrace, type TraceRows } from './trace-groups.ts';
import { Vectors } from './vectors.ts';

/** Attribute columns of a row group, the most frequent: beyond, columns cost more than they give. */
export const ATTRIBUTE_COLUMNS_MAX = 256;

/** Lifts every place above 0, which stands for none. */
const PLACE_BIAS = 2 ** 30;

const GROUP = 0x1d;
const UNIT = 0x1f;
const STRING_LETTER = 0x73;
const encoder = new TextEncoder();
const NONE = new Uint32Array(0);
const NO_ORDER: RowOrder = { rows: NONE, positions: NONE, byStart: NONE };

export interface EncodedRowGroup {
  readonly chunks: readonly ColumnChunk[];
  readonly columns: readonly StoredColumn[];
  readonly traces: TraceRows;
  /** Rows by their ids, for what else is made of the rows. */
  readonly parents: SpanTable;
}

/** Encodes row groups one after another; keeps its buffers. */
export class RowGroupEncoder {
  readonly #rows: RowCollector;
  readonly #vectors: Vectors;
  readonly #chunkEncoder = new ChunkEncoder();
  #chunks: ColumnChunk[] = [];
  #columns: StoredColumn[] = [];
  #order: RowOrder = NO_ORDER;
  #count = 0;
  /** Rows of a sparse column by position, as their place in the column plus one. */
  #places = new Uint32Array(0);
  #present = new Uint8Array(0);
  #numbers = new Uint32Array(0);
  /** Resource and scope of each row, by position. */
  #resourceOf: Uint32Array = NONE;
  #scopeOf: Uint32Array = NONE;

  constructor(rows: RowCollector) {
    this.#rows = rows;
    this.#vectors = new Vectors(rows.arena, rows.seed);
  }

  encode(): EncodedRowGroup {
    const { count, dense } = this.#rows;
    this.#count = count;
    this.#chunks = [];
    this.#columns = [];
    this.#order = orderRows(this.#rows);
    const traces = rowsByTrace(this.#rows.traces, this.#order.byStart);
    if (this.#places.length < count) {
      this.#places = new Uint32Array(count * 2);
      this.#present = new Uint8Array(count * 2);
      this.#numbers = new Uint32Array(count * 4);
    }
    this.#resourceOf = this.#gather(dense.resources);
    this.#scopeOf = this.#gather(dense.scopes);
    this.#addTraceIds(traces);
    this.#addSpanIds();
    const starts = this.#addTimes();
    const parents = new SpanTable(this.#rows.ids);
    this.#addParents(parents, traces, starts);
    this.#addText('name', this.#gather(dense.names));
    this.#addNumbers('kind', this.#gather(dense.kinds));
    this.#addNumbers('status', this.#gather(dense.statusCodes));
    this.#addOptionalText('status_message', dense.statusMessages);
    this.#addOptionalText('trace_state', dense.traceStates);
    this.#addOptionalNumbers('flags', dense.flags);
    this.#addOptionalNumbers('dropped_attributes', dense.droppedAttributes);
    this.#addOptionalNumbers('dropped_events', dense.droppedEvents);
    this.#addOptionalNumbers('dropped_links', dense.droppedLinks);
    this.#addOwnerFields();
    this.#addAttributes();
    this.#addWalSeqs();
    this.#addSparseText('events', this.#rows.events);
    this.#addSparseText('links', this.#rows.links);
    return { chunks: this.#chunks, columns: this.#columns, traces, parents };
  }

  /** A dense column by position. */
  #gather(values: Uint8Array | Uint32Array): Uint32Array {
    const { rows } = this.#order;
    const out = new Uint32Array(this.#count);
    for (let i = 0; i < out.length; i++) out[i] = values[rows[i]!]!;
    return out;
  }

  #emit(
    column: StoredColumn,
    spec: ColumnSpec,
    values: ColumnValues,
    { count, min, max }: { count: number; min?: Uint8Array; max?: Uint8Array },
  ): void {
    const present = count === this.#count ? undefined : this.#present;
    // Codes of traces grow along each run, which a short search hardly sees: a tenth of the column.
    const isThorough = spec.name === 'trace_id';
    const input = { spec, values, count, present, min, max, isThorough };
    this.#chunks.push(this.#chunkEncoder.encode(input, this.#count));
    this.#columns.push(column);
  }

  /** Codes in the order of time: they grow along each run of rows. */
  #addTraceIds({ traces, ranks }: TraceRows): void {
    const { rows } = this.#order;
    const { ids, ofRow } = this.#rows.traces;
    const size = traces.length;
    const dictionary = new Uint8Array(size * 16);
    for (let i = 0; i < size; i++) {
      const from = traces[i]! * 16;
      for (let j = 0; j < 16; j++) dictionary[i * 16 + j] = ids[from + j]!;
    }
    const codes = new Uint32Array(this.#count);
    for (let i = 0; i < this.#count; i++) codes[i] = ranks[ofRow[rows[i]!]!]!;
    this.#addFixed('trace_id', { kind: 'dictionary', dictionary, size, codes }, this.#count);
  }

  #addSpanIds(): void {
    const { rows } = this.#order;
    const { spanIds } = this.#rows.dense;
    const own = new Uint8Array(this.#count * 8);
    for (let i = 0; i < this.#count; i++) {
      const from = rows[i]! * 8;
      for (let j = 0; j < 8; j++) own[i * 8 + j] = spanIds[from + 7 - j]!;
    }
    this.#addFixed('span_id', { kind: 'plain', bytes: own, isRandom: true }, this.#count);
  }

  /** As places where the parent is in this row group, else as ids. */
  #addParents(table: SpanTable, { ranks }: TraceRows, starts: Uint32Array): void {
    const { rows, positions } = this.#order;
    const { ofRow, count: traces } = this.#rows.traces;
    const traceOf = new Uint32Array(this.#count);
    for (let i = 0; i < this.#count; i++) traceOf[i] = ranks[ofRow[rows[i]!]!]!;
    const places = placeParents({ count: this.#count, traceOf, traces, starts }, (position) => {
      const row = rows[position]!;
      const parent = table.hasParent(row) ? table.parentRow(row) : -1;
      return parent < 0 ? -1 : positions[parent]!;
    });
    const count = this.#compact((i) => (places[i]! === ELSEWHERE ? 0 : places[i]! + PLACE_BIAS));
    for (let i = 0; i < count; i++) this.#numbers[i]! -= PLACE_BIAS;
    if (count > 0) this.#addFixed('parent_at', this.#vectors.small(this.#numbers, count), count);
    this.#addParentsElsewhere(places, table);
  }

  #addParentsElsewhere(places: Int32Array, table: SpanTable): void {
    const { rows } = this.#order;
    const { parentSpanIds } = this.#rows.dense;
    const bytes = new Uint8Array(this.#count * 8);
    let count = 0;
    for (let i = 0; i < this.#count; i++) {
      const row = rows[i]!;
      const isElsewhere = places[i]! === ELSEWHERE && table.hasParent(row);
      this.#present[i] = isElsewhere ? 1 : 0;
      if (!isElsewhere) continue;
      for (let j = 0; j < 8; j++) bytes[count * 8 + j] = parentSpanIds[row * 8 + 7 - j]!;
      count++;
    }
    if (count === 0) return;
    const words = new Uint32Array(bytes.buffer, 0, count * 2);
    this.#addFixed('parent_id', this.#vectors.ids(words, count), count);
  }

  /** Returns the starts by position. */
  #addTimes(): Uint32Array {
    const { startNano, endNano } = this.#rows.dense;
    const { rows } = this.#order;
    const starts = new Uint32Array(this.#count * 2);
    const durations = new Uint32Array(this.#count * 2);
    for (let i = 0; i < this.#count; i++) {
      const at = rows[i]! * 2;
      const low = startNano[at]!;
      const high = startNano[at + 1]!;
      const endLow = endNano[at]!;
      starts[i * 2] = low;
      starts[i * 2 + 1] = high;
      durations[i * 2] = endLow - low;
      durations[i * 2 + 1] = endNano[at + 1]! - high - (endLow < low ? 1 : 0);
    }
    this.#addFixed(
      'start_nano',
      { kind: 'delta', words: starts },
      this.#count,
      rangeOf(starts, this.#count, 0),
    );
    this.#addFixed(
      'duration_nano',
      { kind: 'delta', words: durations },
      this.#count,
      rangeOf(durations, this.#count, 0x8000_0000),
    );
    return starts;
  }

  #addWalSeqs(): void {
    const { walSeqs } = this.#rows.dense;
    const { rows } = this.#order;
    const words = new Uint32Array(this.#count * 2);
    for (let i = 0; i < this.#count; i++) {
      words[i * 2] = walSeqs[rows[i]! * 2]!;
      words[i * 2 + 1] = walSeqs[rows[i]! * 2 + 1]!;
    }
    this.#addFixed('wal_seq', this.#vectors.integers(words, this.#count), this.#count);
  }

  #addFixed(
    name: FixedColumnName,
    values: ColumnValues,
    count: number,
    range?: { min: Uint8Array; max: Uint8Array },
  ): void {
    this.#emit({ kind: 'fixed', name }, fixedSpec(name), values, { count, ...range });
  }

  #addText(name: FixedColumnName, ids: Uint32Array): void {
    this.#addFixed(name, this.#vectors.strings(ids, this.#count), this.#count);
  }

  #addNumbers(name: FixedColumnName, values: Uint32Array): void {
    this.#addFixed(name, this.#vectors.small(values, this.#count), this.#count);
  }

  /** A column whose zeros are nulls; nothing when all are. */
  #addOptionalText(name: FixedColumnName, ids: Uint32Array): void {
    const count = this.#compact((position) => ids[this.#order.rows[position]!]!);
    if (count > 0) this.#addFixed(name, this.#vectors.strings(this.#numbers, count), count);
  }

  #addOptionalNumbers(name: FixedColumnName, values: Uint32Array): void {
    const count = this.#compact((position) => values[this.#order.rows[position]!]!);
    if (count > 0) this.#addFixed(name, this.#vectors.small(this.#numbers, count), count);
  }

  /** Fills `present` and `numbers` with the values that are not 0; returns how many. */
  #compact(valueAt: (position: number) => number): number {
    let count = 0;
    for (let i = 0; i < this.#count; i++) {
      const value = valueAt(i);
      this.#present[i] = value === 0 ? 0 : 1;
      if (value !== 0) this.#numbers[count++] = value;
    }
    return count;
  }

  #addOwnerFields(): void {
    const { resources, scopes } = this.#rows;
    const text = (name: FixedColumnName, owners: Owners, idOf: (owner: Owner) => number): void => {
      const of = owners === resources ? this.#resourceOf : this.#scopeOf;
      this.#addOwnerColumn({ kind: 'fixed', name }, fixedSpec(name), {
        type: 'string',
        of,
        values: owners.list.map((owner) => {
          const low = idOf(owner);
          return low === 0 ? undefined : { low, high: 0 };
        }),
      });
    };
    const dropped = (name: FixedColumnName, owners: Owners): void => {
      if (owners.list.every((owner) => owner.droppedAttributes === 0)) return;
      const of = owners === resources ? this.#resourceOf : this.#scopeOf;
      const count = this.#compact((i) => owners.list[of[i]!]!.droppedAttributes);
      if (count > 0) this.#addFixed(name, this.#vectors.small(this.#numbers, count), count);
    };
    text('scope_name', scopes, (scope) => scope.name);
    text('scope_version', scopes, (scope) => scope.version);
    text('scope_schema_url', scopes, (scope) => scope.schemaUrl);
    text('resource_schema_url', resources, (resource) => resource.schemaUrl);
    text('scope_rest', scopes, (scope) => scope.rest);
    text('resource_rest', resources, (resource) => resource.rest);
    dropped('scope_dropped_attributes', scopes);
    dropped('resource_dropped_attributes', resources);
  }

  /** A column whose value depends on the row's owner alone. */
  #addOwnerColumn(
    column: StoredColumn,
    spec: ColumnSpec,
    {
      type,
      of,
      values,
    }: {
      type: ColumnValueType;
      of: Uint32Array;
      values: readonly ({ low: number; high: number } | undefined)[];
    },
  ): void {
    // Owners without a value drop out of the numbering.
    const numbers = new Int32Array(values.length).fill(-1);
    const words: number[] = [];
    values.forEach((value, owner) => {
      if (value === undefined) return;
      numbers[owner] = words.length / 2;
      words.push(value.low, value.high);
    });
    if (words.length === 0) return;
    let count = 0;
    for (let i = 0; i < this.#count; i++) {
      const number = numbers[of[i]!]!;
      this.#present[i] = number < 0 ? 0 : 1;
      if (number >= 0) this.#numbers[count++] = number;
    }
    if (count === 0) return;
    const encoded = this.#ownerValues(type, Uint32Array.from(words), count);
    this.#emit(column, spec, encoded, { count });
  }

  #ownerValues(type: ColumnValueType, words: Uint32Array, count: number): ColumnValues {
    const of = this.#numbers;
    switch (type) {
      case 'string': {
        const ids = new Uint32Array(words.length / 2);
        for (let i = 0; i < ids.length; i++) ids[i] = words[i * 2]!;
        return this.#vectors.stringsOf(ids, of, count);
      }
      case 'bool': {
        const flags = new Uint8Array(count);
        for (let i = 0; i < count; i++) flags[i] = words[of[i]! * 2]!;
        return { kind: 'boolean', flags };
      }
      default:
        return this.#vectors.wordsOf(words, of, count);
    }
  }

  /** The most frequent attribute columns; what is left goes to the rest of its row. */
  #addAttributes(): void {
    const { attributes, resources, scopes } = this.#rows;
    this.#addOwnerAttributes(resources, this.#resourceOf);
    this.#addOwnerAttributes(scopes, this.#scopeOf);
    const free = ATTRIBUTE_COLUMNS_MAX - Math.min(this.#columns.length, ATTRIBUTE_COLUMNS_MAX / 2);
    const byCount = attributes.columns.toSorted((a, b) => b.count - a.count);
    for (const column of byCount.slice(0, free)) this.#addSparse(column);
    const overflow = byCount.slice(free);
    const { rest } = this.#rows;
    this.#addSparseText('span_rest', overflow.length === 0 ? rest : this.#restWith(overflow));
  }

  #addOwnerAttributes(owners: Owners, of: Uint32Array): void {
    for (const column of owners.columns.values()) {
      const type = column.kind === 'attribute' ? column.type : 'string';
      const spec = column.kind === 'attribute' ? attributeSpec(column) : fixedSpec(column.name);
      const values = owners.list.map((owner) => owner.values.get(column.name));
      this.#addOwnerColumn(column, spec, { type, of, values });
    }
  }

  #addSparse(sparse: SparseColumn): void {
    const { column, count, width, values } = sparse;
    this.#place(sparse.rows, count);
    const places = this.#places;
    let numbers = this.#numbers;
    if (column.type === 'bool') {
      const flags = new Uint8Array(count);
      let at = 0;
      for (let i = 0; i < this.#count; i++) {
        if (places[i]! > 0) flags[at++] = values[places[i]! - 1]!;
      }
      this.#emit(column, attributeSpec(column), { kind: 'boolean', flags }, { count });
      return;
    }
    // Deltas and plain doubles are read where they are: words of their own.
    if (width === 2) numbers = new Uint32Array(count * 2);
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      const place = places[i]! - 1;
      if (place < 0) continue;
      if (width === 1) {
        numbers[at++] = values[place]!;
      } else {
        numbers[at++] = values[place * 2]!;
        numbers[at++] = values[place * 2 + 1]!;
      }
    }
    if (column.type === 'string') return this.#addSparseStrings(column, count);
    const encoded = this.#sparseValues(column.type, numbers, count);
    this.#emit(column, attributeSpec(column), encoded, { count });
  }

  /** `places`, `present` and `numbers` are filled. What can be packed goes to columns of its own. */
  #addSparseStrings(column: AttributeColumn, count: number): void {
    const { scope, key } = column;
    const numbers = this.#numbers;
    let left = count;
    for (const type of PACKED_TYPES) {
      // A row group full of columns gets no more of them.
      if (left === 0 || this.#columns.length >= ATTRIBUTE_COLUMNS_MAX) break;
      const packed = this.#vectors.packed(numbers, left, type);
      const own = attributeColumn(scope, key, type);
      if (packed === undefined || own?.kind !== 'attribute') continue;
      const rest = this.#takePacked(packed.isPacked, left);
      this.#emit(own, attributeSpec(own), packed.values, { count: packed.count });
      this.#present.set(rest);
      left -= packed.count;
    }
    if (left === 0) return;
    const values = this.#vectors.strings(numbers, left);
    this.#emit(column, attributeSpec(column), values, { count: left });
  }

  /** Marks as present the rows whose value is packed, keeps the numbers of the others, and returns
   *  which rows these are. */
  #takePacked(isPacked: Uint8Array, count: number): Uint8Array {
    const numbers = this.#numbers;
    const rest = this.#present.slice(0, this.#count);
    const present = this.#present;
    let value = 0;
    for (let i = 0; i < this.#count; i++) {
      if (rest[i] === 0) continue;
      if (isPacked[value++] === 1) rest[i] = 0;
      else present[i] = 0;
    }
    let at = 0;
    for (let i = 0; i < count; i++) if (isPacked[i] === 0) numbers[at++] = numbers[i]!;
    return rest;
  }

  #sparseValues(type: ColumnValueType, numbers: Uint32Array, count: number): ColumnValues {
    if (type === 'int') return this.#vectors.integers(numbers, count);
    return this.#vectors.doubles(numbers, count);
  }

  /** Fills `places` and `present` from the rows of a sparse column. */
  #place(rows: ArrayLike<number>, count: number): void {
    const { positions } = this.#order;
    const places = this.#places.fill(0, 0, this.#count);
    const present = this.#present.fill(0, 0, this.#count);
    for (let i = 0; i < count; i++) {
      const position = positions[rows[i]!]!;
      places[position] = i + 1;
      present[position] = 1;
    }
  }

  #addSparseText(name: FixedColumnName, { rows, ids }: SparseText): void {
    const count = rows.length;
    if (count === 0) return;
    this.#place(rows, count);
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      const place = this.#places[i]! - 1;
      if (place >= 0) this.#numbers[at++] = ids[place]!;
    }
    this.#addFixed(name, this.#vectors.strings(this.#numbers, count), count);
  }

  /** The rest of each row with the values of columns that found no place. */
  #restWith(overflow: readonly SparseColumn[]): SparseText {
    const { arena, rest } = this.#rows;
    const byRow = new Map<number, ByteSink>();
    const sinkOf = (row: number): ByteSink => {
      const known = byRow.get(row);
      if (known !== undefined) return known;
      const sink = new ByteSink(64);
      byRow.set(row, sink);
      return sink;
    };
    for (const { column, count, rows, values, width } of overflow) {
      const key = encoder.encode(column.key);
      this.#rows.textKeys.addKey('span_rest', column.key);
      for (let i = 0; i < count; i++) {
        const sink = sinkOf(rows[i]!);
        sink.u8(UNIT);
        writeEscaped(sink, key, 0, key.length);
        sink.u8(GROUP);
        writeValue(sink, column.type, values[i * width]!, values[i * width + width - 1]!);
      }
    }
    // What was in the rest already comes behind: there a key's later values are.
    rest.rows.forEach((row, i) => sinkOf(row).append(arena.slice(rest.ids[i]!)));
    const rows: number[] = [];
    const ids: number[] = [];
    for (const [row, sink] of byRow) {
      if (sink.bytes[sink.length - 1] !== UNIT) sink.u8(UNIT);
      rows.push(row);
      ids.push(arena.append(sink.bytes, 0, sink.length));
    }
    return { rows, ids };

    function writeValue(sink: ByteSink, type: ColumnValueType, low: number, high: number): void {
      if (type === 'int') return writeInt(sink, low, high);
      if (type === 'double') return writeDouble(sink, low, high);
      if (type === 'bool') {
        const text = encoder.encode(low !== 0 ? 'ttrue' : 'tfalse');
        return sink.append(text);
      }
      sink.u8(STRING_LETTER);
      const bytes = arena.slice(low);
      return writeEscaped(sink, bytes, 0, bytes.length);
    }
  }
}

/** Least and greatest of 64-bit numbers as 8 bytes. `bias` 2^31 orders them as signed. */
function rangeOf(
  words: Uint32Array,
  count: number,
  bias: number,
): { min: Uint8Array; max: Uint8Array } {
  let min = 0;
  let max = 0;
  for (let i = 1; i < count; i++) {
    if (isLess(words, i, min, bias)) min = i;
    if (isLess(words, max, i, bias)) max = i;
  }
  const bytes = (i: number): Uint8Array => new Uint8Array(words.slice(i * 2, i * 2 + 2).buffer);
  return { min: bytes(min), max: bytes(max) };
}

function isLess(words: Uint32Array, a: number, b: number, bias: number): boolean {
  const highA = (words[a * 2 + 1]! ^ bias) >>> 0;
  const highB = (words[b * 2 + 1]! ^ bias) >>> 0;
  return highA < highB || (highA === highB && words[a * 2]! < words[b * 2]!);
}

function attributeSpec({ name, type }: { name: string; type: ColumnValueType }): ColumnSpec {
  switch (type) {
    case 'string':
      return { name, physical: Physical.bytes, logical: 'string', isNullable: true };
    case 'uuid': {
      const fixedBytes = PACKED_BYTES.uuid;
      return { name, physical: Physical.fixed, fixedBytes, logical: 'uuid', isNullable: true };
    }
    case 'ipv4':
      return { name, physical: Physical.int32, logical: 'uint32', isNullable: true };
    case 'int':
      return { name, physical: Physical.int64, isNullable: true };
    case 'double':
      return { name, physical: Physical.double, isNullable: true };
    case 'bool':
      return { name, physical: Physical.boolean, isNullable: true };
  }
}

function fixedSpec(name: FixedColumnName): ColumnSpec {
  const { type, required } = FIXED_COLUMNS[name];
  const isNullable = !required;
  switch (type) {
    case 'BLOB':
      return { name, physical: Physical.fixed, fixedBytes: 16, isNullable };
    case 'UBIGINT':
      return { name, physical: Physical.int64, logical: 'uint64', isNullable };
    case 'BIGINT':
      return { name, physical: Physical.int64, isNullable };
    case 'UINTEGER':
      return { name, physical: Physical.int32, logical: 'uint32', isNullable };
    case 'INTEGER':
      return { name, physical: Physical.int32, isNullable };
    case 'VARCHAR':
      return { name, physical: Physical.bytes, logical: 'string', isNullable };
  }
}
