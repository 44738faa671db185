/** SpanBatch to the bytes of an OTLP `ExportTraceServiceRequest` (= `TracesData`), grouped by
 *  resource and scope. Zero values are left out, as proto3 has it. Written backwards, so what comes
 *  last in a message is written first.
 *  Hot: benchmark `bench/encode.ts`. */

import { AttributeType } from '../../model/attribute.ts';
import type { AttributeTable, SpanBatch } from '../../model/batch/span-batch.ts';
import { isZeroAt, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../model/ids.ts';
import { groupRows, type ResourceRows, type ScopeRows } from '../group-rows.ts';
import { BackwardWriter } from './backward-writer.ts';

/** A request is larger than its batch, which holds each string once. */
const BYTES_PER_BATCH_BYTE = 2;

/** The bytes of one request that holds all spans of the batches. */
export function encodeTraces(batches: readonly SpanBatch[]): Uint8Array {
  const bytes = batches.reduce((sum, batch) => sum + batch.byteSize, 0);
  const writer = new BackwardWriter(bytes * BYTES_PER_BATCH_BYTE + 1024);
  for (const batch of batches.toReversed()) new BatchWriter(writer, batch).write();
  return writer.finish();
}

class BatchWriter {
  readonly #writer: BackwardWriter;
  readonly #batch: SpanBatch;

  constructor(writer: BackwardWriter, batch: SpanBatch) {
    this.#writer = writer;
    this.#batch = batch;
  }

  write(): void {
    for (const group of groupRows(this.#batch).toReversed()) this.#resourceSpans(group);
  }

  #resourceSpans({ resource, scopes }: ResourceRows): void {
    const writer = this.#writer;
    const { columns, attributes } = this.#batch.resources;
    const before = writer.length;
    this.#string(0x1a, columns.schemaUrls[resource]!);
    for (const scope of scopes.toReversed()) this.#scopeSpans(scope);
    const inner = writer.length;
    writer.number(0x10, columns.droppedAttributes[resource]!);
    this.#attributes(0x0a, attributes, resource);
    writer.close(0x0a, inner);
    writer.close(0x0a, before);
  }

  #scopeSpans({ scope, rows }: ScopeRows): void {
    const writer = this.#writer;
    const { columns, attributes } = this.#batch.scopes;
    const before = writer.length;
    this.#string(0x1a, columns.schemaUrls[scope]!);
    for (let i = rows.length - 1; i >= 0; i--) this.#span(rows[i]!);
    const inner = writer.length;
    writer.number(0x20, columns.droppedAttributes[scope]!);
    this.#attributes(0x1a, attributes, scope);
    this.#string(0x12, columns.versions[scope]!);
    this.#string(0x0a, columns.names[scope]!);
    writer.close(0x0a, inner);
    writer.close(0x12, before);
  }

  #span(row: number): void {
    const writer = this.#writer;
    const { columns, attributes } = this.#batch.spans;
    const before = writer.length;
    writer.fixed32(0x85, columns.flags[row]!);
    this.#status(row);
    writer.number(0x70, columns.droppedLinks[row]!);
    const { links, events } = this.#batch;
    for (let i = links.starts[row + 1]! - 1; i >= links.starts[row]!; i--) this.#link(i);
    writer.number(0x60, columns.droppedEvents[row]!);
    for (let i = events.starts[row + 1]! - 1; i >= events.starts[row]!; i--) this.#event(i);
    writer.number(0x50, columns.droppedAttributes[row]!);
    this.#attributes(0x4a, attributes, row);
    writer.fixed64(0x41, columns.endNano[row * 2]!, columns.endNano[row * 2 + 1]!);
    writer.fixed64(0x39, columns.startNano[row * 2]!, columns.startNano[row * 2 + 1]!);
    writer.number(0x30, columns.kinds[row]!);
    this.#string(0x2a, columns.names[row]!);
    this.#id(0x22, columns.parentSpanIds, row, SPAN_ID_BYTES);
    this.#string(0x1a, columns.traceStates[row]!);
    this.#id(0x12, columns.spanIds, row, SPAN_ID_BYTES);
    this.#id(0x0a, columns.traceIds, row, TRACE_ID_BYTES);
    writer.close(0x12, before);
  }

  #status(row: number): void {
    const writer = this.#writer;
    const { columns } = this.#batch.spans;
    const code = columns.statusCodes[row]!;
    const message = columns.statusMessages[row]!;
    if (code === 0 && message === 0) return;
    const before = writer.length;
    writer.number(0x18, code);
    this.#string(0x12, message);
    writer.close(0x7a, before);
  }

  #event(row: number): void {
    const writer = this.#writer;
    const { columns, attributes } = this.#batch.events;
    const before = writer.length;
    writer.number(0x20, columns.droppedAttributes[row]!);
    this.#attributes(0x1a, attributes, row);
    this.#string(0x12, columns.names[row]!);
    writer.fixed64(0x09, columns.timeNano[row * 2]!, columns.timeNano[row * 2 + 1]!);
    writer.close(0x5a, before);
  }

  #link(row: number): void {
    const writer = this.#writer;
    const { columns, attributes } = this.#batch.links;
    const before = writer.length;
    writer.fixed32(0x35, columns.flags[row]!);
    writer.number(0x28, columns.droppedAttributes[row]!);
    this.#attributes(0x22, attributes, row);
    this.#string(0x1a, columns.traceStates[row]!);
    this.#id(0x12, columns.spanIds, row, SPAN_ID_BYTES);
    this.#id(0x0a, columns.traceIds, row, TRACE_ID_BYTES);
    writer.close(0x6a, before);
  }

  #attributes(tag: number, table: AttributeTable, owner: number): void {
    for (let i = table.starts[owner + 1]! - 1; i >= table.starts[owner]!; i--) {
      const before = this.#writer.length;
      this.#value(table, i);
      this.#string(0x0a, table.keys[i]!);
      this.#writer.close(tag, before);
    }
  }

  #value(table: AttributeTable, i: number): void {
    const writer = this.#writer;
    const type = table.types[i]!;
    const low = table.values[i * 2]!;
    const high = table.values[i * 2 + 1]!;
    const before = writer.length;
    switch (type) {
      case AttributeType.empty:
        break;
      case AttributeType.bool:
        writer.varint(low);
        writer.varint(0x10);
        break;
      case AttributeType.int:
        writer.varint64(low, high);
        writer.varint(0x18);
        break;
      case AttributeType.double:
        writer.fixed64(0x21, low, high);
        break;
      default: {
        const { bytes, offsets } = this.#batch.strings;
        writer.field((type << 3) | 2, bytes, offsets[low]!, offsets[low + 1]!);
      }
    }
    writer.close(0x12, before);
  }

  #string(tag: number, id: number): void {
    if (id === 0) return;
    const { bytes, offsets } = this.#batch.strings;
    this.#writer.field(tag, bytes, offsets[id]!, offsets[id + 1]!);
  }

  #id(tag: number, column: Uint8Array, row: number, length: number): void {
    const start = row * length;
    if (!isZeroAt(column, start, length)) this.#writer.field(tag, column, start, start + length);
  }
}
