/** A block of trace summaries as bytes, before compression: a table of its service and span names,
 *  the length of each trace's record, then the records, of which a reader reads the one it wants.
 *  Numbers are varints; times count from the trace's start, and that from the start of the block's
 *  first trace. Drawn in docs/formats/index.md. */

import { ByteSink } from './parquet/byte-sink.ts';
import type { PartialSummary, RootSpan } from './segment-index.ts';

export interface TraceEntry {
  readonly summary: PartialSummary;
  /** Ascending. */
  readonly rowGroups: readonly number[];
}

/** Twice of it is exact as a double. */
const EXACT_MAX = 2 ** 52;
const encoder = new TextEncoder();
// A name may begin with U+FEFF.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function writeSummaries(entries: readonly TraceEntry[]): Uint8Array {
  const writer = new Writer();
  const baseNano = entries[0]?.summary.startNano ?? 0n;
  for (const { summary, rowGroups } of entries) {
    writer.signed(summary.startNano - baseNano);
    writeSummary(writer, summary);
    writer.count(rowGroups.length);
    for (const rowGroup of rowGroups) writer.count(rowGroup);
    writer.endRecord();
  }
  return writer.finish(baseNano);
}

function writeSummary(writer: Writer, summary: PartialSummary): void {
  const { startNano, root, first, missingParents, services } = summary;
  writer.signed(summary.endNano - startNano);
  writer.count(summary.spanCount);
  writer.count(summary.errorCount);
  writeSpan(writer, first, startNano);
  const isFirst = root !== undefined && isSame(root, first);
  writer.count(root === undefined ? 0 : isFirst ? 1 : 2);
  if (root !== undefined && !isFirst) writeSpan(writer, root, startNano);
  writer.count(missingParents.length);
  for (const id of missingParents) writer.id(id);
  writer.count(services.length);
  for (const { name, spans, errors } of services) {
    writer.text(name);
    writer.count(spans);
    writer.count(errors);
  }
}

function isSame(a: RootSpan, b: RootSpan): boolean {
  return a.startNano === b.startNano && a.service === b.service && a.name === b.name;
}

function writeSpan(writer: Writer, span: RootSpan, startNano: bigint): void {
  writer.signed(span.startNano - startNano);
  writer.text(span.service);
  writer.text(span.name);
}

/** Reads single records of a block. Throws RangeError when the bytes are no such block. */
export class SummaryBlock {
  readonly #bytes: Uint8Array;
  readonly #names: readonly string[];
  readonly #baseNano: bigint;
  /** Where each record begins, and where the last one ends. */
  readonly #offsets: Uint32Array;

