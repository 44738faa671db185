/** A batch as one flat run of bytes: the WAL record, the message to the encoder worker, the item of
 *  a persistent queue. Drawn in docs/formats/frame.md. Little-endian; every column begins on an
 *  8-byte boundary, so reading makes views and copies nothing.
 *  Only an exact batch is written: what a processor deleted must not reach the disk. */

import { crc32 } from 'node:zlib';
import { compact } from './gather.ts';
import {
  type AttributeTable,
  type ColumnSpec,
  EVENT_COLUMNS,
  LINK_COLUMNS,
  RESOURCE_COLUMNS,
  SCOPE_COLUMNS,
  SPAN_COLUMNS,
  SpanBatch,
  type Table,
} from './span-batch.ts';
import { StringTable } from './string-table.ts';

export const FRAME_MAGIC = 0x46525053; // "SPRF"
export const FRAME_VERSION = 1;
/** magic, version, total bytes, crc32 of everything behind the header, then twelve counts. */
const HEADER_WORDS = 16;
const HEADER_BYTES = HEADER_WORDS * 4;
const CRC_WORD = 3;

/** Why bytes are no frame. `at` is the byte offset. */
export class FrameError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(`frame: ${message} at byte ${at}`);
    this.name = 'FrameError';
    this.at = at;
  }
}

type Columns = Record<string, Uint8Array | Uint32Array>;

/** The counts that fix every column's length, in header order. */
interface Counts {
  tenantBytes: number;
  strings: number;
  stringBytes: number;
  spans: number;
  spanAttributes: number;
  events: number;
  eventAttributes: number;
  links: number;
  linkAttributes: number;
  resources: number;
  resourceAttributes: number;
  scopes: number;
}

const COUNT_NAMES: readonly (keyof Counts)[] = [
  'tenantBytes',
  'strings',
  'stringBytes',
  'spans',
  'spanAttributes',
  'events',
  'eventAttributes',
  'links',
  'linkAttributes',
  'resources',
  'resourceAttributes',
  'scopes',
];

/** Writes the batch. The bytes are a fresh ArrayBuffer of exact size, so they may be transferred. */
export function encodeFrame(source: SpanBatch): Uint8Array {
  const batch = compact(source);
  const tenant = new TextEncoder().encode(batch.tenant);
  const counts = countsOf(batch, tenant.length);
  const parts: (Uint8Array | Uint32Array)[] = [];
  parts.push(tenant, Uint32Array.of(batch.scopes.attributes.keys.length));
  parts.push(batch.strings.offsets, batch.strings.isText, batch.strings.bytes);
  pushTable(parts, batch.resources, RESOURCE_COLUMNS);
  pushTable(parts, batch.scopes, SCOPE_COLUMNS);
  pushTable(parts, batch.spans, SPAN_COLUMNS);
  parts.push(batch.events.starts);
  pushTable(parts, batch.events, EVENT_COLUMNS);
  parts.push(batch.links.starts);
  pushTable(parts, batch.links, LINK_COLUMNS);

  let total = HEADER_BYTES;
  for (const part of parts) total += padded(part.byteLength);
  const frame = new Uint8Array(total);
  let at = HEADER_BYTES;
  for (const part of parts) {
    frame.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += padded(part.byteLength);
  }
  const header = new Uint32Array(frame.buffer, 0, HEADER_WORDS);
  header.set([FRAME_MAGIC, FRAME_VERSION, total, 0, ...COUNT_NAMES.map((name) => counts[name])]);
  header[CRC_WORD] = checksum(frame, total);
  return frame;
}

/** Reads a frame as views over `bytes`, which the batch then owns. Throws FrameError. */
export function decodeFrame(bytes: Uint8Array): SpanBatch {
  // Not by slice, which copies no Buffer.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const total = totalOf(aligned);
  if (headerWords(aligned)[CRC_WORD] !== checksum(aligned, total)) {
    throw new FrameError('checksum differs', 12);
  }
  return viewFrame(aligned);
}

/** The same of bytes that `encodeFrame` made here and nobody else has had: no checksum is made. */
export function viewFrame(aligned: Uint8Array): SpanBatch {
  const reader = new Reader(aligned, totalOf(aligned));
  const counts = readCounts(aligned);
  const tenant = new TextDecoder().decode(reader.u8(counts.tenantBytes));
  const scopeAttributes = reader.u32(1)[0]!;
  const strings = new StringTable(...reader.strings(counts.strings, counts.stringBytes));
  const resources = reader.table(RESOURCE_COLUMNS, counts.resources, counts.resourceAttributes);
  const scopes = reader.table(SCOPE_COLUMNS, counts.scopes, scopeAttributes);
  const spans = reader.table(SPAN_COLUMNS, counts.spans, counts.spanAttributes);
  const eventStarts = reader.u32(counts.spans + 1);
  const events = reader.table(EVENT_COLUMNS, counts.events, counts.eventAttributes);
  const linkStarts = reader.u32(counts.spans + 1);
  const links = reader.table(LINK_COLUMNS, counts.links, counts.linkAttributes);
  return new SpanBatch({
    tenant,
    strings,
    isExact: true,
    resources: resources as SpanBatch['resources'],
    scopes: scopes as SpanBatch['scopes'],
    spans: spans as SpanBatch['spans'],
    events: { ...events, starts: eventStarts } as SpanBatch['events'],
    links: { ...links, starts: linkStarts } as SpanBatch['links'],
  });
}

