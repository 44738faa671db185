/** Choosing and joining rows. `gather` keeps the string table and shares resources and scopes, so
 *  it is cheap and its result is not exact; `concat` carries over only what the rows refer to. */

import { AttributeType } from '../attribute.ts';
import { commonClient } from './client.ts';
import { newColumn, SpanBatchBuilder, type GrowingTable } from './builder.ts';
import {
  type AttributeTable,
  type ChildTable,
  type ColumnSpec,
  EVENT_COLUMNS,
  LINK_COLUMNS,
  RESOURCE_COLUMNS,
  SCOPE_COLUMNS,
  SPAN_COLUMNS,
  SpanBatch,
  type Table,
  withClient,
} from './span-batch.ts';

type Columns = Record<string, Uint8Array | Uint32Array>;

/** The given rows, in the given order, as a new batch. Rows may repeat. */
export function gather(batch: SpanBatch, rows: Uint32Array): SpanBatch {
  const spans: Table<object> = gatherTable(batch.spans, SPAN_COLUMNS, rows);
  return new SpanBatch({
    tenant: batch.tenant,
    client: batch.client,
    strings: batch.strings,
    isExact: false,
    spans: spans as SpanBatch['spans'],
    events: gatherChildren(batch.events, EVENT_COLUMNS, rows) as SpanBatch['events'],
    links: gatherChildren(batch.links, LINK_COLUMNS, rows) as SpanBatch['links'],
    resources: batch.resources,
    scopes: batch.scopes,
  });
}

/** The rows in [from, to) as a batch of views: strings, resources and scopes are those of the whole
 *  one, and it is kept in memory. */
export function rowsBetween(batch: SpanBatch, from: number, to: number): SpanBatch {
  if (from === 0 && to === batch.count) return batch;
  const spans: Table<object> = tableBetween(batch.spans, SPAN_COLUMNS, from, to);
  return new SpanBatch({
    ...partsOf(batch),
    isExact: false,
    spans: spans as SpanBatch['spans'],
    events: childrenBetween(batch.events, EVENT_COLUMNS, from, to) as SpanBatch['events'],
    links: childrenBetween(batch.links, LINK_COLUMNS, from, to) as SpanBatch['links'],
  });
}

/** The batch without the events whose `isKept` is 0; spans keep their places. */
export function keepEvents(batch: SpanBatch, isKept: Uint8Array): SpanBatch {
  const { starts, count } = batch.events;
  const kept = new Uint32Array(count);
  const keptStarts = new Uint32Array(batch.count + 1);
  let at = 0;
  for (let row = 0; row < batch.count; row++) {
    for (let i = starts[row]!; i < starts[row + 1]!; i++) if (isKept[i] === 1) kept[at++] = i;
    keptStarts[row + 1] = at;
  }
  const table: Table<object> = gatherTable(batch.events, EVENT_COLUMNS, kept.subarray(0, at));
  const events = { ...table, starts: keptStarts } as SpanBatch['events'];
  return new SpanBatch({ ...partsOf(batch), events, isExact: false });
}

function partsOf({ tenant, client, strings, spans, links, resources, scopes }: SpanBatch) {
  return { tenant, client, strings, spans, links, resources, scopes };
}

/** All rows of all batches, in order. They must be of one tenant. Strings are interned anew;
 *  strings, resources and scopes that no row refers to stay behind. The client stays when all have the
 *  same. */
export function concat(batches: readonly SpanBatch[]): SpanBatch {
  const builder = new SpanBatchBuilder();
  const tenant = batches[0]?.tenant ?? '';
  for (const batch of batches) {
    if (batch.tenant !== tenant) throw new Error('concat: batches of different tenants');
    appendBatch(builder, batch);
  }
  return withClient(builder.seal(tenant), commonClient(batches));
}

/** The batch without strings, resources and scopes that no row refers to. */
export function compact(batch: SpanBatch): SpanBatch {
  return batch.isExact ? batch : concat([batch]);
}

