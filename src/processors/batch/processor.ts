/** Groups small batches into larger ones by count or age, whichever comes first.
 *
 *  With a timeout of at most a second the callers wait until their merged batch has been accepted
 *  further down, so an acknowledgement means as much as without this processor; a failure goes to
 *  every caller of that batch. With a longer timeout it acknowledges at once, and a crash or a
 *  refusal further down loses what it held: `validate` says which of the two applies. */
import {
  forWaiting,
  PipelineError,
  sentBy,
  type Batch,
  type Consumer,
} from '../../component/consumer.ts';
import { defineProcessor, type ProcessorContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import type { Timer } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Client } from '../../model/batch/client.ts';
import { BatchConfig } from './config.ts';
import { join } from '../../component/batching/join.ts';
import { Delivery, Lane, type Part } from '../../component/batching/lane.ts';
import { laneKey } from '../../component/batching/lane-key.ts';
import { BatchMetrics, type Trigger } from './metrics.ts';

/** Callers wait for a timeout up to this. */
const forwardingTimeoutMaxMs = 1000;

/** Bytes waiting or being sent; past it callers are refused, retryably. */
const heldBytesMax = 128 * 2 ** 20;

export const component = defineProcessor({
  type: 'batch',
  stability: 'stable',
  summary: 'Groups data into larger batches.',
  signals: ['traces', 'metrics', 'logs'],
  config: BatchConfig,
  ack: ({ timeout }) =>
    forwards(timeout)
      ? { kind: 'forwards' }
      : { kind: 'memory', where: `its timeout is above ${forwardingTimeoutMaxMs} ms` },
  create: (context) => new Batcher(context),
});

function forwards(timeoutMs: number): boolean {
  return timeoutMs <= forwardingTimeoutMaxMs;
}

interface TimedLane {
  readonly key: string;
  readonly lane: Lane;
  readonly client: Client | undefined;
  timer: Timer | undefined;
}

/** What is sent at once. */
interface Load {
  readonly parts: readonly Part[];
  readonly client: Client | undefined;
}

export class Batcher implements Lifecycle, Consumer<Batch> {
  readonly #context: ProcessorContext<BatchConfig, Batch>;
  readonly #metrics: BatchMetrics;
  readonly #lanes = new Map<string, TimedLane>();
  readonly #sending = new Set<Promise<void>>();
  readonly #giveUp = new AbortController();
  #heldBytes = 0;

  constructor(context: ProcessorContext<BatchConfig, Batch>) {
    this.#context = context;
    this.#metrics = new BatchMetrics(context.telemetry, context.id);
  }

  async consume(given: Batch): Promise<void> {
    if (given.count === 0) return;
    const batch = forWaiting(given);
    const lane = this.#laneFor(batch);
    const delivery = new Delivery();
    lane.lane.add({ batch, delivery });
    this.#hold(batch, delivery);
    this.#sendFull(lane);
    if (forwards(this.#context.config.timeout)) await delivery.settled;
  }

  async stop(signal: AbortSignal): Promise<void> {
    const giveUp = () => this.#giveUp.abort(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    for (const lane of this.#lanes.values()) this.#sendAll(lane, 'stop');
    await Promise.all(this.#sending);
    signal.removeEventListener('abort', giveUp);
  }

  #hold({ byteSize }: Batch, delivery: Delivery): void {
    this.#heldBytes += byteSize;
    const release = () => {
      this.#heldBytes -= byteSize;
    };
    delivery.settled.then(release, release);
  }

  #laneFor(batch: Batch): TimedLane {
    if (this.#heldBytes + batch.byteSize > heldBytesMax && this.#heldBytes > 0) {
      throw overloaded(`${this.#context.id} holds ${this.#heldBytes} bytes already`);
    }
    const { config, id } = this.#context;
    const { text: key, client } = laneKey(batch, config.metadata_keys);
    const known = this.#lanes.get(key);
    if (known) return known;
    if (this.#lanes.size >= config.metadata_cardinality_limit) {
      throw overloaded(`${id} batches for ${this.#lanes.size} tenants or headers already`);
    }
    const lane: TimedLane = { key, client, lane: new Lane(), timer: undefined };
    this.#lanes.set(key, lane);
    this.#metrics.lanes(this.#lanes.size);
    return lane;
  }

  /** Sends while there is a full batch, or everything without a timeout, and lets the rest wait. */
  #sendFull(timed: TimedLane): void {
    const { send_batch_size: size, timeout } = this.#context.config;
    if (timeout === 0) {
      this.#sendAll(timed, 'size');
      return;
    }
    const full = size === 0 ? Number.POSITIVE_INFINITY : size;
    for (; timed.lane.size >= full;) this.#send(timed, 'size');
    if (timed.lane.isEmpty) this.#drop(timed);
    else
      timed.timer ??= this.#context.clock.after(timeout, () => {
        this.#sendAll(timed, 'timeout');
      });
  }

  #sendAll(timed: TimedLane, trigger: Trigger): void {
    while (!timed.lane.isEmpty) this.#send(timed, trigger);
    this.#drop(timed);
  }

  #drop(timed: TimedLane): void {
    timed.timer?.cancel();
    this.#lanes.delete(timed.key);
    this.#metrics.lanes(this.#lanes.size);
  }

  #send({ lane, client }: TimedLane, trigger: Trigger): void {
    const parts = lane.take(this.#context.config.send_batch_max_size);
    const sending = this.#deliver({ parts, client }, trigger).finally(() =>
      this.#sending.delete(sending),
    );
    this.#sending.add(sending);
  }

  /** Settles every part; never rejects. */
  async #deliver(load: Load, trigger: Trigger): Promise<void> {
    const failure = await this.#trySend(load, trigger);
    for (const { delivery } of load.parts) delivery.done(failure);
  }

  async #trySend({ parts, client }: Load, trigger: Trigger) {
    let count = 0;
    try {
      const joined = join(parts.map((part) => part.batch));
      const merged = client === undefined ? joined : sentBy(joined, client);
      count = merged.count;
      this.#metrics.sent(merged, trigger);
      await this.#context.next.consume(merged, this.#giveUp.signal);
      return undefined;
    } catch (error) {
      if (!forwards(this.#context.config.timeout)) {
        const fields = { items: count, error: messageOf(error) };
        this.#metrics.lost(count);
        this.#context.logger.warn(fields, 'acknowledged data was refused further down and is lost');
      }
      return { error };
    }
  }
}

function overloaded(message: string): PipelineError {
  return new PipelineError('overloaded', message, { retryable: true, retryAfterMs: 1000 });
}
