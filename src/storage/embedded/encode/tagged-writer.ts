/** Writes tagged text (tagged-text.ts) from a batch's columns as UTF-8, byte by byte: no string is
 *  made for a span on the way to disk. Hot: benchmark `bench/row-group.ts`. */

import { isUtf8 } from 'node:buffer';
import { AttributeType } from '../../../model/attribute.ts';
import type { AttributeTable, SpanBatch } from '../../../model/batch/span-batch.ts';
import type { StringTable } from '../../../model/batch/string-table.ts';
import { doubleFromWords } from '../../../model/batch/view.ts';
import { bigNanoFromWords } from '../../../model/time.ts';
import type { ByteSink } from '../parquet/byte-sink.ts';

const ESCAPE = 0x10;
const GROUP = 0x1d;
const RECORD = 0x1e;
const UNIT = 0x1f;
const STRING_LETTER = 0x73;
const WORD = 0x1_0000_0000;
/** High words whose number is exact as a double. */
const HIGH_EXACT = 1 << 20;

const encoder = new TextEncoder();
const HEX = encoder.encode('0123456789abcdef');
const NAN_LOW = 0;
const NAN_HIGH = 0x7ff8_0000;

/** One attribute, without the separator that ends it. */
export function writeAttribute(
  sink: ByteSink,
  batch: SpanBatch,
  table: AttributeTable,
  i: number,
): void {
  const { strings } = batch;
  sink.u8(UNIT);
  writeText(sink, strings, table.keys[i]!);
  sink.u8(GROUP);
  const type = table.types[i]! as AttributeType;
  const low = table.values[i * 2]!;
  const high = table.values[i * 2 + 1]!;
  switch (type) {
    case AttributeType.string:
      if (strings.isText[low] !== 1) return writeBytes(sink, 's', strings.slice(low));
      sink.u8(STRING_LETTER);
      return writeEscaped(sink, strings.bytes, strings.offsets[low]!, strings.offsets[low + 1]!);
    case AttributeType.array:
      return writeBytes(sink, 'a', strings.slice(low));
    case AttributeType.kvlist:
      return writeBytes(sink, 'k', strings.slice(low));
    case AttributeType.bytes:
      return writeBytes(sink, 'b', strings.slice(low));
    case AttributeType.int:
      return writeInt(sink, low, high);
    case AttributeType.double:
      return writeDouble(sink, low, high);
    case AttributeType.bool:
      return writeAscii(sink, low !== 0 ? 'ttrue' : 'tfalse');
    default:
      return writeAscii(sink, 'n');
  }
}

export function writeInt(sink: ByteSink, low: number, high: number): void {
  writeAscii(sink, `i${signedText(low, high)}`);
}

export function writeDouble(sink: ByteSink, low: number, high: number): void {
  const value = doubleFromWords(low, high);
  if (!Number.isNaN(value)) {
    return writeAscii(sink, `d${Object.is(value, -0) ? '-0' : String(value)}`);
  }
  if (low === NAN_LOW && high === NAN_HIGH) return writeAscii(sink, 'dNaN');
  // A NaN that carries something keeps its bits.
  return writeAscii(sink, `D${bigNanoFromWords(low, high).toString(16).padStart(16, '0')}`);
}

/** Bytes under their type letter: as they are when they are text, else as base64. */
export function writeBytes(sink: ByteSink, letter: string, bytes: Uint8Array): void {
  if (isUtf8(bytes)) {
    sink.u8(letter.charCodeAt(0));
    return writeEscaped(sink, bytes, 0, bytes.length);
  }
  sink.u8(letter.toUpperCase().charCodeAt(0));
  writeAscii(
    sink,
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
  );
}

