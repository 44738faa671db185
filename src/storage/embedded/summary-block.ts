/** A block of trace summaries as bytes, before compression: a table of its service and span names,
 *  columns of what every trace has one of, then the records of the rest, of which a reader reads the
 *  one it wants. Times count from the trace's start, and that from the start of the block's first
 *  trace. Drawn in docs/formats/index.md. */

import { FirstSummaries } from './first-summaries.ts';
import { ByteSink } from './parquet/byte-sink.ts';
import type { PartialSummary, RootSpan } from './segment-index.ts';
import {
  type ColumnReader,
  ColumnWriter,
  Names,
  SummaryReader,
  writeId,
  writeSigned,
} from './summary-bytes.ts';

export interface TraceEntry {
  readonly summary: PartialSummary;
  /** Ascending. */
  readonly rowGroups: readonly number[];
}

/** What searches order traces by. */
type Keys = Pick<PartialSummary, 'startNano' | 'endNano' | 'spanCount' | 'errorCount'>;

/** Traces of a block by their place in it. All throw RangeError at what is no such block. */
export interface TraceRecords {
  keysAt(i: number): Keys;
  missingParentsAt(i: number): readonly bigint[];
  /** The root, else the first span. */
  rootAt(i: number): RootSpan;
  entryAt(i: number, traceId: string): TraceEntry;
}

/** No block of the first form begins with it: each has names. */
const MARK = 0;
const FORM = 2;

export function writeSummaries(entries: readonly TraceEntry[]): Uint8Array {
  const baseNano = entries[0]?.summary.startNano ?? 0n;
  const columns = Array.from({ length: 5 }, () => new ColumnWriter(entries.length));
  const [starts, durations, spans, errors, lengths] = columns;
  const names = new Names();
  const records = new ByteSink(4096);
  let end = 0;
  for (const entry of entries) {
    const { startNano, endNano, spanCount, errorCount } = entry.summary;
    starts?.addSigned(startNano - baseNano);
    durations?.addSigned(endNano - startNano);
    spans?.add(spanCount);
    errors?.add(errorCount);
    writeRecord(records, names, entry);
    lengths?.add(records.length - end);
    end = records.length;
  }
  const out = new ByteSink(end + 8192);
  out.u8(MARK);
  out.u8(FORM);
  names.writeTo(out);
  writeSigned(out, baseNano);
  out.varint(entries.length);
  for (const column of columns) column.writeTo(out);
  out.append(records.view());
  return out.view();
}

function writeRecord(sink: ByteSink, names: Names, { summary, rowGroups }: TraceEntry): void {
  const { startNano, root, first, missingParents, services } = summary;
  const writeSpan = (span: RootSpan): void => {
    writeSigned(sink, span.startNano - startNano);
    sink.varint(names.placeOf(span.service));
    sink.varint(names.placeOf(span.name));
  };
  sink.varint(missingParents.length);
  for (const id of missingParents) writeId(sink, id);
  writeSpan(first);
  const isFirst = root !== undefined && isSame(root, first);
  sink.varint(root === undefined ? 0 : isFirst ? 1 : 2);
  if (root !== undefined && !isFirst) writeSpan(root);
  // Names by themselves repeat those of other traces.
  sink.varint(services.length);
  for (const { name } of services) sink.varint(names.placeOf(name));
  for (const { spans, errors } of services) {
    sink.varint(spans * 2 + (errors > 0 ? 1 : 0));
    if (errors > 0) sink.varint(errors);
  }
  sink.varint(rowGroups.length);
  rowGroups.forEach((rowGroup, i) => sink.varint(rowGroup - (rowGroups[i - 1] ?? -1) - 1));
}

function isSame(a: RootSpan, b: RootSpan): boolean {
  return a.startNano === b.startNano && a.service === b.service && a.name === b.name;
}

/** Reads single traces of a block, of whichever form. */
export class SummaryBlock implements TraceRecords {
  readonly #records: TraceRecords;

