/** One batch to several consumers. All of them are always asked, at the same time, and the answer
 *  waits for every one: what was acknowledged is where each branch promised it would be. Batches
 *  are sealed, so the branches share one. */
import { PipelineError, type Batch, type Consumer } from '../component/consumer.ts';
import { isRetryable, messageOf, SpoorError } from '../lib/errors.ts';

export function fanOut<T extends Batch>(branches: readonly Consumer<T>[]): Consumer<T> {
  const [only] = branches;
  if (only && branches.length === 1) return only;
  return {
    admit(bytes) {
      for (const branch of branches) branch.admit?.(bytes);
    },
    async consume(batch, signal) {
      const results = await Promise.allSettled(
        branches.map(async (branch) => branch.consume(batch, signal)),
      );
      const failures: unknown[] = results
        .filter((result) => result.status === 'rejected')
        .map(({ reason }) => reason);
      if (failures.length > 0) throw joined(failures, branches.length);
    },
  };
}

/** Retryable when trying again can help any branch. The client sends to all of them again, which
 *  the branches that had accepted must bear: delivery is at least once. */
function joined(failures: readonly unknown[], branchCount: number): PipelineError {
  const reasons = failures.map(messageOf).join('; ');
  const waits = failures.flatMap((failure) =>
    failure instanceof SpoorError ? (failure.retryAfterMs ?? []) : [],
  );
  return new PipelineError(
    'branch_failed',
    `${failures.length} of ${branchCount} branches failed: ${reasons}`,
    {
      retryable: failures.some(isRetryable),
      retryAfterMs: waits.length > 0 ? Math.max(...waits) : undefined,
      cause: failures[0],
    },
  );
}
