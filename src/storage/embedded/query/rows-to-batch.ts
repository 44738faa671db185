/** Rows of files, as the query process returns them, as rows of a batch. Resources and scopes stand
 *  in every row and become one entry again where their values are equal. */

import { AttributeType } from '../../../model/attribute.ts';
import { addAttributes } from '../../../model/batch/build-value.ts';
import type { GrowingAttributes, SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { writeWords } from '../../../model/time.ts';
import {
  type AttributeColumn,
  type FixedColumnName,
  REST_COLUMNS,
  type StoredColumn,
} from '../schema.ts';
import { readAttributes, readEvents, readLinks } from '../tagged-text.ts';
import { EqualRows } from './equal-rows.ts';
import type { QueryColumn, QueryResult } from './messages.ts';
import { quoteName } from './sql-builder.ts';

const SERVICE_KEY = 'service.name';

/** What to select to read whole rows. */
export function selectRows(columns: readonly StoredColumn[]): string {
  return columns
    .filter((column) => column.name !== 'wal_seq')
    .map((column) => quoteName(column.name))
    .join(', ');
}

interface AttributeSource {
  readonly column: QueryColumn;
  readonly stored: AttributeColumn;
  /** Id of the key in the batch. */
  readonly key: number;
}

/** Adds rows of one result to a builder. */
export class RowReader {
  readonly #builder: SpanBatchBuilder;
  readonly #fixed = new Map<string, QueryColumn>();
  readonly #attributes = {
    span: new Array<AttributeSource>(),
    resource: new Array<AttributeSource>(),
    scope: new Array<AttributeSource>(),
  };
  readonly #resources: EqualRows;
  readonly #scopes: EqualRows;

  constructor(builder: SpanBatchBuilder, result: QueryResult, stored: readonly StoredColumn[]) {
    this.#builder = builder;
    const byName = new Map(result.columns.map((column) => [column.name, column]));
    for (const each of stored) {
      const column = byName.get(each.name);
      if (column === undefined) continue;
      if (each.kind === 'fixed') this.#fixed.set(each.name, column);
      else {
        const key = builder.strings.internText(each.key);
        this.#attributes[each.scope].push({ column, stored: each, key });
      }
    }
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
    writeId(columns.spanIds, span, this.#bigint('span_id', row));
    writeId(columns.parentSpanIds, span, this.#bigint('parent_id', row));
    const startNano = this.#bigint('start_nano', row);
    writeWords(columns.startNano, span * 2, startNano);
    writeWords(columns.endNano, span * 2, startNano + this.#bigint('duration_nano', row));
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
    this.#addEvents(this.#plain('events', row), BigInt.asUintN(64, startNano));
    this.#addLinks(this.#plain('links', row));
  }

  #addEvents(tagged: string, startNano: bigint): void {
    if (tagged === '') return;
    const { events, strings } = this.#builder;
    for (const event of readEvents(tagged, startNano)) {
      const row = events.open();
      writeWords(events.columns.timeNano, row * 2, event.timeNano);
      events.columns.names[row] = strings.internText(event.name);
      events.columns.droppedAttributes[row] = event.droppedAttributes;
      addAttributes(this.#builder, events.attributes, event.attributes);
    }
  }

  #addLinks(tagged: string): void {
    if (tagged === '') return;
    const { links, strings } = this.#builder;
    for (const link of readLinks(tagged)) {
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
    const known = this.#resources.find(row);
    if (known >= 0) return known;
    const { resources, strings } = this.#builder;
    const resource = resources.open();
    this.#resources.add(row, resource);
    const { columns } = resources;
    columns.schemaUrls[resource] = this.#text('resource_schema_url', row);
    columns.droppedAttributes[resource] = this.#number('resource_dropped_attributes', row);
    const service = this.#fixed.get('service');
    if (service !== undefined && !isNull(service, row)) {
      const id = this.#text('service', row);
      columns.services[resource] = id;
      resources.attributes.add(strings.internText(SERVICE_KEY), STRING, id, 0);
    }
    this.#addAttributes(resources.attributes, 'resource', row);
    return resource;
  }

  #scope(row: number): number {
    const known = this.#scopes.find(row);
    if (known >= 0) return known;
    const { scopes } = this.#builder;
    const scope = scopes.open();
    this.#scopes.add(row, scope);
    const { columns } = scopes;
    columns.names[scope] = this.#text('scope_name', row);
    columns.versions[scope] = this.#text('scope_version', row);
    columns.schemaUrls[scope] = this.#text('scope_schema_url', row);
    columns.droppedAttributes[scope] = this.#number('scope_dropped_attributes', row);
    this.#addAttributes(scopes.attributes, 'scope', row);
    return scope;
  }

  #addAttributes(
    table: GrowingAttributes,
    scope: 'span' | 'resource' | 'scope',
    row: number,
  ): void {
    for (const { column, stored, key } of this.#attributes[scope]) {
      if (isNull(column, row)) continue;
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
    return column?.kind === 'bytes' && !isNull(column, row) ? sliceOf(column, row) : EMPTY;
  }

  #plain(name: FixedColumnName, row: number): string {
    const bytes = this.#bytes(name, row);
    return bytes.length === 0 ? '' : decoder.decode(bytes);
  }

  /** The string's id in the batch. */
  #text(name: FixedColumnName, row: number): number {
    const column = this.#fixed.get(name);
    return column?.kind === 'bytes' && !isNull(column, row) ? this.#intern(column, row) : 0;
  }

  #intern(column: Extract<QueryColumn, { kind: 'bytes' }>, row: number): number {
    const { bytes, offsets } = column;
    return this.#builder.strings.intern(bytes, offsets[row] ?? 0, offsets[row + 1] ?? 0);
  }

  #bigint(name: FixedColumnName, row: number): bigint {
    const column = this.#fixed.get(name);
    return column?.kind === 'bigint' && !isNull(column, row) ? (column.values[row] ?? 0n) : 0n;
  }

  #number(name: FixedColumnName, row: number): number {
    const column = this.#fixed.get(name);
    return column?.kind === 'number' && !isNull(column, row) ? (column.values[row] ?? 0) : 0;
  }
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

function isNull(column: QueryColumn, row: number): boolean {
  return column.isNull?.[row] === 1;
}

function sliceOf(column: Extract<QueryColumn, { kind: 'bytes' }>, row: number): Uint8Array {
  return column.bytes.subarray(column.offsets[row], column.offsets[row + 1]);
}

/** Ids are numbers with their first byte highest. */
function writeId(ids: Uint8Array, row: number, id: bigint): void {
  new DataView(ids.buffer, ids.byteOffset).setBigUint64(row * 8, BigInt.asUintN(64, id));
}
