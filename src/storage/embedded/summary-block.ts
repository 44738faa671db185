/** A block of trace summaries as bytes, before compression: a table of its service and span names,
 *  then the traces one after another. Numbers are varints; times count from the trace's start, and
 *  that from the start of the trace before. Drawn in docs/formats/index.md. */

import { hexAt } from '../../model/ids.ts';
import { ByteSink } from './parquet/byte-sink.ts';
import type { PartialSummary, RootSpan } from './segment-index.ts';

export interface TraceEntry {
  readonly summary: PartialSummary;
  /** Ascending. */
  readonly rowGroups: readonly number[];
}

const encoder = new TextEncoder();
// A name may begin with U+FEFF.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function writeSummaries(entries: readonly TraceEntry[]): Uint8Array {
  const writer = new Writer();
  let before = 0n;
  for (const { summary, rowGroups } of entries) {
    writer.signed(summary.startNano - before);
    before = summary.startNano;
    writeSummary(writer, summary);
    writer.count(rowGroups.length);
    for (const rowGroup of rowGroups) writer.count(rowGroup);
  }
  return writer.finish();
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

/** `ids` has 16 bytes for each trace. Throws RangeError when the bytes are no such block. */
export function readSummaries(bytes: Uint8Array, ids: Uint8Array): TraceEntry[] {
  const reader = new Reader(bytes);
  const entries: TraceEntry[] = [];
  let startNano = 0n;
  for (let at = 0; at < ids.length; at += 16) {
    startNano += reader.signed();
    const summary = readSummary(reader, hexAt(ids, at, 16), startNano);
    entries.push({ summary, rowGroups: reader.list(() => reader.count()) });
  }
  return entries;
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

  count(value: number): void {
    this.#body.varint(value);
  }

  signed(value: bigint): void {
    this.#body.bigVarint(value >= 0n ? value << 1n : (-value << 1n) - 1n);
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

  finish(): Uint8Array {
    const out = new ByteSink(this.#body.length + 1024);
    out.varint(this.#names.size);
    for (const name of this.#names.keys()) {
      const bytes = encoder.encode(name);
      out.varint(bytes.length);
      out.append(bytes);
    }
    out.append(this.#body.view());
    return out.view();
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #names: readonly string[];
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#names = this.list(() => {
      const length = this.count();
      const start = this.#at;
      this.#at += length;
      return decoder.decode(bytes.subarray(start, this.#at));
    });
  }

  /** As many items as the count in front of them says. */
  list<T>(read: () => T): T[] {
    const count = this.count();
    if (count > this.#bytes.length) throw new RangeError('summaries: a list is too long');
    return Array.from({ length: count }, read);
  }

  count(): number {
    return Number(this.#varint());
  }

  signed(): bigint {
    const value = this.#varint();
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

  #varint(): bigint {
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
