/** Spans as rows of columns, from the socket to the disk. One batch = one tenant, a string table,
 *  and six tables: spans, events, links, resources, scopes, and an attribute table for each.
 *  A sealed batch is immutable and may be shared; whoever changes something makes a new batch
 *  that shares the untouched columns (BatchEditor, gather).
 *
 *  The column lists below are the only description of the layout: builder, gather, concat and
 *  frame loop over them. */

import type { Client } from './client.ts';
import type { StringTable } from './string-table.ts';

/** Attributes of a table's owners (spans, events, …): owner `i` has rows starts[i] to starts[i+1].
 *  A value is two words: string id (string, bytes, array, kvlist), 0/1 (bool), low and high half
 *  (int, double). Arrays and kvlists are the bytes of their OTLP message. */
export interface AttributeTable {
  readonly starts: Uint32Array;
  readonly keys: Uint32Array;
  readonly types: Uint8Array;
  readonly values: Uint32Array;
}

export interface SpanColumns {
  readonly traceIds: Uint8Array;
  readonly spanIds: Uint8Array;
  /** All zero = root. */
  readonly parentSpanIds: Uint8Array;
  /** Two words (low, high) a span, ns since 1970. */
  readonly startNano: Uint32Array;
  readonly endNano: Uint32Array;
  readonly names: Uint32Array;
  readonly kinds: Uint8Array;
  readonly statusCodes: Uint8Array;
  readonly statusMessages: Uint32Array;
  readonly traceStates: Uint32Array;
  readonly flags: Uint32Array;
  readonly droppedAttributes: Uint32Array;
  readonly droppedEvents: Uint32Array;
  readonly droppedLinks: Uint32Array;
  /** Row in `resources`. */
  readonly resources: Uint32Array;
  /** Row in `scopes`. */
  readonly scopes: Uint32Array;
}

/** Events of span `i` are rows starts[i] to starts[i+1]; links likewise. */
export interface EventColumns {
  readonly timeNano: Uint32Array;
  readonly names: Uint32Array;
  readonly droppedAttributes: Uint32Array;
}

export interface LinkColumns {
  readonly traceIds: Uint8Array;
  readonly spanIds: Uint8Array;
  readonly traceStates: Uint32Array;
  readonly flags: Uint32Array;
  readonly droppedAttributes: Uint32Array;
}

export interface ResourceColumns {
  /** String id of service.name, 0 when absent or empty. */
  readonly services: Uint32Array;
  readonly schemaUrls: Uint32Array;
  readonly droppedAttributes: Uint32Array;
}

export interface ScopeColumns {
  readonly names: Uint32Array;
  readonly versions: Uint32Array;
  readonly schemaUrls: Uint32Array;
  readonly droppedAttributes: Uint32Array;
}

/** A table whose rows own attributes. */
export interface Table<Columns> {
  readonly count: number;
  readonly columns: Columns;
  readonly attributes: AttributeTable;
}

/** A table whose rows belong to spans. */
export interface ChildTable<Columns> extends Table<Columns> {
  readonly starts: Uint32Array;
}

export interface ColumnSpec<Name extends string = string> {
  readonly name: Name;
  readonly type: 'u8' | 'u32';
  /** Elements a row. */
  readonly width: number;
  /** What its numbers refer to, where they refer to another table. */
  readonly holds?: 'string' | 'resource' | 'scope';
}

const text = <Name extends string>(name: Name) =>
  ({ name, type: 'u32', width: 1, holds: 'string' }) as const;
const number = <Name extends string>(name: Name) => ({ name, type: 'u32', width: 1 }) as const;
const time = <Name extends string>(name: Name) => ({ name, type: 'u32', width: 2 }) as const;
const bytes = <Name extends string>(name: Name, width: number) =>
  ({ name, type: 'u8', width }) as const;

