/** Spans of one tenant on their way to a row group: batches are added as they come, and `encode`
 *  writes what is there as a Parquet file, as often as asked. Strings become numbers once a batch
 *  and columns are built from those numbers; no object is made for a span.
 *  Hot: benchmark `bench/row-group.ts`. */

import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { ByteSink } from '../parquet/byte-sink.ts';
import { AttributeColumns } from './attribute-columns.ts';
import { Owners } from './owners.ts';
import type { IdRows } from './span-table.ts';
import { StringArena } from './string-arena.ts';
import { writeAttribute, writeEvents, writeLinks } from './tagged-writer.ts';
import { TextKeyCollector } from './text-keys.ts';
import { TraceGroups } from './trace-groups.ts';

const FIRST_ROWS = 4096;
const UNIT = 0x1f;
const WORD = 0x1_0000_0000;

/** A text for some of the rows. */
export interface SparseText {
  readonly rows: number[];
  /** String ids. */
  readonly ids: number[];
}

const newDense = (rows: number) => ({
  spanIds: new Uint8Array(rows * 8),
  parentSpanIds: new Uint8Array(rows * 8),
  startNano: new Uint32Array(rows * 2),
  endNano: new Uint32Array(rows * 2),
  names: new Uint32Array(rows),
  kinds: new Uint8Array(rows),
  statusCodes: new Uint8Array(rows),
  statusMessages: new Uint32Array(rows),
  traceStates: new Uint32Array(rows),
  flags: new Uint32Array(rows),
  droppedAttributes: new Uint32Array(rows),
  droppedEvents: new Uint32Array(rows),
  droppedLinks: new Uint32Array(rows),
  resources: new Uint32Array(rows),
  scopes: new Uint32Array(rows),
  /** Two words a row. */
  walSeqs: new Uint32Array(rows * 2),
});

/** Columns that every row has, in the order rows came. String columns hold ids of the arena. */
export type DenseColumns = ReturnType<typeof newDense>;

const COPIED = [
  'spanIds',
  'parentSpanIds',
  'startNano',
  'endNano',
  'kinds',
  'statusCodes',
  'flags',
  'droppedAttributes',
  'droppedEvents',
  'droppedLinks',
] as const satisfies readonly (keyof DenseColumns)[];

