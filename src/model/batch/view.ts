/** A cursor over one batch: reads a row as JavaScript values, for API mappings, filters and tests.
 *  `view.at(row)` moves it; strings are decoded when asked for and cached by the string table. */

import { type AttributeValue, AttributeType, type KeyValue } from '../attribute.ts';
import { decodeArray, decodeKvlist } from '../any-value.ts';
import { hexAt, isZeroAt } from '../ids.ts';
import { bigNanoFromWords } from '../time.ts';
import type { AttributeTable, SpanBatch } from './span-batch.ts';

export interface EventValue {
  readonly timeNano: bigint;
  readonly name: string;
  readonly droppedAttributes: number;
  readonly attributes: readonly KeyValue[];
}

export interface LinkValue {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly droppedAttributes: number;
  readonly attributes: readonly KeyValue[];
}

export interface ResourceValue {
  readonly schemaUrl: string;
  readonly droppedAttributes: number;
  readonly attributes: readonly KeyValue[];
}

export interface ScopeValue extends ResourceValue {
  readonly name: string;
  readonly version: string;
}

export class SpanView {
  readonly batch: SpanBatch;
  row = 0;

  constructor(batch: SpanBatch, row = 0) {
    this.batch = batch;
    this.row = row;
  }

  at(row: number): this {
    this.row = row;
    return this;
  }

  get traceId(): string {
    return hexAt(this.batch.spans.columns.traceIds, this.row * 16, 16);
  }

  get spanId(): string {
    return hexAt(this.batch.spans.columns.spanIds, this.row * 8, 8);
  }

  /** '' for a root. */
  get parentSpanId(): string {
    const ids = this.batch.spans.columns.parentSpanIds;
    return isZeroAt(ids, this.row * 8, 8) ? '' : hexAt(ids, this.row * 8, 8);
  }

  get name(): string {
    return this.#text(this.batch.spans.columns.names[this.row]!);
  }

  /** service.name of its resource; '' when absent. */
  get service(): string {
    return this.#text(this.batch.serviceOf(this.row));
  }

  get startNano(): bigint {
    return nanoAt(this.batch.spans.columns.startNano, this.row);
  }

  get endNano(): bigint {
    return nanoAt(this.batch.spans.columns.endNano, this.row);
  }

  /** OTLP number, 0 to 5 (unknown numbers kept). */
  get kind(): number {
    return this.batch.spans.columns.kinds[this.row]!;
  }

  get statusCode(): number {
    return this.batch.spans.columns.statusCodes[this.row]!;
  }

  get statusMessage(): string {
    return this.#text(this.batch.spans.columns.statusMessages[this.row]!);
  }

  get traceState(): string {
    return this.#text(this.batch.spans.columns.traceStates[this.row]!);
  }

  get flags(): number {
    return this.batch.spans.columns.flags[this.row]!;
  }

  get droppedAttributes(): number {
    return this.batch.spans.columns.droppedAttributes[this.row]!;
  }

  get droppedEvents(): number {
    return this.batch.spans.columns.droppedEvents[this.row]!;
  }

  get droppedLinks(): number {
    return this.batch.spans.columns.droppedLinks[this.row]!;
  }

  get attributes(): KeyValue[] {
    return readAttributes(this.batch, this.batch.spans.attributes, this.row);
  }

  /** The last attribute of that key, without reading the others. */
  attribute(key: string): AttributeValue | undefined {
    const { attributes } = this.batch.spans;
    const id = this.batch.strings.find(key);
    if (id < 0) return undefined;
    const start = attributes.starts[this.row]!;
    for (let i = attributes.starts[this.row + 1]! - 1; i >= start; i--) {
      if (attributes.keys[i] === id) return readValue(this.batch, attributes, i);
    }
    return undefined;
  }

  get resource(): ResourceValue {
    return readResource(this.batch, this.batch.spans.columns.resources[this.row]!);
  }