export const SPAN_COLUMNS: readonly ColumnSpec<keyof SpanColumns>[] = [
  bytes('traceIds', 16),
  bytes('spanIds', 8),
  bytes('parentSpanIds', 8),
  time('startNano'),
  time('endNano'),
  text('names'),
  bytes('kinds', 1),
  bytes('statusCodes', 1),
  text('statusMessages'),
  text('traceStates'),
  number('flags'),
  number('droppedAttributes'),
  number('droppedEvents'),
  number('droppedLinks'),
  { name: 'resources', type: 'u32', width: 1, holds: 'resource' },
  { name: 'scopes', type: 'u32', width: 1, holds: 'scope' },
];

export const EVENT_COLUMNS: readonly ColumnSpec<keyof EventColumns>[] = [
  time('timeNano'),
  text('names'),
  number('droppedAttributes'),
];

export const LINK_COLUMNS: readonly ColumnSpec<keyof LinkColumns>[] = [
  bytes('traceIds', 16),
  bytes('spanIds', 8),
  text('traceStates'),
  number('flags'),
  number('droppedAttributes'),
];

export const RESOURCE_COLUMNS: readonly ColumnSpec<keyof ResourceColumns>[] = [
  text('services'),
  text('schemaUrls'),
  number('droppedAttributes'),
];

export const SCOPE_COLUMNS: readonly ColumnSpec<keyof ScopeColumns>[] = [
  text('names'),
  text('versions'),
  text('schemaUrls'),
  number('droppedAttributes'),
];

export interface SpanBatchParts {
  readonly tenant: string;
  /** Who sent it; no frame carries it. */
  readonly client?: Client | undefined;
  readonly strings: StringTable;
  /** True when every string, resource and scope is referred to by some row: nothing a processor
   *  deleted is left. A frame is only written from such a batch (`compact` makes one). */
  readonly isExact: boolean;
  readonly spans: Table<SpanColumns>;
  readonly events: ChildTable<EventColumns>;
  readonly links: ChildTable<LinkColumns>;
  readonly resources: Table<ResourceColumns>;
  readonly scopes: Table<ScopeColumns>;
}

export const DEFAULT_TENANT = 'default';

export class SpanBatch implements SpanBatchParts {
  readonly tenant: string;
  readonly client: Client | undefined;
  readonly strings: StringTable;
  readonly isExact: boolean;
  readonly spans: Table<SpanColumns>;
  readonly events: ChildTable<EventColumns>;
  readonly links: ChildTable<LinkColumns>;
  readonly resources: Table<ResourceColumns>;
  readonly scopes: Table<ScopeColumns>;
  #byteSize = -1;

  constructor(parts: SpanBatchParts) {
    this.tenant = parts.tenant;
    this.client = parts.client;
    this.strings = parts.strings;
    this.isExact = parts.isExact;
    this.spans = parts.spans;
    this.events = parts.events;
    this.links = parts.links;
    this.resources = parts.resources;
    this.scopes = parts.scopes;
  }

  /** Number of spans. */
  get count(): number {
    return this.spans.count;
  }

  /** Bytes of memory its columns hold: what queues and limits count. */
  get byteSize(): number {
    if (this.#byteSize < 0) {
      this.#byteSize =
        this.strings.byteSize +
        this.events.starts.byteLength +
        this.links.starts.byteLength +
        [this.spans, this.events, this.links, this.resources, this.scopes].reduce(
          (sum, table) => sum + tableBytes(table),
          0,
        );
    }
    return this.#byteSize;
  }

  /** The string id of the span's service.name; 0 when it has none. */
  serviceOf(row: number): number {
    return this.resources.columns.services[this.spans.columns.resources[row]!]!;
  }
}

/** The same rows, sent by this client. */
export function withClient(batch: SpanBatch, client: Client | undefined): SpanBatch {
  if (batch.client === client) return batch;
  const { tenant, strings, isExact, spans, events, links, resources, scopes } = batch;
  const parts = { tenant, strings, isExact, spans, events, links, resources, scopes };
  return new SpanBatch({ ...parts, client });
}

function tableBytes(table: Table<object>): number {
  let sum = 0;
  for (const part of [table.columns, table.attributes]) {
    // oxlint-disable-next-line typescript/consistent-type-assertions -- Table<object> forgets what every column is
    for (const column of Object.values(part) as (Uint8Array | Uint32Array)[]) {
      sum += column.byteLength;
    }
  }
  return sum;
}