/** Adds all rows of `batch` to what is being built. */
export function appendBatch(builder: SpanBatchBuilder, batch: SpanBatch): void {
  const remap = new Remap(builder, batch);
  for (let row = 0; row < batch.count; row++) appendRow(builder, batch, remap, row);
}

/** Adds the given rows of `batch`, in the given order, to what is being built. */
export function appendRows(
  builder: SpanBatchBuilder,
  batch: SpanBatch,
  rows: ArrayLike<number>,
): void {
  const remap = new Remap(builder, batch);
  for (let i = 0; i < rows.length; i++) appendRow(builder, batch, remap, rows[i]!);
}

function appendRow(builder: SpanBatchBuilder, batch: SpanBatch, remap: Remap, row: number): void {
  builder.openSpan();
  remap.copyRow(builder.spans, batch.spans, SPAN_COLUMNS, row);
  for (let i = batch.events.starts[row]!; i < batch.events.starts[row + 1]!; i++) {
    builder.events.open();
    remap.copyRow(builder.events, batch.events, EVENT_COLUMNS, i);
  }
  for (let i = batch.links.starts[row]!; i < batch.links.starts[row + 1]!; i++) {
    builder.links.open();
    remap.copyRow(builder.links, batch.links, LINK_COLUMNS, i);
  }
}

/** Old ids of one batch to new ids of a builder, made when first met. */
class Remap {
  readonly #builder: SpanBatchBuilder;
  readonly #batch: SpanBatch;
  readonly #strings: Int32Array;
  readonly #resources: Int32Array;
  readonly #scopes: Int32Array;

  constructor(builder: SpanBatchBuilder, batch: SpanBatch) {
    this.#builder = builder;
    this.#batch = batch;
    this.#strings = new Int32Array(batch.strings.count).fill(-1);
    this.#resources = new Int32Array(batch.resources.count).fill(-1);
    this.#scopes = new Int32Array(batch.scopes.count).fill(-1);
  }

  /** Copies row `from` of `source` onto the row of `target` that was opened last. */
  copyRow<C>(
    target: GrowingTable<C>,
    source: Table<C>,
    specs: readonly ColumnSpec[],
    from: number,
  ): void {
    const to = target.count - 1;
    const out = target.columns as Columns;
    const old = source.columns as Columns;
    for (const spec of specs) {
      const column = out[spec.name]!;
      const values = old[spec.name]!;
      if (spec.holds === undefined) {
        const width = spec.width;
        for (let i = 0; i < width; i++) column[to * width + i] = values[from * width + i]!;
      } else {
        column[to] = this.#refer(spec.holds, values[from]!);
      }
    }
    const { starts, keys, types, values } = source.attributes;
    for (let i = starts[from]!; i < starts[from + 1]!; i++) {
      const type = types[i]! as AttributeType;
      const low = values[i * 2]!;
      target.attributes.add(
        this.#string(keys[i]!),
        type,
        holdsString(type) ? this.#string(low) : low,
        values[i * 2 + 1]!,
      );
    }
  }

  #refer(holds: 'string' | 'resource' | 'scope', id: number): number {
    if (holds === 'string') return this.#string(id);
    const isResource = holds === 'resource';
    const known = isResource ? this.#resources : this.#scopes;
    if (known[id]! >= 0) return known[id]!;
    return (known[id] = isResource ? this.#copyResource(id) : this.#copyScope(id));
  }

  #copyResource(id: number): number {
    const row = this.#builder.resources.open();
    this.copyRow(this.#builder.resources, this.#batch.resources, RESOURCE_COLUMNS, id);
    return row;
  }

  #copyScope(id: number): number {
    const row = this.#builder.scopes.open();
    this.copyRow(this.#builder.scopes, this.#batch.scopes, SCOPE_COLUMNS, id);
    return row;
  }

