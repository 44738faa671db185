/** Parents that one file of a trace misses and another has: looked for while files are joined, so
 *  that a summary counts as orphans only spans whose parent is in none of them. Of ids only those
 *  that are missed are kept; rows are first told apart by a few bits of their span id. */

import { hexAt } from '../../../model/ids.ts';
import type { Footer } from '../parquet/file.ts';
import { readCodes, readPlain } from '../parquet/read-column.ts';
import type { TraceEntry } from '../summary-block.ts';

const FILTER_BITS = 20;
const FILTER_MASK = 2 ** FILTER_BITS - 1;

export class MissingParents {
  /** `trace id:span id` of those that may be in another file, and whether one was found. */
  readonly #wanted = new Map<string, boolean>();
  /** A bit for each low end of a wanted span id. */
  readonly #filter = new Uint8Array(2 ** FILTER_BITS / 8);

  /** `groups`: the entries of each trace. */
  constructor(groups: Iterable<readonly TraceEntry[]>) {
    for (const same of groups) {
      if (same.length < 2) continue;
      for (const { summary } of same) {
        for (const id of summary.missingParents) this.#want(summary.traceId, id);
      }
    }
  }

  #want(traceId: string, spanId: bigint): void {
    this.#wanted.set(keyOf(traceId, spanId), false);
    const low = Number(spanId & BigInt(FILTER_MASK));
    this.#filter[low >> 3] = (this.#filter[low >> 3] ?? 0) | (1 << (low & 7));
  }

  lookIn(file: Uint8Array, footer: Footer): void {
    if (this.#wanted.size === 0) return;
    for (const rowGroup of footer.rowGroups.keys()) this.#lookInRowGroup(file, footer, rowGroup);
  }

  #lookInRowGroup(file: Uint8Array, footer: Footer, rowGroup: number): void {
    const spanIds = readPlain(file, footer, { rowGroup, name: 'span_id' });
    const { dictionary, codes } = readCodes(file, footer, { rowGroup, name: 'trace_id' });
    const view = new DataView(spanIds.buffer, spanIds.byteOffset, spanIds.byteLength);
    for (let row = 0; row < codes.length; row++) {
      const low = view.getUint32(row * 8, true) & FILTER_MASK;
      if (((this.#filter[low >> 3] ?? 0) & (1 << (low & 7))) === 0) continue;
      const traceId = hexAt(dictionary, (codes[row] ?? 0) * 16, 16);
      const key = keyOf(traceId, view.getBigUint64(row * 8, true));
      if (this.#wanted.has(key)) this.#wanted.set(key, true);
    }
  }

  /** `same`: the entries of one trace. */
  isFound(same: readonly TraceEntry[], spanId: bigint): boolean {
    const traceId = same[0]?.summary.traceId ?? '';
    return this.#wanted.get(keyOf(traceId, spanId)) === true;
  }
}

function keyOf(traceId: string, spanId: bigint): string {
  return `${traceId}:${spanId}`;
}
