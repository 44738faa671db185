/** Puts timeout, retries and queue around an exporter that sends once. From the outside in:
 *  queue, counting, retry, timeout, exporter. Without a queue the caller waits for the sending. */
import { PipelineError, type Batch, type Consumer, type Signal } from '../../component/consumer.ts';
import type { CreateContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { keyValueStorage, type SendingSettings } from '../../component/sending.ts';
import { itemNames } from '../../component/telemetry.ts';
import { PersistentKeeper } from './persistent-keeper.ts';
import { type Keeper, MemoryKeeper, type Sizer } from './queue.ts';
import { QueueSender } from './queue-sender.ts';
import { retrying } from './retry.ts';
import { timeLimited } from './timeout.ts';

export interface SendingPlace extends Omit<CreateContext<unknown>, 'config'> {
  readonly signal: Signal;
  /** Counts what was sent and what was given up. */
  counting(sending: Consumer<Batch>): Consumer<Batch>;
}

export type Sender = Lifecycle & Consumer<Batch>;

/** To be supervised like a component, started after and stopped before the exporter. */
export function aroundSending(
  attempt: Consumer<Batch>,
  settings: SendingSettings,
  place: SendingPlace,
): Sender {
  const { clock, logger } = place;
  const stopping = new AbortController();
  const once = timeLimited(attempt, settings.timeout, clock);
  const retry = { clock, logger, random: Math.random, stopping: stopping.signal };
  const sent = place.counting(retrying(once, settings.retry_on_failure, retry));
  const inner = settings.sending_queue === undefined ? sent : queued(sent, settings, place);
  return {
    start: async () => (inner instanceof QueueSender ? inner.start() : undefined),
    consume: (batch, signal) => inner.consume(batch, signal),
    async stop(deadline) {
      stopping.abort(new PipelineError('not_running', 'shutting down', { retryable: true }));
      if (inner instanceof QueueSender) await inner.stop(deadline);
    },
  };
}

function queued(
  next: Consumer<Batch>,
  settings: SendingSettings,
  place: SendingPlace,
): Consumer<Batch> {
  const { sending_queue: queue } = settings;
  if (queue === undefined) return next;
  return new QueueSender(next, {
    settings: queue,
    logger: place.logger,
    counters: countersOf(place),
    openKeeper: (sizer) => openKeeper(place, queue.storage, sizer),
  });
}

async function openKeeper(
  { host, id, signal, logger }: SendingPlace,
  storage: string | undefined,
  sizer: Sizer,
): Promise<Keeper> {
  if (storage === undefined) return new MemoryKeeper();
  const lender = host.find(keyValueStorage, storage);
  if (lender === undefined) {
    throw new PipelineError('not_running', `there is no storage extension "${storage}"`, {
      hint: 'name it in service::extensions',
    });
  }
  return new PersistentKeeper(await lender.client(`exporter_${id}_${signal}`), sizer, logger);
}

function countersOf({ telemetry, id, signal }: SendingPlace) {
  const labelNames = ['exporter', 'data_type'] as const;
  const labels = { exporter: id, data_type: signal };
  const item = itemNames[signal];
  const enqueueFailed = telemetry.counter({
    name: `otelcol_exporter_enqueue_failed_${item}_total`,
    help: `Number of ${item} that could not be added to the sending queue.`,
    labels: labelNames,
  });
  const dropped = telemetry.counter({
    name: `otelcol_exporter_dropped_${item}_total`,
    help: `Number of queued ${item} given up after permanent failure, too many retries or shutdown.`,
    labels: labelNames,
  });
  const size = telemetry.gauge({
    name: 'otelcol_exporter_queue_size',
    help: 'Current size of the sending queue, in the unit of its sizer.',
    labels: labelNames,
  });
  const capacity = telemetry.gauge({
    name: 'otelcol_exporter_queue_capacity',
    help: 'Bound of the sending queue, in the unit of its sizer.',
    labels: labelNames,
  });
  return {
    enqueueFailed: (items: number) => enqueueFailed.labels(labels).inc(items),
    dropped: (items: number) => dropped.labels(labels).inc(items),
    size(now: number, most: number) {
      size.labels(labels).set(now);
      capacity.labels(labels).set(most);
    },
  };
}
