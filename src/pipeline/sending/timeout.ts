/** Ends an attempt to send that takes too long. Trying again may help. */
import { PipelineError, type Batch, type Consumer } from '../../component/consumer.ts';
import type { Clock } from '../../lib/clock.ts';

export function timeLimited(
  next: Consumer<Batch>,
  timeoutMs: number,
  clock: Clock,
): Consumer<Batch> {
  if (timeoutMs === 0) return next;
  return {
    async consume(batch, signal) {
      const attempt = new AbortController();
      const late = new PipelineError('timed_out', `no answer within ${timeoutMs} ms`, {
        retryable: true,
      });
      const timer = clock.after(timeoutMs, () => attempt.abort(late));
      try {
        await next.consume(batch, AbortSignal.any([signal, attempt.signal]));
      } catch (error) {
        throw attempt.signal.aborted && !signal.aborted ? late : error;
      } finally {
        timer.cancel();
      }
    },
  };
}
