/** Sends until it works, cannot work, or has taken too long: exponential back-off with jitter, never
 *  shorter than what the peer asked for. */
import type { Batch, Consumer } from '../../component/consumer.ts';
import type { RetrySettings } from '../../component/sending.ts';
import type { Clock } from '../../lib/clock.ts';
import { isRetryable, messageOf, SpoorError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';

/** Intervals may be 0, or shrink to it: a peer that is away must not keep a core busy. */
const WAIT_MIN_MS = 10;

export interface RetryContext {
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** Aborted at shutdown: an attempt under way is finished, nothing is waited for any more. */
  readonly stopping: AbortSignal;
}

/** A consumer that retries the one behind it; without settings it passes through. */
export function retrying(
  next: Consumer<Batch>,
  settings: RetrySettings | undefined,
  context: RetryContext,
): Consumer<Batch> {
  if (settings === undefined) return next;
  return {
    consume: (batch, signal) =>
      sendWithRetries(() => next.consume(batch, signal), { settings, context, signal }),
  };
}

interface Attempts {
  readonly settings: RetrySettings;
  readonly context: RetryContext;
  readonly signal: AbortSignal;
}

async function sendWithRetries(
  send: () => Promise<void>,
  { settings, context, signal }: Attempts,
): Promise<void> {
  const { clock, logger, stopping } = context;
  const startedMs = clock.monotonicMs();
  let intervalMs = settings.initial_interval;
  for (;;) {
    try {
      await send();
      return;
    } catch (error) {
      if (!isRetryable(error) || signal.aborted || stopping.aborted) throw error;
      const planned = jittered(intervalMs, settings, context);
      const waitMs = Math.max(planned, askedMs(error), WAIT_MIN_MS);
      const elapsedMs = clock.monotonicMs() - startedMs + waitMs;
      if (settings.max_elapsed_time > 0 && elapsedMs > settings.max_elapsed_time) throw error;
      logger.info(
        { waitMs: Math.round(waitMs), reason: messageOf(error) },
        'sending failed, will retry',
      );
      await clock.sleep(waitMs, AbortSignal.any([signal, stopping]));
      intervalMs = Math.min(intervalMs * settings.multiplier, settings.max_interval);
    }
  }
}

function jittered(intervalMs: number, settings: RetrySettings, { random }: RetryContext): number {
  const spread = settings.randomization_factor * intervalMs;
  return intervalMs - spread + random() * 2 * spread;
}

function askedMs(error: unknown): number {
  return error instanceof SpoorError ? (error.retryAfterMs ?? 0) : 0;
}