const encoder = new TextEncoder();
// A name may begin with U+FEFF.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class RowCollector {
  count = 0;
  dense = newDense(FIRST_ROWS);
  readonly arena: StringArena;
  readonly traces: TraceGroups;
  readonly attributes = new AttributeColumns();
  readonly resources: Owners;
  readonly scopes: Owners;
  readonly rest: SparseText = { rows: [], ids: [] };
  readonly events: SparseText = { rows: [], ids: [] };
  readonly links: SparseText = { rows: [], ids: [] };
  readonly textKeys = new TextKeyCollector();
  readonly #sink = new ByteSink();
  readonly #texts = new Map<number, string>();
  #capacity = FIRST_ROWS;
  /** Of each string of the batch at hand: its id in the arena, -1 unknown. */
  #idOf = new Int32Array(1024);

  /** Secret: it keeps others from crafting ids and strings whose hashes collide. */
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.arena = new StringArena(seed);
    this.traces = new TraceGroups(seed);
    this.resources = new Owners('resource', this.arena, this.textKeys);
    this.scopes = new Owners('scope', this.arena, this.textKeys);
  }

  reset(): void {
    this.count = 0;
    this.arena.reset();
    this.#texts.clear();
    this.traces.reset();
    this.attributes.reset();
    this.resources.reset();
    this.scopes.reset();
    this.textKeys.reset();
    for (const text of [this.rest, this.events, this.links]) text.rows.length = text.ids.length = 0;
  }

  /** `walSeq` is the record of the write-ahead log that the batch came in. */
  add(batch: SpanBatch, walSeq: number): void {
    const base = this.count;
    const rows = batch.count;
    if (rows === 0) return;
    this.#reserve(base + rows);
    this.traces.add(batch);
    this.#begin(batch);
    const { columns } = batch.spans;
    for (const name of COPIED) {
      const source = columns[name];
      const target: Uint8Array | Uint32Array = this.dense[name];
      target.set(source, (source.length / rows) * base);
    }
    const { walSeqs } = this.dense;
    for (let row = base; row < base + rows; row++) {
      walSeqs[row * 2] = walSeq % WORD;
      walSeqs[row * 2 + 1] = Math.floor(walSeq / WORD);
    }
    this.#addReferences(batch, base);
    this.#addAttributes(batch, base);
    this.#addChildren(batch, base);
    this.count = base + rows;
  }

  /** The ids of the rows so far. */
  get ids(): IdRows {
    const { spanIds, parentSpanIds } = this.dense;
    const { count, seed } = this;
    return { count, spanIds, parentSpanIds, traceOf: this.traces.ofRow, seed };
  }

  /** The service of a resource; '' when it has none. */
  serviceOf(resource: number): string {
    return this.textOf(this.resources.list[resource]!.values.get('service')?.low ?? 0);
  }

  /** The text of a string of the arena. */
  textOf(id: number): string {
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    const text = decoder.decode(this.arena.slice(id));
    this.#texts.set(id, text);
    return text;
  }

  #begin(batch: SpanBatch): void {
    const { strings } = batch;
    if (this.#idOf.length < strings.count) this.#idOf = new Int32Array(strings.count * 2);
    this.#idOf.fill(-1, 0, strings.count);
    this.attributes.begin(strings);
    this.textKeys.begin(strings);
    this.resources.begin(batch.resources.count);
    this.scopes.begin(batch.scopes.count);
  }

  #addReferences(batch: SpanBatch, base: number): void {
    const { names, statusMessages, traceStates, resources, scopes } = this.dense;
    const { columns } = batch.spans;
    const idOf = this.#idOf;
    const intern = (id: number): number => this.#intern(batch, id);
    for (let row = 0; row < batch.count; row++) {
      const to = base + row;
      const name = columns.names[row]!;
      const id = idOf[name]!;
      names[to] = id >= 0 ? id : intern(name);
      const message = columns.statusMessages[row]!;
      statusMessages[to] = message === 0 ? 0 : intern(message);
      const state = columns.traceStates[row]!;
      traceStates[to] = state === 0 ? 0 : intern(state);
      resources[to] = this.resources.number(batch, columns.resources[row]!, intern);
      scopes[to] = this.scopes.number(batch, columns.scopes[row]!, intern);
    }
  }

  #addAttributes(batch: SpanBatch, base: number): void {
    const table = batch.spans.attributes;
    const { starts, keys, types, values } = table;
    const idOf = this.#idOf;
    const { attributes } = this;
    const sink = this.#sink;
    for (let row = 0; row < batch.count; row++) {
      const to = base + row;
      const end = starts[row + 1]!;
      let hasRest = false;
      for (let i = starts[row]!; i < end; i++) {
        const type = types[i]!;
        const column = attributes.find(to, keys[i]!, type);
        if (column === undefined) {
          if (!hasRest) sink.reset();
          hasRest = true;
          writeAttribute(sink, batch, table, i);
          this.textKeys.add('span_rest', batch.strings, keys[i]!);
          continue;
        }
        let low = values[i * 2]!;
        if (type === 1) {
          const id = idOf[low]!;
          low = id >= 0 ? id : this.#intern(batch, low);
        }
        column.add(to, low, values[i * 2 + 1]!);
      }
      if (hasRest) {
        sink.u8(UNIT);
        this.#addText(this.rest, to);
      }
    }
  }

  #addChildren(batch: SpanBatch, base: number): void {
    const { events, links, strings } = batch;
    const eventStarts = events.starts;
    const linkStarts = links.starts;
    this.textKeys.addAll('events', strings, events.attributes);
    this.textKeys.addAll('links', strings, links.attributes);
    for (let row = 0; row < batch.count; row++) {
      if (eventStarts[row]! < eventStarts[row + 1]!) {
        writeEvents(this.#sink.reset(), batch, row);
        this.#addText(this.events, base + row);
      }
      if (linkStarts[row]! < linkStarts[row + 1]!) {
        writeLinks(this.#sink.reset(), batch, row);
        this.#addText(this.links, base + row);
      }
    }
  }

  #addText(text: SparseText, row: number): void {
    text.rows.push(row);
    text.ids.push(this.arena.intern(this.#sink.bytes, 0, this.#sink.length));
  }

  #intern(batch: SpanBatch, id: number): number {
    const known = this.#idOf[id]!;
    if (known >= 0) return known;
    const { strings } = batch;
    if (strings.isText[id] === 1) return (this.#idOf[id] = this.arena.internFrom(strings, id));
    const bytes = encoder.encode(strings.text(id));
    return (this.#idOf[id] = this.arena.intern(bytes, 0, bytes.length));
  }

  #reserve(rows: number): void {
    if (rows <= this.#capacity) return;
    while (this.#capacity < rows) this.#capacity *= 2;
    const grown = newDense(this.#capacity);
    for (const name of Object.keys(grown) as (keyof DenseColumns)[]) {
      grown[name].set(this.dense[name]);
    }
    this.dense = grown;
  }
}
