/** Knows how many calls are inside a consumer, so that it is stopped between two of them and no
 *  batch finds the next consumer closed. */
import type { Batch, Consumer } from '../component/consumer.ts';

export class InFlight implements Consumer<Batch> {
  readonly #next: Consumer<Batch>;
  #count = 0;
  #idle = Promise.withResolvers<void>();

  constructor(next: Consumer<Batch>) {
    this.#next = next;
  }

  admit(bytes: number): void {
    this.#next.admit?.(bytes);
  }

  async consume(batch: Batch, signal: AbortSignal): Promise<void> {
    this.#count += 1;
    try {
      await this.#next.consume(batch, signal);
    } finally {
      this.#count -= 1;
      if (this.#count === 0) this.#idle.resolve();
    }
  }

  /** Resolves when no call is inside, or when the deadline has come. */
  async idle(deadline: AbortSignal): Promise<void> {
    if (this.#count === 0 || deadline.aborted) return;
    this.#idle = Promise.withResolvers();
    const giveUp = () => this.#idle.resolve();
    deadline.addEventListener('abort', giveUp, { once: true });
    await this.#idle.promise;
    deadline.removeEventListener('abort', giveUp);
  }
}
