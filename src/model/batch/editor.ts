/** Changes a batch into a new one: every edit of a processor in one pass over each kind of owner.
 *  Attribute columns that were edited are written anew, everything else is shared with the old batch.
 *  The result is not exact: strings nobody refers to any more stay in the table until a frame is
 *  written, which leaves them out.
 *  Hot: benchmark `bench/pipeline.ts`. */

import { AttributeType } from '../attribute.ts';
import { GrowingAttributes } from './builder.ts';
import { type AttributeTable, SpanBatch, type SpanColumns, type Table } from './span-batch.ts';
import { StringTable } from './string-table.ts';

export type OwnerKind = 'spans' | 'events' | 'links' | 'resources' | 'scopes';

/** The attributes of the owner that is being edited. Keys are string ids. Where a key stands twice,
 *  the last counts, as OTLP readers have it; setting or deleting meets all of them. */
export class EditableAttributes {
  keys = new Uint32Array(64);
  types = new Uint8Array(64);
  values = new Uint32Array(128);
  count = 0;
  isChanged = false;

  load(table: AttributeTable, owner: number): void {
    const start = table.starts[owner]!;
    const end = table.starts[owner + 1]!;
    while (end - start > this.keys.length) this.#grow();
    for (let i = start; i < end; i++) {
      const to = i - start;
      this.keys[to] = table.keys[i]!;
      this.types[to] = table.types[i]!;
      this.values[to * 2] = table.values[i * 2]!;
      this.values[to * 2 + 1] = table.values[i * 2 + 1]!;
    }
    this.count = end - start;
    this.isChanged = false;
  }

  typeAt(at: number): AttributeType {
    return this.types[at]! as AttributeType;
  }

  /** Its place, or -1. */
  find(key: number): number {
    for (let i = this.count - 1; i >= 0; i--) if (this.keys[i] === key) return i;
    return -1;
  }

  /** Replaces the value, or adds the attribute at the end. */
  set(key: number, type: AttributeType, low: number, high: number): void {
    let at = this.find(key);
    if (at < 0) {
      if (this.count === this.keys.length) this.#grow();
      at = this.count++;
      this.keys[at] = key;
    }
    this.setAt(at, type, low, high);
  }

  /** Replaces the value at a place that `find` gave. */
  setAt(at: number, type: AttributeType, low: number, high: number): void {
    this.types[at] = type;
    this.values[at * 2] = low;
    this.values[at * 2 + 1] = high;
    this.isChanged = true;
  }

  delete(key: number): void {
    this.deleteWhere((other) => other === key);
  }

  deleteWhere(isGone: (key: number) => boolean): void {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (isGone(this.keys[i]!)) continue;
      if (kept !== i) this.#move(i, kept);
      kept++;
    }
    if (kept !== this.count) this.isChanged = true;
    this.count = kept;
  }

  #move(from: number, to: number): void {
    this.keys[to] = this.keys[from]!;
    this.types[to] = this.types[from]!;
    this.values[to * 2] = this.values[from * 2]!;
    this.values[to * 2 + 1] = this.values[from * 2 + 1]!;
  }

  #grow(): void {
    const { keys, types, values } = this;
    this.keys = new Uint32Array(keys.length * 2);
    this.types = new Uint8Array(types.length * 2);
    this.values = new Uint32Array(values.length * 2);
    this.keys.set(keys);
    this.types.set(types);
    this.values.set(values);
  }
}

export class BatchEditor {
  readonly batch: SpanBatch;
  readonly strings: AddedStrings;
  readonly #tables: Partial<Record<OwnerKind, AttributeTable>> = {};
  #names: Uint32Array | undefined;
  #traceStates: Uint32Array | undefined;
  readonly #list = new EditableAttributes();

  constructor(batch: SpanBatch) {
    this.batch = batch;
    this.strings = new AddedStrings(batch.strings);
  }

  /** Calls `edit` for every owner of the kind; what it changed is written to new columns. Owners it
   *  leaves alone cost a copy of their row numbers; when it changes none, nothing is copied. */
  edit(kind: OwnerKind, edit: (attributes: EditableAttributes, owner: number) => void): void {
    const source = this.#tables[kind] ?? this.batch[kind].attributes;
    const list = this.#list;
    let out: GrowingAttributes | undefined;
    const { count } = this.batch[kind];
    for (let owner = 0; owner < count; owner++) {
      list.load(source, owner);
      edit(list, owner);
      if (out === undefined) {
        if (!list.isChanged) continue;
        out = copyOwners(source, owner);
      }
      out.openOwner();
      for (let i = 0; i < list.count; i++) {
        const type = list.types[i]! as AttributeType;
        out.add(list.keys[i]!, type, list.values[i * 2]!, list.values[i * 2 + 1]!);
      }
    }
    if (out !== undefined) this.#tables[kind] = out.seal();
  }

  /** Renames a span. */
  setName(row: number, name: number): void {
    this.#names ??= this.batch.spans.columns.names.slice();
    this.#names[row] = name;
  }