  get scope(): ScopeValue {
    return readScope(this.batch, this.batch.spans.columns.scopes[this.row]!);
  }

  get events(): EventValue[] {
    const { starts, columns, attributes } = this.batch.events;
    const events: EventValue[] = [];
    for (let i = starts[this.row]!; i < starts[this.row + 1]!; i++) {
      events.push({
        timeNano: nanoAt(columns.timeNano, i),
        name: this.#text(columns.names[i]!),
        droppedAttributes: columns.droppedAttributes[i]!,
        attributes: readAttributes(this.batch, attributes, i),
      });
    }
    return events;
  }

  get links(): LinkValue[] {
    const { starts, columns, attributes } = this.batch.links;
    const links: LinkValue[] = [];
    for (let i = starts[this.row]!; i < starts[this.row + 1]!; i++) {
      links.push({
        traceId: hexAt(columns.traceIds, i * 16, 16),
        spanId: hexAt(columns.spanIds, i * 8, 8),
        traceState: this.#text(columns.traceStates[i]!),
        flags: columns.flags[i]!,
        droppedAttributes: columns.droppedAttributes[i]!,
        attributes: readAttributes(this.batch, attributes, i),
      });
    }
    return links;
  }

  #text(id: number): string {
    return this.batch.strings.text(id);
  }
}

export function readResource(batch: SpanBatch, row: number): ResourceValue {
  const { columns, attributes } = batch.resources;
  return {
    schemaUrl: batch.strings.text(columns.schemaUrls[row]!),
    droppedAttributes: columns.droppedAttributes[row]!,
    attributes: readAttributes(batch, attributes, row),
  };
}

export function readScope(batch: SpanBatch, row: number): ScopeValue {
  const { columns, attributes } = batch.scopes;
  return {
    name: batch.strings.text(columns.names[row]!),
    version: batch.strings.text(columns.versions[row]!),
    schemaUrl: batch.strings.text(columns.schemaUrls[row]!),
    droppedAttributes: columns.droppedAttributes[row]!,
    attributes: readAttributes(batch, attributes, row),
  };
}

/** An owner's attributes, in order, duplicates kept. */
export function readAttributes(batch: SpanBatch, table: AttributeTable, owner: number): KeyValue[] {
  const attributes: KeyValue[] = [];
  for (let i = table.starts[owner]!; i < table.starts[owner + 1]!; i++) {
    attributes.push({ key: batch.strings.text(table.keys[i]!), value: readValue(batch, table, i) });
  }
  return attributes;
}

/** The value in row `i` of an attribute table. */
export function readValue(batch: SpanBatch, table: AttributeTable, i: number): AttributeValue {
  const low = table.values[i * 2]!;
  const high = table.values[i * 2 + 1]!;
  switch (table.types[i]) {
    case AttributeType.string:
      return { type: 'string', value: batch.strings.text(low) };
    case AttributeType.bool:
      return { type: 'bool', value: low !== 0 };
    case AttributeType.int:
      return { type: 'int', value: BigInt.asIntN(64, bigNanoFromWords(low, high)) };
    case AttributeType.double:
      return { type: 'double', value: doubleFromWords(low, high) };
    case AttributeType.array:
      return { type: 'array', value: decodeArray(batch.strings.slice(low)) };
    case AttributeType.kvlist:
      return { type: 'kvlist', value: decodeKvlist(batch.strings.slice(low)) };
    case AttributeType.bytes:
      return { type: 'bytes', value: batch.strings.slice(low) };
    default:
      return { type: 'empty' };
  }
}

const words = new Uint32Array(2);
const double = new Float64Array(words.buffer);

export function doubleFromWords(low: number, high: number): number {
  words[0] = low;
  words[1] = high;
  return double[0]!;
}

function nanoAt(column: Uint32Array, row: number): bigint {
  return bigNanoFromWords(column[row * 2]!, column[row * 2 + 1]!);
}
