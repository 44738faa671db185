/** OTLP `ExportTraceServiceRequest` (= `TracesData`) to a SpanBatch in one pass, without an object
 *  per span or attribute. Field order is free, unknown fields are skipped, a known field of a
 *  wrong wire type or a length that passes its message refuses the whole request.
 *  Fields by number: opentelemetry-proto trace.proto, resource.proto, common.proto.
 *  Hot: benchmark `bench/decode.ts`. */

import { NESTING_MAX } from '../../model/any-value.ts';
import { AttributeType } from '../../model/attribute.ts';
import { type GrowingAttributes, SpanBatchBuilder } from '../../model/batch/builder.ts';
import { DEFAULT_TENANT, type SpanBatch } from '../../model/batch/span-batch.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../model/ids.ts';
import { WireError } from '../wire-error.ts';
import { DecodedSize } from '../decoded-size.ts';
import { MessageRows } from './message-rows.ts';
import { fieldBits, malformed, ProtoReader } from './proto-reader.ts';

const REQUEST_FIELDS = fieldBits(1);
const GROUP_FIELDS = fieldBits(1, 2, 3);
const RESOURCE_FIELDS = fieldBits(1, 2);
const SCOPE_FIELDS = fieldBits(1, 2, 3, 4);
const SPAN_FIELDS = fieldBits(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
const STATUS_FIELDS = fieldBits(2, 3);
const EVENT_FIELDS = fieldBits(1, 2, 3, 4);
const LINK_FIELDS = fieldBits(1, 2, 3, 4, 5, 6);
const KEY_VALUE_FIELDS = fieldBits(1, 2);
const ANY_VALUE_FIELDS = fieldBits(1, 2, 3, 4, 5, 6, 7);
const LIST_FIELDS = fieldBits(1);

/** InstrumentationLibrarySpans, which came before ScopeSpans and has the same fields. */
const OLD_SCOPE_SPANS = (1000 << 3) | 2;
const SERVICE_NAME = new TextEncoder().encode('service.name');

/** Slots of the tables of guesses: power of two. */
const GUESSES = 4096;

/** Where a message that may come in several pieces lies: start and end of each. */
type Ranges = number[];

let shared: OtlpTraceDecoder | undefined;

/** Decodes with the process's one decoder, whose scratch columns are reused. Throws WireError. */
export function decodeTraces(bytes: Uint8Array, tenant: string = DEFAULT_TENANT): SpanBatch {
  shared ??= new OtlpTraceDecoder();
  return shared.decode(bytes, tenant);
}

export class OtlpTraceDecoder {
  readonly #builder = new SpanBatchBuilder();
  readonly #reader = new ProtoReader();
  readonly #resourceRows = new MessageRows();
  readonly #scopeRows = new MessageRows();
  readonly #size = new DecodedSize();
  /** Which key came next, by what came before it in the span. Ids of an earlier batch may stand
   *  here: a guess is compared byte by byte before it counts. */
  readonly #guesses = new Uint32Array(GUESSES);
  #guess = 0;
  /** The ids of the builder's spans, four bytes at a time. */
  #idsOf: Uint8Array | undefined;
  #traceWords: Uint32Array = new Uint32Array(0);
  #spanWords: Uint32Array = new Uint32Array(0);
  #parentWords: Uint32Array = new Uint32Array(0);
  /** The value read last. */
  #type: AttributeType = 0;
  #low = 0;
  #high = 0;
  #valueStart = 0;
  #valueEnd = 0;

  decode(bytes: Uint8Array, tenant: string): SpanBatch {
    const reader = this.#reader;
    reader.open(bytes);
    this.#resourceRows.reset(bytes);
    this.#scopeRows.reset(bytes);
    this.#size.reset(bytes.length);
    try {
      this.#request(bytes.length);
      return this.#builder.seal(tenant);
    } catch (error) {
      this.#builder.reset();
      throw error;
    } finally {
      reader.close();
    }
  }

  #request(end: number): void {
    const reader = this.#reader;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) {
        const inner = reader.enter(end, 'ResourceSpans');
        this.#resourceSpans(reader.at, inner);
        reader.at = inner;
      } else reader.skip(tag, end, 'ExportTraceServiceRequest', REQUEST_FIELDS);
    }
  }

  /** The resource may stand behind its spans, so a first walk finds it, a second reads the spans. */
  #resourceSpans(start: number, end: number): void {
    const reader = this.#reader;
    const resource: Ranges = [];
    let schemaUrl = 0;
    let groupTag = OLD_SCOPE_SPANS;
    reader.at = start;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) this.#range(resource, end, 'Resource');
      else if (tag === 0x1a) schemaUrl = this.#text(end, schemaUrl, 'schema_url');
      else if (tag === 0x12 || tag === OLD_SCOPE_SPANS) {
        if (tag === 0x12) groupTag = tag;
        reader.at = reader.enter(end, 'ScopeSpans');
      } else reader.skip(tag, end, 'ResourceSpans', GROUP_FIELDS);
    }
    const row = this.#resource(resource, schemaUrl);
    const before = this.#builder.spans.count;
    reader.at = start;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === groupTag) {
        const inner = reader.enter(end, 'ScopeSpans');
        this.#scopeSpans(reader.at, inner, row);
        reader.at = inner;
      } else reader.skip(tag, end, '', 0);
    }
    if (this.#builder.spans.count === before) this.#builder.hasUnused = true;
  }

  #scopeSpans(start: number, end: number, resourceRow: number): void {
    const reader = this.#reader;
    const scope: Ranges = [];
    let schemaUrl = 0;
    let hasSpans = false;
    reader.at = start;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x12) {
        hasSpans = true;
        reader.at = reader.enter(end, 'Span');
      } else if (tag === 0x0a) this.#range(scope, end, 'InstrumentationScope');
      else if (tag === 0x1a) schemaUrl = this.#text(end, schemaUrl, 'schema_url');
      else reader.skip(tag, end, 'ScopeSpans', GROUP_FIELDS);
    }
    const row = this.#scope(scope, schemaUrl);
    if (!hasSpans) this.#builder.hasUnused = true;
    reader.at = start;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x12) {
        const inner = reader.enter(end, 'Span');
        this.#span(inner, resourceRow, row);
      } else reader.skip(tag, end, '', 0);
    }
  }

  #range(ranges: Ranges, end: number, what: string): void {
    const reader = this.#reader;
    const inner = reader.enter(end, what);
    ranges.push(reader.at, inner);
    reader.at = inner;
  }

  #resource(ranges: Ranges, schemaUrl: number): number {
    const known = this.#resourceRows.find(ranges, schemaUrl);
    if (known >= 0) return known;
    const { resources } = this.#builder;
    const row = resources.open();
    this.#resourceRows.add(row);
    resources.columns.schemaUrls[row] = schemaUrl;
    for (let i = 0; i < ranges.length; i += 2)
      this.#resourceFields(row, ranges[i]!, ranges[i + 1]!);
    resources.columns.services[row] = this.#serviceOf(row);
    return row;
  }

  #resourceFields(row: number, start: number, end: number): void {
    const reader = this.#reader;
    const { columns, attributes } = this.#builder.resources;
    reader.at = start;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) this.#attribute(attributes, end);
      else if (tag === 0x10) columns.droppedAttributes[row] = reader.varint(end);
      else reader.skip(tag, end, 'Resource', RESOURCE_FIELDS);
    }
  }

  /** String id of service.name; 0 when it is missing or no text. */
  #serviceOf(row: number): number {
    const { attributes } = this.#builder.resources;
    const { strings } = this.#builder;
    for (let i = attributes.starts[row]!; i < attributes.count; i++) {
      if (!strings.matches(attributes.keys[i]!, SERVICE_NAME, 0, SERVICE_NAME.length)) continue;
      return attributes.types[i] === AttributeType.string ? attributes.values[i * 2]! : 0;
    }
    return 0;
  }

  #scope(ranges: Ranges, schemaUrl: number): number {
    const known = this.#scopeRows.find(ranges, schemaUrl);
    if (known >= 0) return known;
    const { scopes } = this.#builder;
    const row = scopes.open();
    this.#scopeRows.add(row);
    scopes.columns.schemaUrls[row] = schemaUrl;
    for (let i = 0; i < ranges.length; i += 2) this.#scopeFields(row, ranges[i]!, ranges[i + 1]!);
    return row;
  }

  #scopeFields(row: number, start: number, end: number): void {
    const reader = this.#reader;
    const { columns, attributes } = this.#builder.scopes;
    reader.at = start;
    while (reader.at < end) {
      const tag = reader.tag(end);
      switch (tag) {
        case 0x0a:
          columns.names[row] = this.#text(end, columns.names[row]!, 'scope name');
          break;
        case 0x12:
          columns.versions[row] = this.#text(end, columns.versions[row]!, 'scope version');
          break;
        case 0x1a:
          this.#attribute(attributes, end);
          break;
        case 0x20:
          columns.droppedAttributes[row] = reader.varint(end);
          break;
        default:
          reader.skip(tag, end, 'InstrumentationScope', SCOPE_FIELDS);
      }
    }
  }

  /** The shapes in which exporters write the fields (one-byte lengths and numbers) are read here, in
   *  a loop whose cursor stays in a register; any other goes to `#spanField`. */
  #span(end: number, resourceRow: number, scopeRow: number): void {
    const { bytes, view } = this.#reader;
    const builder = this.#builder;
    const { strings } = builder;
    const row = builder.openSpan();
    const { columns, attributes } = builder.spans;
    columns.resources[row] = resourceRow;
    columns.scopes[row] = scopeRow;
    if (this.#idsOf !== columns.traceIds) this.#aliasIds();
    this.#guess = 0;
    let at = this.#reader.at;
    while (at < end) {
      const length = bytes[at + 1]!;
      switch (bytes[at]) {
        case 0x0a:
          if (length !== TRACE_ID_BYTES || at + 18 > end) break;
          this.#traceWords[row * 4] = view.getUint32(at + 2, true);
          this.#traceWords[row * 4 + 1] = view.getUint32(at + 6, true);
          this.#traceWords[row * 4 + 2] = view.getUint32(at + 10, true);
          this.#traceWords[row * 4 + 3] = view.getUint32(at + 14, true);
          at += 18;
          continue;
        case 0x12:
          if (length !== SPAN_ID_BYTES || at + 10 > end) break;
          this.#spanWords[row * 2] = view.getUint32(at + 2, true);
          this.#spanWords[row * 2 + 1] = view.getUint32(at + 6, true);
          at += 10;
          continue;
        case 0x22:
          if (length !== SPAN_ID_BYTES || at + 10 > end) break;
          this.#parentWords[row * 2] = view.getUint32(at + 2, true);
          this.#parentWords[row * 2 + 1] = view.getUint32(at + 6, true);
          at += 10;
          continue;
        case 0x2a: {
          const next = at + 2 + length;
          if (length > 0x7f || next > end || columns.names[row] !== 0) break;
          const name = strings.internAsText(bytes, at + 2, next);
          columns.names[row] = name;
          this.#guess = name;
          at = next;
          continue;
        }
        case 0x30:
          if (length > 0x7f || at + 2 > end) break;
          columns.kinds[row] = length;
          at += 2;
          continue;
        case 0x39:
          if (at + 9 > end) break;
          columns.startNano[row * 2] = view.getUint32(at + 1, true);
          columns.startNano[row * 2 + 1] = view.getUint32(at + 5, true);
          at += 9;
          continue;
        case 0x41:
          if (at + 9 > end) break;
          columns.endNano[row * 2] = view.getUint32(at + 1, true);
          columns.endNano[row * 2 + 1] = view.getUint32(at + 5, true);
          at += 9;
          continue;
        case 0x4a: {
          // 4a length 0a length key 12 length type …
          const inner = at + 2 + length;
          const keyStart = at + 4;
          const keyEnd = keyStart + bytes[at + 3]!;
          if (length > 0x7f || inner > end || keyEnd + 2 >= inner) break;
          if (bytes[at + 2] !== 0x0a || bytes[keyEnd] !== 0x12) break;
          const value = keyEnd + 2;
          if (value + bytes[keyEnd + 1]! !== inner) break;
          const key = this.#guessKey(keyStart, keyEnd);
          if (bytes[value] === 0x0a && value + 2 + bytes[value + 1]! === inner) {
            const id = strings.intern(bytes, value + 2, inner);
            attributes.add(key, strings.isText[id] === 1 ? 1 : 7, id, 0);
          } else {
            this.#reader.at = value;
            this.#value(inner, 1);
            this.#addValue(attributes, key);
          }
          at = inner;
          continue;
        }
        case 0x7a:
          if (length !== 0 || at + 2 > end) break;
          at += 2;
          continue;
        case 0x85:
          if (length !== 0x01 || at + 6 > end) break;
          columns.flags[row] = view.getUint32(at + 2, true);
          at += 6;
          continue;
        default:
      }
      this.#reader.at = at;
      this.#spanField(row, end);
      at = this.#reader.at;
    }
    this.#reader.at = at;
    // Now and then is enough: 64 spans are allowed in a message of any size.
    if ((row & 63) === 63) this.#size.check(builder, at);
  }

  /** Views of the id columns as words, made anew when the columns have grown. */
  #aliasIds(): void {
    const { traceIds, spanIds, parentSpanIds } = this.#builder.spans.columns;
    this.#idsOf = traceIds;
    this.#traceWords = new Uint32Array(traceIds.buffer);
    this.#spanWords = new Uint32Array(spanIds.buffer);
    this.#parentWords = new Uint32Array(parentSpanIds.buffer);
  }

  /** The key's id. Spans of one name have mostly the same keys in the same order: the key that
   *  followed the last time is compared before anything is hashed. */
  #guessKey(start: number, end: number): number {
    const { bytes } = this.#reader;
    const { strings } = this.#builder;
    const slot = this.#guess & (GUESSES - 1);
    let key = this.#guesses[slot]!;
    if (!strings.matches(key, bytes, start, end)) {
      key = strings.internAsText(bytes, start, end);
      this.#guesses[slot] = key;
    }
    this.#guess = Math.imul(this.#guess, 31) + key;
    return key;
  }

  /** One field of a span, of any shape. */
  #spanField(row: number, end: number): void {
    const reader = this.#reader;
    const { columns, attributes } = this.#builder.spans;
    const tag = reader.tag(end);
    switch (tag) {
      case 0x0a:
        this.#id(columns.traceIds, row * TRACE_ID_BYTES, TRACE_ID_BYTES, end, 'trace_id');
        break;
      case 0x12:
        this.#id(columns.spanIds, row * SPAN_ID_BYTES, SPAN_ID_BYTES, end, 'span_id');
        break;
      case 0x1a:
        columns.traceStates[row] = this.#text(end, columns.traceStates[row]!, 'trace_state');
        break;
      case 0x22:
        this.#id(columns.parentSpanIds, row * SPAN_ID_BYTES, SPAN_ID_BYTES, end, 'parent_span_id');
        break;
      case 0x2a:
        columns.names[row] = this.#text(end, columns.names[row]!, 'span name');
        break;
      case 0x30:
        columns.kinds[row] = smallEnum(reader.varint(end));
        break;
      case 0x39: {
        const at = reader.take(8, end, 'start_time_unix_nano');
        columns.startNano[row * 2] = reader.view.getUint32(at, true);
        columns.startNano[row * 2 + 1] = reader.view.getUint32(at + 4, true);
        break;
      }
      case 0x41: {
        const at = reader.take(8, end, 'end_time_unix_nano');
        columns.endNano[row * 2] = reader.view.getUint32(at, true);
        columns.endNano[row * 2 + 1] = reader.view.getUint32(at + 4, true);
        break;
      }
      case 0x4a:
        this.#attribute(attributes, end);
        break;
      case 0x50:
        columns.droppedAttributes[row] = reader.varint(end);
        break;
      case 0x5a:
        this.#event(end);
        break;
      case 0x60:
        columns.droppedEvents[row] = reader.varint(end);
        break;
      case 0x6a:
        this.#link(end);
        break;
      case 0x70:
        columns.droppedLinks[row] = reader.varint(end);
        break;
      case 0x7a:
        this.#status(row, end);
        break;
      case 0x85:
        columns.flags[row] = reader.view.getUint32(reader.take(4, end, 'flags'), true);
        break;
      default:
        reader.skip(tag, end, 'Span', SPAN_FIELDS);
    }
  }

  #status(row: number, end: number): void {
    const reader = this.#reader;
    const { columns } = this.#builder.spans;
    const inner = reader.enter(end, 'Status');
    while (reader.at < inner) {
      const tag = reader.tag(inner);
      if (tag === 0x18) columns.statusCodes[row] = smallEnum(reader.varint(inner));
      else if (tag === 0x12) {
        columns.statusMessages[row] = this.#text(
          inner,
          columns.statusMessages[row]!,
          'status message',
        );
      } else reader.skip(tag, inner, 'Status', STATUS_FIELDS);
    }
  }

  #event(outer: number): void {
    const reader = this.#reader;
    const end = reader.enter(outer, 'Event');
    const row = this.#builder.events.open();
    const { columns, attributes } = this.#builder.events;
    this.#size.check(this.#builder, reader.at);
    while (reader.at < end) {
      const tag = reader.tag(end);
      switch (tag) {
        case 0x09: {
          const at = reader.take(8, end, 'time_unix_nano');
          columns.timeNano[row * 2] = reader.view.getUint32(at, true);
          columns.timeNano[row * 2 + 1] = reader.view.getUint32(at + 4, true);
          break;
        }
        case 0x12:
          columns.names[row] = this.#text(end, columns.names[row]!, 'event name');
          break;
        case 0x1a:
          this.#attribute(attributes, end);
          break;
        case 0x20:
          columns.droppedAttributes[row] = reader.varint(end);
          break;
        default:
          reader.skip(tag, end, 'Event', EVENT_FIELDS);
      }
    }
  }

  #link(outer: number): void {
    const reader = this.#reader;
    const end = reader.enter(outer, 'Link');
    const row = this.#builder.links.open();
    const { columns, attributes } = this.#builder.links;
    this.#size.check(this.#builder, reader.at);
    while (reader.at < end) {
      const tag = reader.tag(end);
      switch (tag) {
        case 0x0a:
          this.#id(columns.traceIds, row * TRACE_ID_BYTES, TRACE_ID_BYTES, end, 'link trace_id');
          break;
        case 0x12:
          this.#id(columns.spanIds, row * SPAN_ID_BYTES, SPAN_ID_BYTES, end, 'link span_id');
          break;
        case 0x1a:
          columns.traceStates[row] = this.#text(end, columns.traceStates[row]!, 'link trace_state');
          break;
        case 0x22:
          this.#attribute(attributes, end);
          break;
        case 0x28:
          columns.droppedAttributes[row] = reader.varint(end);
          break;
        case 0x35:
          columns.flags[row] = reader.view.getUint32(reader.take(4, end, 'link flags'), true);
          break;
        default:
          reader.skip(tag, end, 'Link', LINK_FIELDS);
      }
    }
  }

  /** An id is absent (no bytes) or whole. */
  #id(column: Uint8Array, to: number, length: number, end: number, what: string): void {
    const reader = this.#reader;
    const inner = reader.enter(end, what);
    const from = reader.at;
    const { bytes } = reader;
    if (inner - from === length) {
      for (let i = 0; i < length; i++) column[to + i] = bytes[from + i]!;
    } else if (inner !== from) {
      throw malformed(`${what} of ${inner - from} bytes instead of ${length} or none`, from);
    } else column.fill(0, to, to + length);
    reader.at = inner;
  }

  /** A name or the like, as text. `before` is what the field had: a second value replaces it. */
  #text(end: number, before: number, what: string): number {
    const reader = this.#reader;
    const inner = reader.enter(end, what);
    const id = this.#builder.strings.internAsText(reader.bytes, reader.at, inner);
    reader.at = inner;
    if (before !== 0) this.#builder.hasUnused = true;
    return id;
  }

  /** A KeyValue of any shape. */
  #attribute(table: GrowingAttributes, outer: number): void {
    const reader = this.#reader;
    const end = reader.enter(outer, 'KeyValue');
    let keyStart = reader.at;
    let keyEnd = keyStart;
    this.#type = AttributeType.empty;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) {
        keyEnd = reader.enter(end, 'attribute key');
        keyStart = reader.at;
        reader.at = keyEnd;
      } else if (tag === 0x12) this.#value(reader.enter(end, 'AnyValue'), 1);
      else reader.skip(tag, end, 'KeyValue', KEY_VALUE_FIELDS);
    }
    this.#addValue(table, this.#builder.strings.internAsText(reader.bytes, keyStart, keyEnd));
    if ((table.count & 1023) === 0) this.#size.check(this.#builder, reader.at);
  }

  /** Reads the AnyValue at the cursor into #type and its words or range. The last field wins. */
  #value(end: number, depth: number): void {
    const reader = this.#reader;
    this.#type = AttributeType.empty;
    this.#low = 0;
    this.#high = 0;
    while (reader.at < end) {
      const tag = reader.tag(end);
      switch (tag) {
        case 0x10:
          reader.varint64(end);
          this.#low = reader.low !== 0 || reader.high !== 0 ? 1 : 0;
          this.#high = 0;
          break;
        case 0x18:
          reader.varint64(end);
          this.#low = reader.low;
          this.#high = reader.high;
          break;
        case 0x21: {
          const at = reader.take(8, end, 'double_value');
          this.#low = reader.view.getUint32(at, true);
          this.#high = reader.view.getUint32(at + 4, true);
          break;
        }
        case 0x0a:
        case 0x3a: {
          const inner = reader.enter(end, 'attribute value');
          this.#valueStart = reader.at;
          this.#valueEnd = inner;
          reader.at = inner;
          break;
        }
        case 0x2a:
        case 0x32: {
          const inner = reader.enter(end, 'nested value');
          const from = reader.at;
          this.#nested(tag === 0x32, inner, depth + 1);
          this.#valueStart = from;
          this.#valueEnd = inner;
          break;
        }
        default:
          reader.skip(tag, end, 'AnyValue', ANY_VALUE_FIELDS);
          continue;
      }
      this.#type = (tag >>> 3) as AttributeType;
    }
  }

  /** Checks an ArrayValue or KeyValueList to its depth; its bytes are kept as they are. */
  #nested(isKvlist: boolean, end: number, depth: number): void {
    const reader = this.#reader;
    if (depth > NESTING_MAX) {
      throw new WireError(
        'too_deep',
        `attribute value nested deeper than ${NESTING_MAX}`,
        reader.at,
      );
    }
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag !== 0x0a) reader.skip(tag, end, 'nested value', LIST_FIELDS);
      else if (isKvlist) this.#nestedEntry(reader.enter(end, 'KeyValue'), depth);
      else this.#value(reader.enter(end, 'AnyValue'), depth);
    }
  }

  #nestedEntry(end: number, depth: number): void {
    const reader = this.#reader;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) reader.at = reader.enter(end, 'key');
      else if (tag === 0x12) this.#value(reader.enter(end, 'AnyValue'), depth);
      else reader.skip(tag, end, 'KeyValue', KEY_VALUE_FIELDS);
    }
  }

  #addValue(table: GrowingAttributes, key: number): void {
    const type = this.#type;
    if (type === AttributeType.string || type >= AttributeType.array) {
      const { strings } = this.#builder;
      const id = strings.intern(this.#reader.bytes, this.#valueStart, this.#valueEnd);
      const isText = type !== AttributeType.string || strings.isText[id] === 1;
      table.add(key, isText ? type : AttributeType.bytes, id, 0);
    } else table.add(key, type, this.#low, this.#high);
  }
}

/** An enum of a later version than ours that does not fit its column reads as unspecified. */
function smallEnum(value: number): number {
  return value < 256 ? value : 0;
}