  setTraceState(row: number, traceState: number): void {
    this.#traceStates ??= this.batch.spans.columns.traceStates.slice();
    this.#traceStates[row] = traceState;
  }

  /** The batch with all edits; the old one itself when there were none. */
  finish(): SpanBatch {
    const { batch } = this;
    const tables = this.#tables;
    const columns = {
      ...(this.#names === undefined ? {} : { names: this.#names }),
      ...(this.#traceStates === undefined ? {} : { traceStates: this.#traceStates }),
    };
    const hasColumns = Object.keys(columns).length > 0;
    if (!hasColumns && Object.keys(tables).length === 0) return batch;
    const spans = hasColumns ? withColumns(batch.spans, columns) : batch.spans;
    const resources = withAttributes(batch.resources, tables.resources);
    return new SpanBatch({
      tenant: batch.tenant,
      client: batch.client,
      strings: this.strings.seal(),
      isExact: false,
      spans: withAttributes(spans, tables.spans),
      events: withAttributes(batch.events, tables.events),
      links: withAttributes(batch.links, tables.links),
      resources: tables.resources === undefined ? resources : withServices(resources, this.strings),
      scopes: withAttributes(batch.scopes, tables.scopes),
    });
  }
}

/** The strings of a batch and those a processor adds. Ids of the old table stay as they are. */
export class AddedStrings {
  readonly #old: StringTable;
  readonly #added: Uint8Array[] = [];
  readonly #ids = new Map<string, number>();
  readonly #encoder = new TextEncoder();

  constructor(old: StringTable) {
    this.#old = old;
  }

  /** The id of a text; added when the batch does not have it. Linear once a text and batch. */
  id(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const found = text === '' ? 0 : this.#old.find(text);
    const id = found >= 0 ? found : this.#add(this.#encoder.encode(text));
    this.#ids.set(text, id);
    return id;
  }

  /** The id of a key or value, or -1: for looking, without adding. */
  find(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const found = this.#old.find(text);
    if (found >= 0) this.#ids.set(text, found);
    return found;
  }

  /** A new entry of a text that is seldom there yet, without looking for it: for values. Keys are
   *  compared by their ids and need `id`. */
  add(text: string): number {
    return text === '' ? 0 : this.#add(this.#encoder.encode(text));
  }

  /** A new entry of any bytes: an array, a kvlist. */
  addBytes(bytes: Uint8Array): number {
    return this.#add(bytes);
  }

  bytes(id: number): Uint8Array {
    return this.#added[id - this.#old.count] ?? this.#old.slice(id);
  }

  text(id: number): string {
    const added = this.#added[id - this.#old.count];
    return added === undefined ? this.#old.text(id) : Buffer.from(added).toString();
  }

  seal(): StringTable {
    if (this.#added.length === 0) return this.#old;
    const { count } = this.#old;
    const offsets = new Uint32Array(count + this.#added.length + 1);
    offsets.set(this.#old.offsets);
    const isText = new Uint8Array(count + this.#added.length).fill(1);
    isText.set(this.#old.isText);
    let end = this.#old.offsets[count]!;
    this.#added.forEach((bytes, i) => (offsets[count + 1 + i] = end += bytes.length));
    const bytes = new Uint8Array(end);
    bytes.set(this.#old.bytes.subarray(0, this.#old.offsets[count]));
    this.#added.forEach((added, i) => bytes.set(added, offsets[count + i]));
    return new StringTable(bytes, offsets, isText);
  }

  #add(bytes: Uint8Array): number {
    this.#added.push(bytes);
    return this.#old.count + this.#added.length - 1;
  }
}

function copyOwners(source: AttributeTable, owners: number): GrowingAttributes {
  const out = new GrowingAttributes();
  for (let owner = 0; owner < owners; owner++) {
    out.openOwner();
    for (let i = source.starts[owner]!; i < source.starts[owner + 1]!; i++) {
      const type = source.types[i]! as AttributeType;
      out.add(source.keys[i]!, type, source.values[i * 2]!, source.values[i * 2 + 1]!);
    }
  }
  return out;
}

function withAttributes<T extends Table<object>>(
  table: T,
  attributes: AttributeTable | undefined,
): T {
  return attributes === undefined ? table : { ...table, attributes };
}

function withColumns(spans: SpanBatch['spans'], columns: Partial<SpanColumns>): SpanBatch['spans'] {
  return { ...spans, columns: { ...spans.columns, ...columns } };
}

/** The service of a resource is its service.name: read again after an edit. */
function withServices(
  resources: SpanBatch['resources'],
  added: AddedStrings,
): SpanBatch['resources'] {
  const { starts, keys, types, values } = resources.attributes;
  const wanted = added.find('service.name');
  const services = new Uint32Array(resources.count);
  for (let row = 0; row < resources.count; row++) {
    for (let i = starts[row]!; i < starts[row + 1]!; i++) {
      if (keys[i] === wanted && types[i] === AttributeType.string) services[row] = values[i * 2]!;
    }
  }
  return { ...resources, columns: { ...resources.columns, services } };
}
