/** What of a queue is in memory: of a queue on disk the oldest, up to a bound of bytes, and of the
 *  others no more than where they are. They are read when their turn comes, so a peer that is away
 *  for days costs disk. */
import type { Delivery } from '../../component/batching/lane.ts';
import type { Batch } from '../../component/consumer.ts';
import type { QueuedItem } from './queue.ts';

export interface Queued {
  readonly item: QueuedItem;
  readonly delivery: Delivery;
}

export interface BacklogOptions {
  readonly bytesMax: number;
  /** Its turn has come. `release` is to be called when it is done with. */
  readonly give: (queued: Queued, batch: Batch) => void;
  /** It is damaged, or cannot be read: it is in the queue no more. */
  readonly leaveOut: (queued: Queued, error?: unknown) => void;
}

export class Backlog {
  readonly #options: BacklogOptions;
  /** Oldest first. */
  readonly #waiting: Queued[] = [];
  #bytes = 0;
  #isReading = false;
  #isClosed = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** `batch` is that of the item, where it is at hand. */
  add(queued: Queued, batch?: Batch): void {
    const { item } = queued;
    const isNext = this.#waiting.length === 0 && !this.#isReading && this.#hasRoomFor(item);
    if (batch !== undefined && isNext) {
      this.#bytes += item.byteSize;
      this.#options.give(queued, batch);
      return;
    }
    this.#waiting.push(queued);
    void this.#read();
  }

  /** The item that was given out needs no memory any more. */
  release({ byteSize }: QueuedItem): void {
    this.#bytes -= byteSize;
    void this.#read();
  }

  /** Nothing is read from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** One that is larger than the bound goes alone. */
  #hasRoomFor({ byteSize }: QueuedItem): boolean {
    return this.#bytes === 0 || this.#bytes + byteSize <= this.#options.bytesMax;
  }

  /** In order, one after another. */
  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || this.#isClosed || !this.#hasRoomFor(first.item)) break;
      this.#waiting.shift();
      await this.#giveOut(first);
    }
    this.#isReading = false;
  }

  async #giveOut(queued: Queued): Promise<void> {
    const { item } = queued;
    this.#bytes += item.byteSize;
    let error: unknown;
    try {
      const batch = await item.read();
      if (batch !== undefined) {
        this.#options.give(queued, batch);
        return;
      }
    } catch (cause) {
      error = cause;
    }
    this.#bytes -= item.byteSize;
    this.#options.leaveOut(queued, error);
  }
}
