/** Parents that one file of a trace misses and another has: looked for while files are joined, so
 *  that a summary counts as orphans only spans whose parent is in none of them, and so that calls
 *  between them are counted. Of ids only those that are missed are kept; rows are first told apart by
 *  a few bits of their span id. */

import { hexAt } from '../../../model/ids.ts';
import type { Footer } from '../parquet/file.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import { bytesAt, type ReadColumn } from '../parquet/read-column.ts';
import type { MissingCall } from '../red/missing-calls.ts';
import type { PartialSummary } from '../segment-index.ts';
import { CALL_COLUMNS, CallsAcross } from './calls-across.ts';

/** A stitch of a million spans may want a hundred thousand. */
const FILTER_BITS = 23;
const FILTER_MASK = 2 ** FILTER_BITS - 1;

/** What a file says of one of its traces. */
export type Orphans = Pick<PartialSummary, 'traceId' | 'missingParents'>;

interface Wanted {
  readonly traceId: string;
  isFound: boolean;
}

export class MissingParents {
  readonly calls = new CallsAcross();
  /** By span id; a few traces may want the same one. */
  readonly #wanted = new Map<bigint, Wanted[]>();
  /** A bit for each low end of a wanted span id. */
  readonly #filter = new Uint8Array(2 ** FILTER_BITS / 8);

  /** Of all files, in any order. */
  constructor(traces: Iterable<Orphans>) {
    for (const { traceId, missingParents } of traces) {
      for (const id of missingParents) this.#want(traceId, id);
    }
  }

  #want(traceId: string, spanId: bigint): void {
    const known = this.#wanted.get(spanId);
    if (known === undefined) this.#wanted.set(spanId, [{ traceId, isFound: false }]);
    else if (find(known, traceId) === undefined) known.push({ traceId, isFound: false });
    const low = Number(spanId & BigInt(FILTER_MASK));
    this.#filter[low >> 3] = (this.#filter[low >> 3] ?? 0) | (1 << (low & 7));
  }

  /** `calls`: those that the file misses, or that its rows name them; undefined when nobody knows.
   *  Throws StorageError 'damaged'. */
  lookIn(
    bytes: Uint8Array,
    footer: Footer,
    calls: readonly MissingCall[] | 'rows' | undefined,
  ): void {
    if (calls !== 'rows') this.calls.add(calls);
    this.lookInFile(ParquetFile.of('a file to join', bytes, footer), calls === 'rows');
  }

  lookInFile(file: ParquetFile, hasCalls: boolean): void {
    for (const rowGroup of file.footer.rowGroups.keys()) {
      const columns = file.readColumns(rowGroup, ['span_id', 'trace_id', ...CALL_COLUMNS]);
      if (hasCalls) this.calls.addRows(columns);
      if (this.#wanted.size > 0) this.#lookInRows(columns);
    }
  }

  #lookInRows(columns: ReadonlyMap<string, ReadColumn>): void {
    const spanIds = columns.get('span_id');
    const traceIds = columns.get('trace_id');
    if (spanIds?.kind !== 'bigint' || traceIds?.kind !== 'bytes') return;
    const words = new Uint32Array(spanIds.values.buffer);
    for (let row = 0; row < spanIds.values.length; row++) {
      const low = words[row * 2]! & FILTER_MASK;
      if (((this.#filter[low >> 3] ?? 0) & (1 << (low & 7))) === 0) continue;
      const wanted = this.#wanted.get(BigInt.asUintN(64, spanIds.values[row]!));
      if (wanted === undefined) continue;
      const found = find(wanted, hexAt(bytesAt(traceIds, row), 0, 16));
      if (found === undefined) continue;
      found.isFound = true;
      this.calls.addParent(found.traceId, spanIds.values[row]!, { columns, row });
    }
  }

  isFound(traceId: string, spanId: bigint): boolean {
    const wanted = this.#wanted.get(spanId);
    return wanted !== undefined && find(wanted, traceId)?.isFound === true;
  }
}

function find(wanted: readonly Wanted[], traceId: string): Wanted | undefined {
  return wanted.find((one) => one.traceId === traceId);
}
