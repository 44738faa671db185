/** The sending queue: takes a batch, answers, and sends it later with a few others at once. What it
 *  cannot hold it refuses (or lets wait), counted; what can never be sent it drops, counted and
 *  logged. At shutdown a memory queue is emptied until the deadline; a persistent one is left. */
import { forWaiting, PipelineError, type Batch, type Consumer } from '../../component/consumer.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import type { QueueSettings } from '../../component/sending.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { type Keeper, type QueuedItem, type Sizer, sizers, WaitingLine } from './queue.ts';

export interface QueueCounters {
  enqueueFailed(items: number): void;
  /** Dropped after it was queued. */
  dropped(items: number): void;
  size(size: number, capacity: number): void;
}

export interface QueueContext {
  readonly settings: QueueSettings;
  readonly logger: Logger;
  readonly counters: QueueCounters;
  /** Opens the keeper: called at start. */
  readonly openKeeper: (sizer: Sizer) => Promise<Keeper>;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class QueueSender implements Lifecycle, Consumer<Batch> {
  readonly #next: Consumer<Batch>;
  readonly #context: QueueContext;
  readonly #line: WaitingLine;
  readonly #sizer: Sizer;
  readonly #results = new Map<QueuedItem, Waiting>();
  /** Aborted at the shutdown deadline, or at once for a persistent queue. */
  readonly #sending = new AbortController();
  #keeper: Keeper | undefined;
  #workers: Promise<void>[] = [];
  #isClosing = false;

  constructor(next: Consumer<Batch>, context: QueueContext) {
    this.#next = next;
    this.#context = context;
    this.#sizer = sizers[context.settings.sizer];
    this.#line = new WaitingLine(context.settings.queue_size);
  }

  async start(): Promise<void> {
    this.#keeper = await this.#context.openKeeper(this.#sizer);
    for await (const item of this.#keeper.restore()) {
      // More than the bound may have been left by a larger queue: it is still sent, never dropped.
      if (!this.#line.reserve(item.size)) this.#line.release(-item.size);
      this.#line.add(item);
    }
    this.#report();
    const { num_consumers: count } = this.#context.settings;
    this.#workers = Array.from({ length: count }, () => this.#work());
  }

  async consume(given: Batch, signal: AbortSignal): Promise<void> {
    const batch = forWaiting(given);
    const size = this.#sizer(batch);
    await this.#reserve(size, batch, signal);
    const item = await this.#keep(batch, size);
    const sent = this.#context.settings.wait_for_result ? this.#resultOf(item) : undefined;
    this.#line.add(item);
    this.#report();
    await sent;
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#isClosing = true;
    const giveUp = (): void =>
      this.#sending.abort(new PipelineError('not_running', 'shutting down'));
    if (this.#keeper?.isPersistent === true) giveUp();
    deadline.addEventListener('abort', giveUp, { once: true });
    this.#line.wakeAll();
    await Promise.all(this.#workers);
    deadline.removeEventListener('abort', giveUp);
    if (this.#line.waitingCount > 0 && this.#keeper?.isPersistent !== true) await this.#dropRest();
  }

  async #reserve(size: number, batch: Batch, signal: AbortSignal): Promise<void> {
    while (!this.#line.reserve(size)) {
      if (!this.#context.settings.block_on_overflow) {
        this.#context.counters.enqueueFailed(batch.count);
        throw new PipelineError('overloaded', 'the sending queue is full', {
          retryable: true,
          retryAfterMs: 1000,
          hint: 'raise sending_queue::queue_size, or find out why the destination is slow',
        });
      }
      await this.#line.untilReleased(signal);
    }
  }

  async #keep(batch: Batch, size: number): Promise<QueuedItem> {
    try {
      if (this.#keeper === undefined) throw new PipelineError('not_running', 'not started');
      return await this.#keeper.keep(batch, size);
    } catch (error) {
      this.#line.release(size);
      this.#context.counters.enqueueFailed(batch.count);
      throw error;
    }
  }

  #resultOf(item: QueuedItem): Promise<void> {
    return new Promise((resolve, reject) => this.#results.set(item, { resolve, reject }));
  }

  async #work(): Promise<void> {
    const isDone = (): boolean => this.#isClosing;
    while (!this.#sending.signal.aborted) {
      const item = await this.#line.take(isDone);
      if (item === undefined) return;
      await this.#send(item);
    }
  }

  async #send(item: QueuedItem): Promise<void> {
    try {
      await this.#next.consume(item.batch, this.#sending.signal);
      this.#results.get(item)?.resolve();
    } catch (error) {
      if (this.#sending.signal.aborted && this.#keeper?.isPersistent === true) return;
      this.#results.get(item)?.reject(error);
      this.#context.counters.dropped(item.batch.count);
      this.#context.logger.error(
        { items: item.batch.count, reason: messageOf(error) },
        'dropped data that could not be sent',
      );
    }
    this.#results.delete(item);
    await this.#finish(item);
  }

  async #finish(item: QueuedItem): Promise<void> {
    try {
      await item.done();
    } catch (error) {
      this.#context.logger.error(
        { reason: messageOf(error) },
        'a sent batch could not be removed from the queue and will be sent again after a restart',
      );
    }
    this.#line.release(item.size);
    this.#report();
  }

  async #dropRest(): Promise<void> {
    for (;;) {
      const item = await this.#line.take(() => true);
      if (item === undefined) return;
      this.#context.counters.dropped(item.batch.count);
      this.#context.logger.error({ items: item.batch.count }, 'dropped queued data at shutdown');
      this.#results.get(item)?.reject(new PipelineError('not_running', 'shutting down'));
    }
  }

  #report(): void {
    this.#context.counters.size(this.#line.size, this.#line.sizeMax);
  }
}
