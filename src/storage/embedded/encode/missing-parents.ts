/** Parents that one file of a trace misses and another has: looked for while files are joined, so
 *  that a summary counts as orphans only spans whose parent is in none of them, and so that calls
 *  between them are counted. Of ids only those that are missed are kept; rows are first told apart by
 *  a few bits of their span id. */

import { hexAt } from '../../../model/ids.ts';
import type { ParquetFile } from '../parquet/parquet-file.ts';
import { bytesAt, isNullAt, type ReadColumn } from '../parquet/read-column.ts';
import type { MissingCall } from '../red/missing-calls.ts';
import type { PartialSummary } from '../segment-index.ts';
import { CALL_COLUMNS, CallsAcross, type CountedCalls, type Parent } from './calls-across.ts';

/** A stitch of a million spans may want a hundred thousand. */
const FILTER_BITS = 23;
const FILTER_MASK = 2 ** FILTER_BITS - 1;

/** What a file says of one of its traces. */
export type Orphans = Pick<PartialSummary, 'traceId' | 'missingParents'>;

interface Wanted {
  readonly traceId: string;
  /** Once it is found. Of several rows with its ids the server's. */
  parent: Parent | undefined;
}

export class MissingParents {
  readonly #calls = new CallsAcross();
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
    if (known === undefined) this.#wanted.set(spanId, [{ traceId, parent: undefined }]);
    else if (find(known, traceId) === undefined) known.push({ traceId, parent: undefined });
    const low = Number(spanId & BigInt(FILTER_MASK));
    this.#filter[low >> 3] = (this.#filter[low >> 3] ?? 0) | (1 << (low & 7));
  }

  /** `calls`: those that the file misses, or that its rows name them; undefined when nobody knows.
   *  Throws StorageError 'damaged'. */
  lookIn(file: ParquetFile, calls: readonly MissingCall[] | 'rows' | undefined): void {
    if (calls !== 'rows') this.#calls.add(calls);
    const hasCalls = calls === 'rows';
    for (const rowGroup of file.footer.rowGroups.keys()) {
      const ids = file.readColumns(rowGroup, hasCalls ? ['span_id', 'parent_id'] : ['span_id']);
      const rows = this.#rowsToRead(ids);
      if (rows.length === 0) continue;
      const columns = file.readColumns(rowGroup, CALL_COLUMNS, rows);
      if (hasCalls) this.#calls.addRows(columns);
      this.#findParents(columns);
    }
  }

  /** Those that may be a parent, or name one of another row group. */
  #rowsToRead(columns: ReadonlyMap<string, ReadColumn>): Uint32Array {
    const spanIds = columns.get('span_id');
    const parents = columns.get('parent_id');
    if (spanIds?.kind !== 'bigint') return new Uint32Array(0);
    const words = new Uint32Array(spanIds.values.buffer);
    const rows = new Uint32Array(spanIds.values.length);
    let count = 0;
    for (let row = 0; row < rows.length; row++) {
      const isChild = parents !== undefined && !isNullAt(parents, row);
      if (isChild || this.#mayBeWanted(words[row * 2]!)) rows[count++] = row;
    }
    return rows.subarray(0, count);
  }

  /** By the low word of its span id. */
  #mayBeWanted(word: number): boolean {
    const low = word & FILTER_MASK;
    return (this.#filter[low >> 3]! & (1 << (low & 7))) !== 0;
  }

  #findParents(columns: ReadonlyMap<string, ReadColumn>): void {
    const spanIds = columns.get('span_id');
    const traceIds = columns.get('trace_id');
    if (spanIds?.kind !== 'bigint' || traceIds?.kind !== 'bytes') return;
    const words = new Uint32Array(spanIds.values.buffer);
    for (let row = 0; row < spanIds.values.length; row++) {
      if (!this.#mayBeWanted(words[row * 2]!)) continue;
      const wanted = this.#wanted.get(BigInt.asUintN(64, spanIds.values[row]!));
      if (wanted === undefined) continue;
      const found = find(wanted, hexAt(bytesAt(traceIds, row), 0, 16));
      if (found !== undefined) remember(found, this.#calls.parentAt(columns, row));
    }
  }

  isFound(traceId: string, spanId: bigint): boolean {
    return this.#parentOf(traceId, spanId) !== undefined;
  }

  /** Calls whose parent was in another row group than the call, and those whose parent is nowhere. */
  countCalls(): CountedCalls {
    return this.#calls.finish((traceId, spanId) => this.#parentOf(traceId, spanId));
  }

  #parentOf(traceId: string, spanId: bigint): Parent | undefined {
    const wanted = this.#wanted.get(spanId);
    return wanted && find(wanted, traceId)?.parent;
  }
}

function remember(found: Wanted, parent: Parent): void {
  const isBetter = parent.isServer && found.parent?.isServer !== true;
  if (found.parent === undefined || isBetter) found.parent = parent;
}

function find(wanted: readonly Wanted[], traceId: string): Wanted | undefined {
  return wanted.find((one) => one.traceId === traceId);
}
