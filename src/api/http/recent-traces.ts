/** The traces people look at now: somebody who opens a trace asks for its spans one after another,
 *  and a large trace is not put together for each. Bounded in number, bytes and age. */

import type { SpanBatch } from '../../model/batch/span-batch.ts';

const TRACES_MAX = 8;
const BYTES_MAX = 128 * 1024 * 1024;
const AGE_MS_MAX = 60_000;

interface Entry {
  readonly batch: SpanBatch;
  readonly readMs: number;
}

export class RecentTraces {
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  #forgettings = 0;

  /** Wall clock, ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get(traceId: string): SpanBatch | undefined {
    const entry = this.#entries.get(traceId);
    if (entry === undefined || this.#now() - entry.readMs > AGE_MS_MAX) return undefined;
    return entry.batch;
  }

  /** How often everything was forgotten: what was read before must not be put afterwards. */
  get forgettings(): number {
    return this.#forgettings;
  }

  /** Traces have been deleted. */
  forgetAll(): void {
    this.#forgettings++;
    this.#entries.clear();
  }

  /** The last ones put are kept. A trace larger than the bound is not. */
  put(traceId: string, batch: SpanBatch): void {
    this.#entries.delete(traceId);
    if (batch.byteSize > BYTES_MAX) return;
    this.#entries.set(traceId, { batch, readMs: this.#now() });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= TRACES_MAX && this.#bytes() <= BYTES_MAX) return;
      this.#entries.delete(oldest);
    }
  }

  #bytes(): number {
    let sum = 0;
    for (const { batch } of this.#entries.values()) sum += batch.byteSize;
    return sum;
  }
}
