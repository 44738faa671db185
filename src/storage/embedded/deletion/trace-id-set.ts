/** Trace ids to look for among many: most rows are told apart by four bytes of their id, without a
 *  string for each. */

import { bytesFromHex, hexAt, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { gather } from '../../../model/batch/gather.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';

export class TraceIdSet {
  readonly hex: ReadonlySet<string>;
  readonly #words = new Set<number>();

  /** Ids as lower-case hex. */
  constructor(ids: Iterable<string>) {
    this.hex = new Set(ids);
    for (const id of this.hex) this.#words.add(wordAt(bytesFromHex(id, TRACE_ID_BYTES), 0));
  }

  /** The id in `bytes` that begins at `at`. */
  hasAt(bytes: Uint8Array, at: number): boolean {
    return this.#words.has(wordAt(bytes, at)) && this.hex.has(hexAt(bytes, at, TRACE_ID_BYTES));
  }

  /** Those that the batch has rows of. */
  in(batch: SpanBatch): Set<string> {
    const { traceIds } = batch.spans.columns;
    const found = new Set<string>();
    for (let at = 0; at < traceIds.length; at += TRACE_ID_BYTES) {
      if (this.hasAt(traceIds, at)) found.add(hexAt(traceIds, at, TRACE_ID_BYTES));
    }
    return found;
  }

  /** The rows of the batch whose trace is not in the set; all, some or none of them. */
  without(batch: SpanBatch): SpanBatch | undefined {
    const { traceIds } = batch.spans.columns;
    const kept = new Uint32Array(batch.count);
    let count = 0;
    for (let row = 0; row < batch.count; row++) {
      if (!this.hasAt(traceIds, row * TRACE_ID_BYTES)) kept[count++] = row;
    }
    if (count === batch.count) return batch;
    return count === 0 ? undefined : gather(batch, kept.subarray(0, count));
  }
}

/** The last four bytes of an id: where only half of it is random, those are. */
function wordAt(bytes: Uint8Array | undefined, at: number): number {
  if (bytes === undefined) return 0;
  const last = at + TRACE_ID_BYTES - 1;
  const low = (bytes[last] ?? 0) | ((bytes[last - 1] ?? 0) << 8);
  return low | ((bytes[last - 2] ?? 0) << 16) | ((bytes[last - 3] ?? 0) << 24);
}
