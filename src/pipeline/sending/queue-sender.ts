/** The sending queue: takes a batch, answers, and sends it later, a few at once, merged where told.
 *  What it cannot hold it refuses (or lets wait), counted; what can never be sent it drops, counted
 *  and logged. A queued batch is done with when all of it was sent or given up, in however many
 *  parts: a crash before that sends it again. At shutdown a memory queue is emptied until the
 *  deadline; a persistent one is left. */
import { join } from '../../component/batching/join.ts';
import { Delivery } from '../../component/batching/lane.ts';
import {
  forWaiting,
  PipelineError,
  sentBy,
  type Batch,
  type Consumer,
} from '../../component/consumer.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import type { QueueSettings } from '../../component/sending.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { Backlog } from './backlog.ts';
import { groupingOf, type Grouping, type Load } from './grouping.ts';
import { type Keeper, type QueuedItem, type Sizer, sizers, WaitingLine } from './queue.ts';

/** Of a queue on disk, in memory at once. */
const READ_AHEAD_BYTES = 64 * 1024 * 1024;

export interface QueueCounters {
  enqueueFailed(items: number): void;
  /** Dropped after it was queued. */
  dropped(items: number): void;
  size(size: number, capacity: number): void;
  enqueued(batch: Batch): void;
  /** Merged from what was queued, and about to be sent. */
  merged(batch: Batch): void;
}

export interface QueueContext {
  readonly settings: QueueSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: QueueCounters;
  /** Opens the keeper: called at start. */
  readonly openKeeper: (sizer: Sizer) => Promise<Keeper>;
}

export class QueueSender implements Lifecycle, Consumer<Batch> {
  readonly #next: Consumer<Batch>;
  readonly #context: QueueContext;
  readonly #line: WaitingLine<Load>;
  readonly #grouping: Grouping;
  readonly #backlog: Backlog;
  readonly #sizer: Sizer;
  readonly #finishing = new Set<Promise<void>>();
  /** Aborted at the shutdown deadline, or at once for a persistent queue. */
  readonly #sending = new AbortController();
  #keeper: Keeper | undefined;
  #workers: Promise<void>[] = [];
  #isClosing = false;

  constructor(next: Consumer<Batch>, context: QueueContext) {
    const { storage } = context.settings;
    this.#next = next;
    this.#context = context;
    this.#sizer = sizers[context.settings.sizer];
    this.#backlog = new Backlog({
      bytesMax: storage === undefined ? Infinity : READ_AHEAD_BYTES,
      give: ({ delivery }, batch) => this.#grouping.add({ batch, delivery }),
      leaveOut: ({ item }, error) => this.#leaveOut(item, error),
    });
    this.#line = new WaitingLine(context.settings.queue_size);
    this.#grouping = groupingOf(context.settings, context.clock, (load) => this.#line.add(load));
  }

  async start(): Promise<void> {
    this.#keeper = await this.#context.openKeeper(this.#sizer);
    for await (const item of this.#keeper.restore()) {
      // More than the bound may have been left by a larger queue: it is still sent, never dropped.
      if (!this.#line.reserve(item.size)) this.#line.release(-item.size);
      this.#enqueue(item);
    }
    this.#report();
    const { num_consumers: count } = this.#context.settings;
    this.#workers = Array.from({ length: count }, () => this.#work());
  }

  async consume(given: Batch, signal: AbortSignal): Promise<void> {
    if (this.#isClosing)
      throw new PipelineError('not_running', 'shutting down', { retryable: true });
    const batch = forWaiting(given);
    const size = this.#sizer(batch);
    await this.#reserve(size, batch, signal);
    const item = await this.#keep(batch, size);
    this.#context.counters.enqueued(batch);
    const { settled } = this.#enqueue(item, batch);
    this.#report();
    if (this.#context.settings.wait_for_result) await settled;
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#isClosing = true;
    const giveUp = (): void =>
      this.#sending.abort(new PipelineError('not_running', 'shutting down'));
    if (this.#keeper?.isPersistent === true) giveUp();
    deadline.addEventListener('abort', giveUp, { once: true });
    this.#backlog.close();
    this.#grouping.close();
    this.#line.wakeAll();
    await Promise.all(this.#workers);
    deadline.removeEventListener('abort', giveUp);
    if (this.#line.waitingCount > 0 && this.#keeper?.isPersistent !== true) await this.#dropRest();
    await Promise.all(this.#finishing);
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
      return await this.#keeper.keep(batch);
    } catch (error) {
      this.#line.release(size);
      this.#context.counters.enqueueFailed(batch.count);
      throw error;
    }
  }

  #enqueue(item: QueuedItem, batch?: Batch): Delivery {
    const delivery = new Delivery();
    const onSettled = (): void => this.#track(this.#finish(item));
    delivery.settled.then(onSettled, onSettled);
    this.#backlog.add({ item, delivery }, batch);
    return delivery;
  }

  #track(finishing: Promise<void>): void {
    const tracked = finishing.finally(() => this.#finishing.delete(tracked));
    this.#finishing.add(tracked);
  }

  async #work(): Promise<void> {
    const isDone = (): boolean => this.#isClosing;
    while (!this.#sending.signal.aborted) {
      const load = await this.#line.take(isDone);
      if (load === undefined) return;
      await this.#send(load);
    }
  }

  async #send(load: Load): Promise<void> {
    const { signal } = this.#sending;
    try {
      await this.#next.consume(this.#merged(load), signal);
      this.#settle(load);
    } catch (error) {
      // Unsettled, what is kept stays, and the next process sends it.
      if (signal.aborted && this.#keeper?.isPersistent === true) return;
      this.#giveUp(load, error, 'dropped data that could not be sent');
    }
  }

  #merged({ parts, client }: Load): Batch {
    const joined = join(parts.map(({ batch }) => batch));
    const merged = client === undefined ? joined : sentBy(joined, client);
    if (this.#context.settings.batch !== undefined) this.#context.counters.merged(merged);
    return merged;
  }

  #giveUp(load: Load, error: unknown, message: string): void {
    const items = load.parts.reduce((sum, { batch }) => sum + batch.count, 0);
    this.#context.counters.dropped(items);
    this.#context.logger.error({ items, reason: messageOf(error) }, message);
    this.#settle(load, { error });
  }

  /** Whatever of its batches is now sent or given up whole is done with. */
  #settle(load: Load, failure?: { readonly error: unknown }): void {
    for (const { delivery } of load.parts) delivery.done(failure);
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
    this.#backlog.release(item);
    this.#line.release(item.size);
    this.#report();
  }

  /** A damaged item has been set aside; what could not be read stays for the next process. */
  #leaveOut(item: QueuedItem, error: unknown): void {
    if (error !== undefined) {
      const reason = messageOf(error);
      this.#context.logger.error({ reason }, 'a queued batch cannot be read; it stays where it is');
    }
    this.#line.release(item.size);
    this.#report();
  }

  async #dropRest(): Promise<void> {
    for (;;) {
      const load = await this.#line.take(() => true);
      if (load === undefined) return;
      const error = new PipelineError('not_running', 'shutting down');
      this.#giveUp(load, error, 'dropped queued data at shutdown');
    }
  }

  #report(): void {
    this.#context.counters.size(this.#line.size, this.#line.sizeMax);
  }
}
