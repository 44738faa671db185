/** What waits to be sent together: one lane per tenant (and per values of headers, where told). A caller's batch may be cut over several
 *  sends; its `Delivery` is settled when the last of them is. */
import type { Batch } from '../consumer.ts';
import { cut } from './join.ts';

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
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(part: Part): void {
    this.#parts.push(part);
    this.#count += part.batch.count;
  }

  /** The oldest parts, at most `maxCount` items unless the first part alone is larger and cannot be
   *  cut. 0 means everything. Empty only when nothing waits. */
  take(maxCount: number): Part[] {
    const taken: Part[] = [];
    let room = maxCount === 0 ? Number.POSITIVE_INFINITY : maxCount;
    for (let part = this.#parts[0]; part && room > 0; part = this.#parts[0]) {
      const fitting = part.batch.count <= room ? this.#shift(part) : this.#cutFirst(part, room);
      if (!fitting && taken.length > 0) break;
      const next = fitting ?? this.#shift(part);
      taken.push(next);
      room -= next.batch.count;
    }
    this.#count -= taken.reduce((sum, { batch }) => sum + batch.count, 0);
    return taken;
  }

  #shift(part: Part): Part {
    this.#parts.shift();
    return part;
  }

  #cutFirst({ batch, delivery }: Part, count: number): Part | undefined {
    const halves = cut(batch, count);
    if (!halves) return undefined;
    delivery.split();
    this.#parts[0] = { batch: halves[1], delivery };
    return { batch: halves[0], delivery };
  }
}