  constructor(bytes: Uint8Array) {
    const reader = new Reader(bytes, []);
    this.#bytes = bytes;
    this.#names = reader.list(() => reader.ownText());
    this.#baseNano = reader.signed();
    const lengths = reader.list(() => reader.count());
    this.#offsets = new Uint32Array(lengths.length + 1);
    this.#offsets[0] = reader.at;
    lengths.forEach((length, i) => (this.#offsets[i + 1] = (this.#offsets[i] ?? 0) + length));
    if (this.#offsets.at(-1) !== bytes.length) throw new RangeError('summaries: cut short');
  }

  entryAt(i: number, traceId: string): TraceEntry {
    const [start, end] = this.#offsets.subarray(i, i + 2);
    if (start === undefined || end === undefined) throw new RangeError(`summaries: no trace ${i}`);
    const reader = new Reader(this.#bytes.subarray(start, end), this.#names);
    const startNano = this.#baseNano + reader.signed();
    const summary = readSummary(reader, traceId, startNano);
    return { summary, rowGroups: reader.list(() => reader.count()) };
  }
}

function readSummary(reader: Reader, traceId: string, startNano: bigint): PartialSummary {
  const endNano = startNano + reader.signed();
  const spanCount = reader.count();
  const errorCount = reader.count();
  const first = readSpan(reader, startNano);
  const rootKind = reader.count();
  const ownRoot = rootKind === 2 ? readSpan(reader, startNano) : undefined;
  const missingParents = reader.list(() => reader.id());
  const services = reader.list(() => ({
    name: reader.text(),
    spans: reader.count(),
    errors: reader.count(),
  }));
  const root = rootKind === 1 ? first : ownRoot;
  return {
    traceId,
    startNano,
    endNano,
    spanCount,
    errorCount,
    root,
    first,
    missingParents,
    services,
  };
}

function readSpan(reader: Reader, startNano: bigint): RootSpan {
  const spanStart = startNano + reader.signed();
  return { startNano: spanStart, service: reader.text(), name: reader.text() };
}

class Writer {
  readonly #names = new Map<string, number>();
  readonly #body = new ByteSink(4096);
  readonly #ends: number[] = [];

  count(value: number): void {
    this.#body.varint(value);
  }

  signed(value: bigint): void {
    const number = Number(value);
    // Doubles are many times faster than bigints, and nearly every time fits.
    if (number < EXACT_MAX && number > -EXACT_MAX) {
      this.#body.varint(number >= 0 ? number * 2 : number * -2 - 1);
    } else {
      this.#body.bigVarint(value >= 0n ? value << 1n : (-value << 1n) - 1n);
    }
  }

  id(value: bigint): void {
    this.#body.u32(Number(value & 0xffff_ffffn));
    this.#body.u32(Number(value >> 32n));
  }

  text(value: string): void {
    const known = this.#names.get(value) ?? this.#names.size;
    this.#names.set(value, known);
    this.#body.varint(known);
  }

  endRecord(): void {
    this.#ends.push(this.#body.length);
  }

  finish(baseNano: bigint): Uint8Array {
    const records = this.#body.take();
    this.#body.reset();
    this.signed(baseNano);
    this.count(this.#ends.length);
    this.#ends.forEach((end, i) => this.count(end - (this.#ends[i - 1] ?? 0)));
    const out = new ByteSink(this.#body.length + 1024);
    out.varint(this.#names.size);
    for (const name of this.#names.keys()) {
      const bytes = encoder.encode(name);
      out.varint(bytes.length);
      out.append(bytes);
    }
    out.append(this.#body.view());
    out.append(records);
    return out.view();
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #names: readonly string[];
  #at = 0;

  constructor(bytes: Uint8Array, names: readonly string[]) {
    this.#bytes = bytes;
    this.#names = names;
  }

  get at(): number {
    return this.#at;
  }

  ownText(): string {
    const length = this.count();
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('summaries: a name is cut short');
    return decoder.decode(this.#bytes.subarray(start, this.#at));
  }

  /** As many items as the count in front of them says. */
  list<T>(read: () => T): T[] {
    const count = this.count();
    if (count > this.#bytes.length) throw new RangeError('summaries: a list is too long');
    return Array.from({ length: count }, read);
  }

  /** At most 2^53. */
  count(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || scale > EXACT_MAX) {
        throw new RangeError(`summaries: no count at byte ${this.#at}`);
      }
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  signed(): bigint {
    const start = this.#at;
    // Seven bytes are 49 bits.
    for (let length = 1; length <= 7; length++) {
      if ((this.#bytes[start + length - 1] ?? 0x80) >= 0x80) continue;
      const value = this.count();
      return BigInt(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
    }
    const value = this.#bigVarint();
    return value & 1n ? -((value + 1n) >> 1n) : value >> 1n;
  }

  id(): bigint {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    const value = view.getBigUint64(this.#at, true);
    this.#at += 8;
    return value;
  }

  text(): string {
    const name = this.#names[this.count()];
    if (name === undefined) throw new RangeError('summaries: a name that is not in the table');
    return name;
  }

  #bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`summaries: cut short at byte ${this.#at}`);
  }
}
