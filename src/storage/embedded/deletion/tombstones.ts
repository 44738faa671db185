/** The tombstones of a tenant that are in force. */

import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import type { Tombstone } from './tombstone.ts';
import { TraceIdSet } from './trace-id-set.ts';

export class Tombstones {
  #all: readonly { readonly tombstone: Tombstone; readonly ids: TraceIdSet }[] = [];

  get all(): readonly Tombstone[] {
    return this.#all.map(({ tombstone }) => tombstone);
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  add(tombstone: Tombstone): void {
    this.#all = [...this.#all, { tombstone, ids: new TraceIdSet(tombstone.traceIds) }];
  }

  remove(tombstone: Tombstone): void {
    this.#all = this.#all.filter((one) => one.tombstone !== tombstone);
  }

  /** The rows of a record of the log that are not deleted; undefined when none is left. */
  spare(walSeq: number, batch: SpanBatch): SpanBatch | undefined {
    let kept: SpanBatch | undefined = batch;
    for (const { tombstone, ids } of this.#all) {
      if (kept !== undefined && walSeq <= tombstone.walTo) kept = ids.without(kept);
    }
    return kept;
  }
}
