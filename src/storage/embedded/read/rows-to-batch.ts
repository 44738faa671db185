/** Rows of files as rows of a batch. Resources and scopes stand in every row and become one entry
 *  again where their values are equal, in one row group or in several. */

import { AttributeType } from '../../../model/attribute.ts';
import { addAttributes } from '../../../model/batch/build-value.ts';
import type { GrowingAttributes, SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { hexAt } from '../../../model/ids.ts';
import { bigNanoFromWords, writeWords } from '../../../model/time.ts';
import {
  type BytesColumn,
  bytesAt,
  entryOf,
  isNullAt,
  type ReadColumn,
} from '../parquet/read-column.ts';
import {
  type AttributeColumn,
  columnOfName,
  type FixedColumnName,
  REST_COLUMNS,
  type StoredColumn,
} from '../schema.ts';
import { unpackedColumn } from '../parquet/packed-text.ts';
import { readAttributes, readEvents, readLinks } from '../tagged-text.ts';
import { EqualRows } from './equal-rows.ts';
import { readEventTimes } from './event-times.ts';
import { type Longs, longsOf, NO_WORDS } from './longs.ts';
import { sortAttributes } from './sort-attributes.ts';
import type { ColumnChoice } from './span-columns.ts';

const SERVICE_KEY = 'service.name';

/** Resources and scopes that a batch has by now, for the rows of several row groups. */
export class KnownOwners {
  readonly resources = new Map<string, number>();
  readonly scopes = new Map<string, number>();
}

interface AttributeSource {
  readonly column: ReadColumn;
  readonly stored: AttributeColumn;
  /** Id of the key in the batch; -1 as long as no row has it. */
  key: number;
}

/** A column and what it holds; packed strings as the texts they stand for. */
export interface NamedColumn {
  readonly column: ReadColumn;
  readonly stored: StoredColumn;
}

/** Once for all traces whose rows are taken out of them. */
export function namedColumns(columns: Iterable<ReadColumn>): NamedColumn[] {
  const named: NamedColumn[] = [];
  for (const column of columns) {
    const stored = columnOfName(column.name);
    if (stored === undefined) continue;
    const type = stored.kind === 'attribute' ? stored.type : undefined;
    const isPacked = type === 'uuid' || type === 'ipv4';
    named.push({ column: isPacked ? unpackedColumn(column, type) : column, stored });
  }
  return named;
}

export interface RowsOfBatch {
  readonly builder: SpanBatchBuilder;
  readonly owners: KnownOwners;
  readonly choice: ColumnChoice;
  /** How many are added, about. */
  readonly rows: number;
}

/** Adds rows of some columns to a builder. */
export class RowReader {
  readonly #builder: SpanBatchBuilder;
  readonly #owners: KnownOwners;
  readonly #choice: ColumnChoice;
  readonly #rows: number;
  readonly #fixed = new Map<string, ReadColumn>();
  readonly #attributes = {
    span: new Array<AttributeSource>(),
    resource: new Array<AttributeSource>(),
    scope: new Array<AttributeSource>(),
  };
  readonly #spanIds: Longs | undefined;
  readonly #parentIds: Longs | undefined;
  readonly #starts: Longs | undefined;
  readonly #durations: Longs | undefined;
  readonly #resources: EqualRows;
  readonly #scopes: EqualRows;
  /** Of entries that rows share: the id in the batch, plus one. */
  readonly #interned = new Map<BytesColumn, Interned>();

  constructor({ builder, owners, choice, rows }: RowsOfBatch, columns: Iterable<NamedColumn>) {
    this.#rows = rows;
    this.#builder = builder;
    this.#owners = owners;
    this.#choice = choice;
    for (const { column, stored } of columns) {
      if (stored.kind === 'fixed') this.#fixed.set(stored.name, column);
      else this.#attributes[stored.scope].push({ column, stored, key: -1 });
    }
    this.#spanIds = longsOf(this.#fixed.get('span_id'));
    this.#parentIds = longsOf(this.#fixed.get('parent_id'));
    this.#starts = longsOf(this.#fixed.get('start_nano'));
    this.#durations = longsOf(this.#fixed.get('duration_nano'));
    this.#resources = this.#rowsOf(RESOURCE_COLUMNS, this.#attributes.resource);
    this.#scopes = this.#rowsOf(SCOPE_COLUMNS, this.#attributes.scope);
  }

  add(row: number): void {
    const resource = this.#resource(row);
    const scope = this.#scope(row);
    const { spans } = this.#builder;
    const span = this.#builder.openSpan();
    const { columns } = spans;
    columns.resources[span] = resource;
    columns.scopes[span] = scope;
    columns.traceIds.set(this.#bytes('trace_id', row), span * 16);
    this.#spanIds?.writeId(columns.spanIds, span, row);
    this.#parentIds?.writeId(columns.parentSpanIds, span, row);
    const [low, high] = this.#starts?.wordsAt(row) ?? NO_WORDS;
    const [lowDuration, highDuration] = this.#durations?.wordsAt(row) ?? NO_WORDS;
    columns.startNano[span * 2] = low;
    columns.startNano[span * 2 + 1] = high;
    columns.endNano[span * 2] = low + lowDuration;
    columns.endNano[span * 2 + 1] = high + highDuration + (low + lowDuration >= WORD ? 1 : 0);
    columns.names[span] = this.#text('name', row);
    columns.kinds[span] = this.#number('kind', row);
    columns.statusCodes[span] = this.#number('status', row);
    columns.statusMessages[span] = this.#text('status_message', row);
    columns.traceStates[span] = this.#text('trace_state', row);
    columns.flags[span] = this.#number('flags', row);
    columns.droppedAttributes[span] = this.#number('dropped_attributes', row);
    columns.droppedEvents[span] = this.#number('dropped_events', row);
    columns.droppedLinks[span] = this.#number('dropped_links', row);
    this.#addAttributes(spans.attributes, 'span', row);
    this.#addEvents(this.#bytes('events', row), bigNanoFromWords(low, high));
    this.#addLinks(this.#plain('links', row), span);
  }

  #addEvents(tagged: Uint8Array, startNano: bigint): void {
    if (tagged.length === 0) return;
    const { events, strings } = this.#builder;
    if (this.#choice === 'waterfall') {
      for (const timeNano of readEventTimes(tagged, startNano)) {
        const row = events.open();
        writeWords(events.columns.timeNano, row * 2, timeNano);
      }
      return;
    }
    for (const event of readEvents(decoder.decode(tagged), startNano)) {
      const row = events.open();
      writeWords(events.columns.timeNano, row * 2, event.timeNano);
      events.columns.names[row] = strings.internText(event.name);
      events.columns.droppedAttributes[row] = event.droppedAttributes;
      addAttributes(this.#builder, events.attributes, event.attributes);
    }
  }

  #addLinks(tagged: string, span: number): void {
    if (tagged === '') return;
    const { links, spans, strings } = this.#builder;
    const traceId = hexAt(spans.columns.traceIds, span * 16, 16);
    const parentId = hexAt(spans.columns.parentSpanIds, span * 8, 8);
    for (const link of readLinks(tagged, traceId, parentId)) {
      const row = links.open();
      links.columns.traceIds.set(Buffer.from(link.traceId, 'hex'), row * 16);
      links.columns.spanIds.set(Buffer.from(link.spanId, 'hex'), row * 8);
      links.columns.traceStates[row] = strings.internText(link.traceState);
      links.columns.flags[row] = link.flags;
      links.columns.droppedAttributes[row] = link.droppedAttributes;
      addAttributes(this.#builder, links.attributes, link.attributes);
    }
  }

  #resource(row: number): number {
    const seen = this.#resources.find(row);
    if (seen >= 0) return seen;
    const text = this.#resources.textOf(row);
    const known = this.#owners.resources.get(text) ?? this.#newResource(row);
    this.#owners.resources.set(text, known);
    this.#resources.add(row, known);
    return known;
  }

  #newResource(row: number): number {
    const { resources, strings } = this.#builder;
    const resource = resources.open();
    const { columns } = resources;
    columns.schemaUrls[resource] = this.#text('resource_schema_url', row);
    columns.droppedAttributes[resource] = this.#number('resource_dropped_attributes', row);
    const service = this.#fixed.get('service');
    if (service !== undefined && !isNullAt(service, row)) {
      const id = this.#text('service', row);
      columns.services[resource] = id;
      resources.attributes.add(strings.internText(SERVICE_KEY), STRING, id, 0);
    }
    const from = resources.attributes.count;
    this.#addAttributes(resources.attributes, 'resource', row);
    sortAttributes(resources.attributes, from, strings);
    return resource;
  }

  #scope(row: number): number {
    const seen = this.#scopes.find(row);
    if (seen >= 0) return seen;
    const text = this.#scopes.textOf(row);
    const known = this.#owners.scopes.get(text) ?? this.#newScope(row);
    this.#owners.scopes.set(text, known);
    this.#scopes.add(row, known);
    return known;
  }

  #newScope(row: number): number {
    const { scopes, strings } = this.#builder;
    const scope = scopes.open();
    const { columns } = scopes;
    columns.names[scope] = this.#text('scope_name', row);
    columns.versions[scope] = this.#text('scope_version', row);
    columns.schemaUrls[scope] = this.#text('scope_schema_url', row);
    columns.droppedAttributes[scope] = this.#number('scope_dropped_attributes', row);
    const from = scopes.attributes.count;
    this.#addAttributes(scopes.attributes, 'scope', row);
    sortAttributes(scopes.attributes, from, strings);
    return scope;
  }

  #addAttributes(
    table: GrowingAttributes,
    scope: 'span' | 'resource' | 'scope',
    row: number,
  ): void {
    for (const source of this.#attributes[scope]) {
      const { column, stored } = source;
      if (isNullAt(column, row)) continue;
      if (source.key < 0) source.key = this.#builder.strings.internText(stored.key);
      const { key } = source;
      if (column.kind === 'bytes') table.add(key, STRING, this.#intern(column, row), 0);
      else if (column.kind === 'bigint') table.addInt(key, column.values[row] ?? 0n);
      else if (stored.type === 'bool') table.addBool(key, column.values[row] === 1);
      else table.addDouble(key, column.values[row] ?? 0);
    }
    const rest = this.#plain(REST_COLUMNS[scope], row);
    if (rest !== '') addAttributes(this.#builder, table, readAttributes(rest));
  }

  #rowsOf(fixed: readonly FixedColumnName[], sources: readonly AttributeSource[]): EqualRows {
    const own = fixed.map((name) => this.#fixed.get(name)).filter((each) => each !== undefined);
    return new EqualRows([...own, ...sources.map(({ column }) => column)]);
  }

  #bytes(name: FixedColumnName, row: number): Uint8Array {
    const column = this.#fixed.get(name);
    return column?.kind === 'bytes' && !isNullAt(column, row) ? bytesAt(column, row) : EMPTY;
  }

  #plain(name: FixedColumnName, row: number): string {
    const bytes = this.#bytes(name, row);
    return bytes.length === 0 ? '' : decoder.decode(bytes);
  }

  /** The string's id in the batch. */
  #text(name: FixedColumnName, row: number): number {
    const column = this.#fixed.get(name);
    return column?.kind === 'bytes' && !isNullAt(column, row) ? this.#intern(column, row) : 0;
  }

  #intern(column: BytesColumn, row: number): number {
    const { bytes, offsets, codes } = column;
    const entry = entryOf(column, row);
    const intern = () =>
      this.#builder.strings.intern(bytes, offsets[entry] ?? 0, offsets[entry + 1] ?? 0);
    if (codes === undefined) return intern();
    let known = this.#interned.get(column);
    if (known === undefined) {
      known = internedOf(offsets.length, this.#rows);
      this.#interned.set(column, known);
    }
    const seen = known instanceof Map ? (known.get(entry) ?? 0) : (known[entry] ?? 0);
    if (seen > 0) return seen - 1;
    const id = intern();
    if (known instanceof Map) known.set(entry, id + 1);
    else known[entry] = id + 1;
    return id;
  }

  #number(name: FixedColumnName, row: number): number {
    const column = this.#fixed.get(name);
    return column?.kind === 'number' && !isNullAt(column, row) ? (column.values[row] ?? 0) : 0;
  }
}

/** By entry. */
type Interned = Uint32Array | Map<number, number>;

/** Of a trace, which has rows by the dozen, a large table would be cleared for nothing. */
const ENTRIES_LISTED_MAX = 256;

function internedOf(entries: number, rows: number): Interned {
  return entries > Math.max(ENTRIES_LISTED_MAX, rows) ? new Map() : new Uint32Array(entries);
}

const STRING = AttributeType.string;
const EMPTY = new Uint8Array(0);
// A value may begin with U+FEFF.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const RESOURCE_COLUMNS: readonly FixedColumnName[] = [
  'service',
  'resource_schema_url',
  'resource_dropped_attributes',
  'resource_rest',
];

const SCOPE_COLUMNS: readonly FixedColumnName[] = [
  'scope_name',
  'scope_version',
  'scope_schema_url',
  'scope_dropped_attributes',
  'scope_rest',
];

const WORD = 0x1_0000_0000;