  #string(id: number): number {
    const known = this.#strings[id]!;
    if (known >= 0) return known;
    const { bytes, offsets } = this.#batch.strings;
    return (this.#strings[id] = this.#builder.strings.intern(
      bytes,
      offsets[id]!,
      offsets[id + 1]!,
    ));
  }
}

/** True for types whose low word is a string id. */
export function holdsString(type: number): boolean {
  return type === AttributeType.string || type >= AttributeType.array;
}

function tableBetween(
  { columns, attributes }: Table<object>,
  specs: readonly ColumnSpec[],
  from: number,
  to: number,
): Table<object> {
  const cut: Columns = {};
  for (const { name, width } of specs) {
    cut[name] = (columns as Columns)[name]!.subarray(from * width, to * width);
  }
  const { starts, keys, types, values } = attributes;
  const first = starts[from]!;
  const last = starts[to]!;
  return {
    count: to - from,
    columns: cut,
    attributes: {
      starts: startsBetween(starts, from, to),
      keys: keys.subarray(first, last),
      types: types.subarray(first, last),
      values: values.subarray(first * 2, last * 2),
    },
  };
}

function childrenBetween(
  table: ChildTable<object>,
  specs: readonly ColumnSpec[],
  from: number,
  to: number,
): ChildTable<object> {
  const { starts } = table;
  const cut = tableBetween(table, specs, starts[from]!, starts[to]!);
  return { ...cut, starts: startsBetween(starts, from, to) };
}

/** Counted from the first of them. */
function startsBetween(starts: Uint32Array, from: number, to: number): Uint32Array {
  const own = starts.slice(from, to + 1);
  const first = own[0]!;
  if (first > 0) for (let i = 0; i < own.length; i++) own[i]! -= first;
  return own;
}

function gatherTable(
  table: Table<object>,
  specs: readonly ColumnSpec[],
  rows: Uint32Array,
): Table<object> {
  const columns: Columns = {};
  for (const spec of specs) {
    const source = (table.columns as Columns)[spec.name]!;
    const out = newColumn(spec, rows.length);
    const width = spec.width;
    for (let i = 0; i < rows.length; i++) {
      const from = rows[i]! * width;
      for (let j = 0; j < width; j++) out[i * width + j] = source[from + j]!;
    }
    columns[spec.name] = out;
  }
  return { count: rows.length, columns, attributes: gatherAttributes(table.attributes, rows) };
}

function gatherChildren(
  table: ChildTable<object>,
  specs: readonly ColumnSpec[],
  rows: Uint32Array,
): ChildTable<object> {
  const { starts, order } = gatherRanges(table.starts, rows);
  return { ...gatherTable(table, specs, order), starts };
}

function gatherAttributes(table: AttributeTable, rows: Uint32Array): AttributeTable {
  const { starts, order } = gatherRanges(table.starts, rows);
  const keys = new Uint32Array(order.length);
  const types = new Uint8Array(order.length);
  const values = new Uint32Array(order.length * 2);
  for (let i = 0; i < order.length; i++) {
    const from = order[i]!;
    keys[i] = table.keys[from]!;
    types[i] = table.types[from]!;
    values[i * 2] = table.values[from * 2]!;
    values[i * 2 + 1] = table.values[from * 2 + 1]!;
  }
  return { starts, keys, types, values };
}

/** The new ranges of the chosen owners, and which old child rows they hold, in order. */
function gatherRanges(
  old: Uint32Array,
  rows: Uint32Array,
): { starts: Uint32Array; order: Uint32Array } {
  const starts = new Uint32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    starts[i + 1] = starts[i]! + (old[row + 1]! - old[row]!);
  }
  const order = new Uint32Array(starts[rows.length]!);
  let at = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    for (let child = old[row]!; child < old[row + 1]!; child++) order[at++] = child;
  }
  return { starts, order };
}
