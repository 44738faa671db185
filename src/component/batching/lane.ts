/** What waits to be sent together: one lane per tenant (and per values of headers, where told). A caller's batch may be cut over several
 *  sends; its `Delivery` is settled when the last of them is. */
import type { Batch } from '../consumer.ts';
import { batchMeasures, cutTo, measurable, type BatchMeasure } from './join.ts';

/** One caller's batch on its way. */
export class Delivery {
  readonly settled: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #open = 1;
  #failure: { readonly error: unknown } | undefined;

  constructor() {
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // In memory mode nobody waits for it, and its failure is logged where it happens.
    this.settled.catch(() => {});
  }

  /** The batch was cut: one more part has to arrive. */
  split(): void {
    this.#open += 1;
  }

  /** One part has arrived, or failed. */
  done(failure?: { readonly error: unknown }): void {
    this.#failure ??= failure;
    this.#open -= 1;
    if (this.#open > 0) return;
    if (this.#failure) this.#reject(this.#failure.error);
    else this.#resolve();
  }
}

export interface Part {
  readonly batch: Batch;
  readonly delivery: Delivery;
}

export class Lane {
  readonly #parts: Part[] = [];
  readonly #measure: BatchMeasure;
  #size = 0;

  /** @param measure what its size and the size of what is taken count */
  constructor(measure: BatchMeasure = batchMeasures.items) {
    this.#measure = measure;
  }

  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  add({ batch, delivery }: Part): void {
    const part = { batch: measurable(batch, this.#measure), delivery };
    this.#parts.push(part);
    this.#size += this.#measure(part.batch);
  }

  /** The oldest parts, together at most `sizeMax` unless the first part alone is larger and cannot be
   *  cut. 0 means everything. Empty only when nothing waits. */
  take(sizeMax: number): Part[] {
    const taken: Part[] = [];
    let room = sizeMax === 0 ? Number.POSITIVE_INFINITY : sizeMax;
    for (let part = this.#parts[0]; part && room > 0; part = this.#parts[0]) {
      const size = this.#measure(part.batch);
      const next = size <= room ? this.#shift(part) : this.#first(part, room, taken.length === 0);
      if (!next) break;
      taken.push(next);
      room -= this.#measure(next.batch);
    }
    return taken;
  }

  #shift(part: Part): Part {
    this.#parts.shift();
    this.#size -= this.#measure(part.batch);
    return part;
  }

  /** What of a part that is too large fits; when it has to be something, one item or all of it. */
  #first(part: Part, room: number, isNeeded: boolean): Part | undefined {
    const halves = cutTo(part.batch, room, this.#measure);
    if (!halves) return isNeeded ? this.#shift(part) : undefined;
    const [first, rest] = halves;
    if (!isNeeded && this.#measure(first) > room) return undefined;
    const { delivery } = this.#shift(part);
    delivery.split();
    this.#parts.unshift({ batch: rest, delivery });
    this.#size += this.#measure(rest);
    return { batch: first, delivery };
  }
}
