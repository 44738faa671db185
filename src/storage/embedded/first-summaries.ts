/** Blocks of summaries as the first files of this kind have them: all of a trace in its record. */

import type { PartialSummary, RootSpan } from './segment-index.ts';
import { SummaryReader } from './summary-bytes.ts';

export class FirstSummaries {
  readonly #bytes: Uint8Array;
  readonly #names: readonly string[];
  readonly #baseNano: bigint;
  /** Where each record begins, and where the last one ends. */
  readonly #offsets: Uint32Array;

  /** Throws RangeError when the bytes are no such block. */
  constructor(bytes: Uint8Array) {
    const reader = new SummaryReader(bytes);
    this.#bytes = bytes;
    this.#names = reader.names();
    this.#baseNano = reader.signed();
    const lengths = reader.list(() => reader.count());
    this.#offsets = new Uint32Array(lengths.length + 1);
    this.#offsets[0] = reader.at;
    lengths.forEach((length, i) => (this.#offsets[i + 1] = (this.#offsets[i] ?? 0) + length));
    if (this.#offsets.at(-1) !== bytes.length) throw new RangeError('summaries: cut short');
  }

  keysAt(i: number): Keys {
    return readKeys(this.#readerAt(i), this.#baseNano);
  }

  missingParentsAt(i: number): bigint[] {
    return [...this.entryAt(i, '').summary.missingParents];
  }

  rootAt(i: number): RootSpan {
    const { root, first } = this.entryAt(i, '').summary;
    return root ?? first;
  }

  entryAt(i: number, traceId: string): { summary: PartialSummary; rowGroups: number[] } {
    const reader = this.#readerAt(i);
    const keys = readKeys(reader, this.#baseNano);
    const first = readSpan(reader, keys.startNano);
    const rootKind = reader.count();
    const ownRoot = rootKind === 2 ? readSpan(reader, keys.startNano) : undefined;
    const root = rootKind === 1 ? first : ownRoot;
    const missingParents = reader.list(() => reader.id());
    const services = reader.list(() => ({
      name: reader.text(),
      spans: reader.count(),
      errors: reader.count(),
    }));
    const summary = { traceId, ...keys, root, first, missingParents, services };
    return { summary, rowGroups: reader.list(() => reader.count()) };
  }

  #readerAt(i: number): SummaryReader {
    const start = this.#offsets[i];
    const end = this.#offsets[i + 1];
    if (start === undefined || end === undefined) throw new RangeError(`summaries: no trace ${i}`);
    return new SummaryReader(this.#bytes.subarray(start, end), this.#names);
  }
}

type Keys = Pick<PartialSummary, 'startNano' | 'endNano' | 'spanCount' | 'errorCount'>;

function readKeys(reader: SummaryReader, baseNano: bigint): Keys {
  const startNano = baseNano + reader.signed();
  const endNano = startNano + reader.signed();
  return { startNano, endNano, spanCount: reader.count(), errorCount: reader.count() };
}

function readSpan(reader: SummaryReader, startNano: bigint): RootSpan {
  const spanStart = startNano + reader.signed();
  return { startNano: spanStart, service: reader.text(), name: reader.text() };
}
