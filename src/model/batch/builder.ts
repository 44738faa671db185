/** Fills a SpanBatch row by row: growing columns that are reused from batch to batch, so a decoder
 *  allocates only what it seals. Open an owner (span, event, link, resource, scope), set its
 *  columns, add its attributes, and `seal`. Owners of one table are filled one after another.
 *  Hot: benchmark `bench/decode.ts`. */

import { AttributeType } from '../attribute.ts';
import { Arena, arenaBytes } from './arena.ts';
import {
  type AttributeTable,
  type ColumnSpec,
  EVENT_COLUMNS,
  type EventColumns,
  LINK_COLUMNS,
  type LinkColumns,
  RESOURCE_COLUMNS,
  type ResourceColumns,
  SCOPE_COLUMNS,
  type ScopeColumns,
  SPAN_COLUMNS,
  SpanBatch,
  type SpanColumns,
} from './span-batch.ts';
import { StringInterner } from './string-table.ts';

const FIRST_ROWS = 256;
/** Scratch for more rows than this is not kept from one batch to the next. */
const RETAINED_ROWS_MAX = 64 * 1024;
const RETAINED_ATTRIBUTES_MAX = 1024 * 1024;

type Columns = Record<string, Uint8Array | Uint32Array>;

/** Attributes that grow. `openOwner` ends the last owner's range and begins the next one's. */
export class GrowingAttributes {
  starts = new Uint32Array(FIRST_ROWS + 1);
  keys = new Uint32Array(FIRST_ROWS);
  types = new Uint8Array(FIRST_ROWS);
  values = new Uint32Array(FIRST_ROWS * 2);
  count = 0;
  owners = 0;
  readonly #double = new Float64Array(1);
  readonly #doubleWords = new Uint32Array(this.#double.buffer);

  reset(): void {
    this.count = 0;
    this.owners = 0;
    if (this.starts.length > RETAINED_ROWS_MAX * 2) this.starts = new Uint32Array(FIRST_ROWS + 1);
    if (this.keys.length <= RETAINED_ATTRIBUTES_MAX) return;
    this.keys = new Uint32Array(FIRST_ROWS);
    this.types = new Uint8Array(FIRST_ROWS);
    this.values = new Uint32Array(FIRST_ROWS * 2);
  }

  openOwner(): void {
    if (this.owners + 1 >= this.starts.length) this.starts = doubled(this.starts);
    this.starts[this.owners++] = this.count;
  }

  add(key: number, type: AttributeType, low: number, high: number): void {
    const row = this.count++;
    if (row >= this.keys.length) this.#grow();
    this.keys[row] = key;
    this.types[row] = type;
    this.values[row * 2] = low;
    this.values[row * 2 + 1] = high;
  }

  addDouble(key: number, value: number): void {
    this.#double[0] = value;
    this.add(key, AttributeType.double, this.#doubleWords[0]!, this.#doubleWords[1]!);
  }

  addInt(key: number, value: bigint): void {
    const low = Number(value & 0xffff_ffffn);
    this.add(key, AttributeType.int, low, Number((value >> 32n) & 0xffff_ffffn));
  }

  addBool(key: number, value: boolean): void {
    this.add(key, AttributeType.bool, value ? 1 : 0, 0);
  }

  /** Bytes that `seal` takes from the arena. */
  get sealedBytes(): number {
    const { owners, count } = this;
    return arenaBytes((owners + 1) * 4) + arenaBytes(count * 4) + count * 8 + arenaBytes(count);
  }

  seal(arena: Arena = new Arena(this.sealedBytes)): AttributeTable {
    this.starts[this.owners] = this.count;
    return {
      starts: arena.u32(this.starts, this.owners + 1),
      keys: arena.u32(this.keys, this.count),
      types: arena.u8(this.types, this.count),
      values: arena.u32(this.values, this.count * 2),
    };
  }

  #grow(): void {
    this.keys = doubled(this.keys);
    this.types = doubled(this.types);
    this.values = doubled(this.values);
  }
}

/** A table that grows. New rows are all zero. `columns` is replaced when it grows: read it anew
 *  after every `open`. */
export class GrowingTable<C> {
  columns: { -readonly [K in keyof C]: C[K] };
  count = 0;
  readonly attributes = new GrowingAttributes();
  readonly #specs: readonly ColumnSpec[];
  #capacity = FIRST_ROWS;

  constructor(specs: readonly ColumnSpec[]) {
    this.#specs = specs;
    const columns: Columns = {};
    for (const spec of specs) columns[spec.name] = newColumn(spec, FIRST_ROWS);
    this.columns = columns as typeof this.columns;
  }

