/** What waits to be sent, bounded. Two keepers: memory, and a key-value store that outlives the
 *  process. Both give items out in order of arrival and forget one when it is done with. */
import type { Batch } from '../../component/consumer.ts';

export interface QueuedItem {
  /** In the queue's unit. */
  readonly size: number;
  /** What its batch takes in memory. */
  readonly byteSize: number;
  /** The batch; undefined when it turns out to be damaged. */
  read(): Promise<Batch | undefined>;
  /** Sent, or given up: forget it. */
  done(): Promise<void>;
}

export interface Keeper {
  /** What an earlier process left behind, oldest first. Called once, before `keep`. */
  restore(): AsyncIterable<QueuedItem>;
  /** Resolves when the batch is kept as safely as this keeper can. */
  keep(batch: Batch): Promise<QueuedItem>;
  /** True when items survive the process: nothing has to be drained at shutdown. */
  readonly isPersistent: boolean;
}

export type Sizer = (batch: Pick<Batch, 'count' | 'byteSize'>) => number;

export const sizers: Readonly<Record<'requests' | 'items' | 'bytes', Sizer>> = {
  requests: () => 1,
  items: ({ count }) => count,
  bytes: ({ byteSize }) => byteSize,
};

export class MemoryKeeper implements Keeper {
  readonly isPersistent = false;
  readonly #sizer: Sizer;

  constructor(sizer: Sizer) {
    this.#sizer = sizer;
  }

  async *restore(): AsyncIterable<QueuedItem> {}

  async keep(batch: Batch): Promise<QueuedItem> {
    const { byteSize } = batch;
    return { size: this.#sizer(batch), byteSize, read: async () => batch, done: async () => {} };
  }
}

/** What is to be sent, in order, the size of the queue, and whoever waits for work or for room. */
export class WaitingLine<Item> {
  readonly #items: Item[] = [];
  readonly #takers: (() => void)[] = [];
  readonly #roomWaiters: (() => void)[] = [];
  readonly sizeMax: number;
  /** Includes what is being merged or sent: it is done with when it is sent. */
  #size = 0;

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  get size(): number {
    return this.#size;
  }

  get waitingCount(): number {
    return this.#items.length;
  }

  /** False when there is no room. One item larger than the whole queue fits an empty one. */
  reserve(size: number): boolean {
    if (this.#size > 0 && this.#size + size > this.sizeMax) return false;
    this.#size += size;
    return true;
  }

  release(size: number): void {
    this.#size -= size;
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }

  /** Resolves when something was released, or rejects when the signal aborts. */
  untilReleased(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#roomWaiters.push(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#takers.shift()?.();
  }

  /** The next item; undefined once `wakeAll` was called and nothing waits. */
  async take(isClosing: () => boolean): Promise<Item | undefined> {
    while (this.#items.length === 0) {
      if (isClosing()) return undefined;
      await new Promise<void>((resolve) => this.#takers.push(resolve));
    }
    return this.#items.shift();
  }

  wakeAll(): void {
    for (const wake of this.#takers.splice(0)) wake();
  }
}