  constructor(bytes: Uint8Array) {
    this.#records = bytes[0] === MARK ? new ColumnSummaries(bytes) : new FirstSummaries(bytes);
  }

  keysAt(i: number): Keys {
    return this.#records.keysAt(i);
  }

  missingParentsAt(i: number): readonly bigint[] {
    return this.#records.missingParentsAt(i);
  }

  rootAt(i: number): RootSpan {
    return this.#records.rootAt(i);
  }

  entryAt(i: number, traceId: string): TraceEntry {
    return this.#records.entryAt(i, traceId);
  }
}

class ColumnSummaries implements TraceRecords {
  readonly #bytes: Uint8Array;
  readonly #names: readonly string[];
  readonly #baseNano: bigint;
  readonly #starts: ColumnReader;
  readonly #durations: ColumnReader;
  readonly #spans: ColumnReader;
  readonly #errors: ColumnReader;
  /** Where each record begins, and where the last one ends. */
  readonly #offsets: Uint32Array;

  constructor(bytes: Uint8Array) {
    const reader = new SummaryReader(bytes);
    const mark = reader.byte();
    const form = reader.byte();
    if (mark !== MARK || form !== FORM) throw new RangeError(`summaries: of form ${form}`);
    this.#bytes = bytes;
    this.#names = reader.names();
    this.#baseNano = reader.signed();
    const count = reader.count();
    if (count > bytes.length) throw new RangeError('summaries: too many traces');
    this.#starts = reader.column(count);
    this.#durations = reader.column(count);
    this.#spans = reader.column(count);
    this.#errors = reader.column(count);
    const lengths = reader.column(count);
    this.#offsets = new Uint32Array(count + 1);
    this.#offsets[0] = reader.at;
    let end = reader.at;
    for (let i = 0; i < count; i++) this.#offsets[i + 1] = end += lengths.at(i);
    if (end !== bytes.length) throw new RangeError('summaries: cut short');
  }

  keysAt(i: number): Keys {
    const startNano = BigInt.asUintN(64, this.#baseNano + this.#starts.signedAt(i));
    return {
      startNano,
      endNano: BigInt.asUintN(64, startNano + this.#durations.signedAt(i)),
      spanCount: this.#spans.at(i),
      errorCount: this.#errors.at(i),
    };
  }

  missingParentsAt(i: number): bigint[] {
    const reader = this.#readerAt(i);
    return reader.list(() => reader.id());
  }

  rootAt(i: number): RootSpan {
    const { first, root = first } = this.#headOf(this.#readerAt(i), this.keysAt(i));
    return root;
  }

  entryAt(i: number, traceId: string): TraceEntry {
    const reader = this.#readerAt(i);
    const keys = this.keysAt(i);
    const { missingParents, first, root } = this.#headOf(reader, keys);
    const names = reader.list(() => reader.text());
    const services = names.map((name) => {
      const spans = reader.count();
      const errors = spans % 2 === 1 ? reader.count() : 0;
      return { name, spans: Math.floor(spans / 2), errors };
    });
    let rowGroup = -1;
    const rowGroups = reader.list(() => (rowGroup += reader.count() + 1));
    const summary = { traceId, ...keys, root, first, missingParents, services };
    return { summary, rowGroups };
  }

  /** What a record begins with. */
  #headOf(reader: SummaryReader, keys: Keys) {
    const readSpan = (): RootSpan => {
      const startNano = keys.startNano + reader.signed();
      return { startNano, service: reader.text(), name: reader.text() };
    };
    const missingParents = reader.list(() => reader.id());
    const first = readSpan();
    const rootKind = reader.count();
    const ownRoot = rootKind === 2 ? readSpan() : undefined;
    const root = rootKind === 1 ? first : ownRoot;
    return { missingParents, first, root };
  }

  #readerAt(i: number): SummaryReader {
    const start = this.#offsets[i];
    const end = this.#offsets[i + 1];
    if (start === undefined || end === undefined) throw new RangeError(`summaries: no trace ${i}`);
    return new SummaryReader(this.#bytes.subarray(start, end), this.#names);
  }
}