  /** Opens a new row, with no attributes yet, and returns its index. */
  open(): number {
    if (this.count === this.#capacity) this.#grow();
    this.attributes.openOwner();
    return this.count++;
  }

  reset(): void {
    const isKept = this.#capacity <= RETAINED_ROWS_MAX;
    if (!isKept) this.#capacity = FIRST_ROWS;
    for (const spec of this.#specs) {
      const columns = this.columns as Columns;
      if (isKept) columns[spec.name]!.fill(0, 0, this.count * spec.width);
      else columns[spec.name] = newColumn(spec, FIRST_ROWS);
    }
    this.count = 0;
    this.attributes.reset();
  }

  /** Bytes that `seal` takes from the arena. */
  get sealedBytes(): number {
    let bytes = this.attributes.sealedBytes;
    for (const { type, width } of this.#specs) {
      bytes += arenaBytes(this.count * width * (type === 'u8' ? 1 : 4));
    }
    return bytes;
  }

  seal(arena: Arena) {
    const columns: Columns = {};
    for (const { name, width } of this.#specs) {
      const column = (this.columns as Columns)[name]!;
      const length = this.count * width;
      columns[name] =
        column instanceof Uint8Array ? arena.u8(column, length) : arena.u32(column, length);
    }
    return { count: this.count, columns: columns as C, attributes: this.attributes.seal(arena) };
  }

  #grow(): void {
    for (const spec of this.#specs) {
      (this.columns as Columns)[spec.name] = doubled((this.columns as Columns)[spec.name]!);
    }
    this.#capacity *= 2;
  }
}

/** Events or links: rows that belong to the span opened last. */
export class GrowingChildTable<C> extends GrowingTable<C> {
  starts = new Uint32Array(FIRST_ROWS + 1);
  #parents = 0;

  openParent(): void {
    if (this.#parents + 1 >= this.starts.length) this.starts = doubled(this.starts);
    this.starts[this.#parents++] = this.count;
  }

  override reset(): void {
    super.reset();
    this.#parents = 0;
  }

  override get sealedBytes(): number {
    return super.sealedBytes + arenaBytes((this.#parents + 1) * 4);
  }

  override seal(arena: Arena) {
    this.starts[this.#parents] = this.count;
    const starts = arena.u32(this.starts, this.#parents + 1);
    return { ...super.seal(arena), starts };
  }
}

export class SpanBatchBuilder {
  readonly strings = new StringInterner();
  readonly spans = new GrowingTable<SpanColumns>(SPAN_COLUMNS);
  readonly events = new GrowingChildTable<EventColumns>(EVENT_COLUMNS);
  readonly links = new GrowingChildTable<LinkColumns>(LINK_COLUMNS);
  readonly resources = new GrowingTable<ResourceColumns>(RESOURCE_COLUMNS);
  readonly scopes = new GrowingTable<ScopeColumns>(SCOPE_COLUMNS);
  /** Set it when a row or string was added that nothing refers to: the batch is not exact then. */
  hasUnused = false;

  /** Opens a span; its events and links are those opened until the next span. */
  openSpan(): number {
    this.events.openParent();
    this.links.openParent();
    return this.spans.open();
  }

  reset(): void {
    this.hasUnused = false;
    this.strings.reset();
    this.spans.reset();
    this.events.reset();
    this.links.reset();
    this.resources.reset();
    this.scopes.reset();
  }

  /** The batch built so far, in arrays of its own; the builder is empty afterwards. */
  seal(tenant: string): SpanBatch {
    const isExact = !this.hasUnused && !this.strings.hasUnused;
    const { spans, events, links, resources, scopes } = this;
    // Two: what `gather` shares must not keep alive what it leaves behind.
    const rows = new Arena(spans.sealedBytes + events.sealedBytes + links.sealedBytes);
    const shared = new Arena(resources.sealedBytes + scopes.sealedBytes);
    const batch = new SpanBatch({
      tenant,
      strings: this.strings.seal(),
      isExact,
      spans: spans.seal(rows),
      events: events.seal(rows),
      links: links.seal(rows),
      resources: resources.seal(shared),
      scopes: scopes.seal(shared),
    });
    this.reset();
    return batch;
  }
}

export function newColumn(spec: ColumnSpec, rows: number): Uint8Array | Uint32Array {
  return spec.type === 'u8'
    ? new Uint8Array(rows * spec.width)
    : new Uint32Array(rows * spec.width);
}

function doubled<A extends Uint8Array | Uint32Array>(old: A): A {
  const grown =
    old instanceof Uint8Array ? new Uint8Array(old.length * 2) : new Uint32Array(old.length * 2);
  grown.set(old);
  return grown as A;
}