/** The trace ids of such a frame, sixteen bytes a row, a view. */
export function traceIdsOf(aligned: Uint8Array): Uint8Array {
  const reader = new Reader(aligned, totalOf(aligned));
  const counts = readCounts(aligned);
  reader.pass(counts.tenantBytes);
  const scopeAttributes = reader.u32(1)[0]!;
  for (const length of [(counts.strings + 1) * 4, counts.strings, counts.stringBytes]) {
    reader.pass(length);
  }
  reader.passTable(RESOURCE_COLUMNS, counts.resources, counts.resourceAttributes);
  reader.passTable(SCOPE_COLUMNS, counts.scopes, scopeAttributes);
  for (const { name, type, width } of SPAN_COLUMNS) {
    if (name === 'traceIds') break;
    reader.pass(counts.spans * width * (type === 'u8' ? 1 : 4));
  }
  return reader.u8(counts.spans * 16);
}

function countsOf(batch: SpanBatch, tenantBytes: number): Counts {
  return {
    tenantBytes,
    strings: batch.strings.count,
    stringBytes: batch.strings.bytes.length,
    spans: batch.count,
    spanAttributes: batch.spans.attributes.keys.length,
    events: batch.events.count,
    eventAttributes: batch.events.attributes.keys.length,
    links: batch.links.count,
    linkAttributes: batch.links.attributes.keys.length,
    resources: batch.resources.count,
    resourceAttributes: batch.resources.attributes.keys.length,
    scopes: batch.scopes.count,
  };
}

function pushTable(
  parts: (Uint8Array | Uint32Array)[],
  table: Table<object>,
  specs: readonly ColumnSpec[],
): void {
  for (const spec of specs) parts.push((table.columns as Columns)[spec.name]!);
  const { starts, keys, types, values } = table.attributes;
  parts.push(starts, keys, types, values);
}

function totalOf(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES) throw new FrameError('shorter than its header', bytes.length);
  const words = headerWords(bytes);
  if (words[0] !== FRAME_MAGIC) throw new FrameError('not a frame', 0);
  if (words[1] !== FRAME_VERSION) throw new FrameError(`version ${words[1]} is not known`, 4);
  const total = words[2]!;
  if (total < HEADER_BYTES || total > bytes.length) throw new FrameError('cut short', bytes.length);
  return total;
}

/** In the order of COUNT_NAMES; written out, since a frame is read for every request. */
function readCounts(bytes: Uint8Array): Counts {
  const words = headerWords(bytes);
  return {
    tenantBytes: words[4]!,
    strings: words[5]!,
    stringBytes: words[6]!,
    spans: words[7]!,
    spanAttributes: words[8]!,
    events: words[9]!,
    eventAttributes: words[10]!,
    links: words[11]!,
    linkAttributes: words[12]!,
    resources: words[13]!,
    resourceAttributes: words[14]!,
    scopes: words[15]!,
  };
}

function headerWords(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, HEADER_WORDS);
}

/** Covers the counts and all columns: everything behind the checksum itself. */
function checksum(bytes: Uint8Array, total: number): number {
  return crc32(bytes.subarray((CRC_WORD + 1) * 4, total));
}

/** Takes columns off the frame one after another, each a view. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at = HEADER_BYTES;

  constructor(bytes: Uint8Array, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  u8(length: number): Uint8Array {
    const start = this.#take(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  u32(length: number): Uint32Array {
    const start = this.#take(length * 4);
    return new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  strings(count: number, bytes: number): [Uint8Array, Uint32Array, Uint8Array] {
    const offsets = this.u32(count + 1);
    const isText = this.u8(count);
    return [this.u8(bytes), offsets, isText];
  }

  table(specs: readonly ColumnSpec[], rows: number, attributes: number): Table<object> {
    const columns: Columns = {};
    for (const spec of specs) {
      const length = rows * spec.width;
      columns[spec.name] = spec.type === 'u8' ? this.u8(length) : this.u32(length);
    }
    return { count: rows, columns, attributes: this.#attributes(rows, attributes) };
  }

  pass(length: number): void {
    this.#take(length);
  }

  passTable(specs: readonly ColumnSpec[], rows: number, attributes: number): void {
    for (const { type, width } of specs) this.pass(rows * width * (type === 'u8' ? 1 : 4));
    this.pass((rows + 1) * 4);
    this.pass(attributes * 4);
    this.pass(attributes);
    this.pass(attributes * 8);
  }

  #attributes(owners: number, count: number): AttributeTable {
    return {
      starts: this.u32(owners + 1),
      keys: this.u32(count),
      types: this.u8(count),
      values: this.u32(count * 2),
    };
  }

  #take(length: number): number {
    const start = this.#at;
    this.#at += padded(length);
    if (this.#at > this.#end) throw new FrameError('a column passes its end', start);
    return start;
  }
}

function padded(length: number): number {
  return (length + 7) & ~7;
}