/** The events of span `row`; nothing when it has none. */
export function writeEvents(sink: ByteSink, batch: SpanBatch, row: number): void {
  const { starts, columns, attributes } = batch.events;
  const { startNano } = batch.spans.columns;
  for (let i = starts[row]!; i < starts[row + 1]!; i++) {
    sink.u8(RECORD);
    writeText(sink, batch.strings, columns.names[i]!);
    sink.u8(GROUP);
    const low = columns.timeNano[i * 2]!;
    const before = startNano[row * 2]!;
    const borrow = low < before ? 1 : 0;
    const high = columns.timeNano[i * 2 + 1]! - startNano[row * 2 + 1]! - borrow;
    writeAscii(sink, signedText((low - before) >>> 0, high >>> 0));
    sink.u8(GROUP);
    writeAscii(sink, String(columns.droppedAttributes[i]!));
    writeAttributes(sink, batch, attributes, i);
  }
}

/** The links of span `row`; nothing when it has none. */
export function writeLinks(sink: ByteSink, batch: SpanBatch, row: number): void {
  const { starts, columns, attributes } = batch.links;
  const { traceIds, parentSpanIds } = batch.spans.columns;
  const hasParent = !isZero(parentSpanIds, row * 8, 8);
  for (let i = starts[row]!; i < starts[row + 1]!; i++) {
    sink.u8(RECORD);
    // What the span says itself is not said again.
    const isInside = isSame(columns.traceIds.subarray(i * 16, i * 16 + 16), traceIds, row * 16);
    const target = columns.spanIds.subarray(i * 8, i * 8 + 8);
    const isParent = isInside && hasParent && isSame(target, parentSpanIds, row * 8);
    if (!isInside) writeHex(sink, columns.traceIds, i * 16, 16);
    if (!isParent) writeHex(sink, columns.spanIds, i * 8, 8);
    sink.u8(GROUP);
    writeAscii(sink, String(columns.flags[i]!));
    sink.u8(GROUP);
    writeAscii(sink, String(columns.droppedAttributes[i]!));
    sink.u8(GROUP);
    writeText(sink, batch.strings, columns.traceStates[i]!);
    writeAttributes(sink, batch, attributes, i);
  }
}

function isSame(bytes: Uint8Array, others: Uint8Array, at: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== others[at + i]) return false;
  return true;
}

function isZero(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== 0) return false;
  return true;
}

function writeAttributes(
  sink: ByteSink,
  batch: SpanBatch,
  table: AttributeTable,
  owner: number,
): void {
  for (let i = table.starts[owner]!; i < table.starts[owner + 1]!; i++) {
    writeAttribute(sink, batch, table, i);
  }
  sink.u8(UNIT);
}

/** A string that is text by its meaning. The edge lets no other in; should one come nevertheless,
 *  it may not make the whole column unreadable. */
function writeText(sink: ByteSink, strings: StringTable, id: number): void {
  if (strings.isText[id] === 1) {
    return writeEscaped(sink, strings.bytes, strings.offsets[id]!, strings.offsets[id + 1]!);
  }
  const bytes = encoder.encode(strings.text(id));
  return writeEscaped(sink, bytes, 0, bytes.length);
}

/** bytes[start, end) with what separates escaped. */
export function writeEscaped(sink: ByteSink, source: Uint8Array, start: number, end: number): void {
  sink.reserve((end - start) * 2);
  const { bytes } = sink;
  let at = sink.length;
  for (let i = start; i < end; i++) {
    const value = source[i]!;
    if (value < 0x20 && (value >= GROUP || value === 0 || value === ESCAPE)) {
      bytes[at++] = ESCAPE;
      bytes[at++] = value + 0x40;
    } else {
      bytes[at++] = value;
    }
  }
  sink.length = at;
}

function signedText(low: number, high: number): string {
  const signed = high | 0;
  if (signed >= -HIGH_EXACT && signed < HIGH_EXACT) return String(signed * WORD + low);
  return String(BigInt.asIntN(64, bigNanoFromWords(low, high)));
}

export function writeAscii(sink: ByteSink, text: string): void {
  sink.reserve(text.length);
  const { bytes } = sink;
  let at = sink.length;
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  sink.length = at;
}

function writeHex(sink: ByteSink, source: Uint8Array, start: number, count: number): void {
  sink.reserve(count * 2);
  for (let i = start; i < start + count; i++) {
    const value = source[i]!;
    sink.bytes[sink.length++] = HEX[value >> 4]!;
    sink.bytes[sink.length++] = HEX[value & 15]!;
  }
}
