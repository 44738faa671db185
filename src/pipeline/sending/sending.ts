/** Puts timeout, retries and queue around an exporter that sends once. From the outside in:
 *  queue, merging, counting, retry, timeout, exporter. Without a queue the caller waits for the sending. */
import { PipelineError, type Batch, type Consumer, type Signal } from '../../component/consumer.ts';
import type { CreateContext } from '../../component/define.ts';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { keyValueStorage, type SendingSettings } from '../../component/sending.ts';
import { queueCounters } from './counters.ts';
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
    clock: place.clock,
    logger: place.logger,
    counters: queueCounters(place),
    openKeeper: (sizer) => openKeeper(place, queue.storage, sizer),
  });
}

async function openKeeper(
  { host, id, signal, logger }: SendingPlace,
  storage: string | undefined,
  sizer: Sizer,
): Promise<Keeper> {
  if (storage === undefined) return new MemoryKeeper(sizer);
  const lender = host.find(keyValueStorage, storage);
  if (lender === undefined) {
    throw new PipelineError('not_running', `there is no storage extension "${storage}"`, {
      hint: 'name it in service::extensions',
    });
  }
  return new PersistentKeeper(await lender.client(`exporter_${id}_${signal}`), sizer, logger);
}
