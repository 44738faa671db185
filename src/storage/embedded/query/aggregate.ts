/** Aggregates: from rollups where these say all that is asked, else from the spans. */

import { messageOf } from '../../../lib/errors.ts';
import { StorageError, type AggregateQuery, type AggregateResult } from '../../contract.ts';
import { DayFileReplaced } from '../red/day-file.ts';
import { aggregateRollups, type RollupContext } from './aggregate-rollups.ts';
import { aggregateSpans } from './aggregate-spans.ts';
import type { ReadContext } from './read-context.ts';
import type { RedCache } from './red-cache.ts';
import { type RollupQuestion, rollupQuestion } from './rollup-question.ts';

const GROUP_FIELDS_MAX = 8;
const GROUPS_MAX = 10_000;
const STEPS_MAX = 11_000;
/** Points of an answer: groups times buckets of time. */
const POINTS_MAX = 1_000_000;
const QUANTILES_MAX = 20;
/** Days change when retention takes a file: seldom twice while a query reads them. */
const ATTEMPTS_MAX = 5;

/** Throws StorageError 'invalid' for what cannot be answered in bounds. */
export function checkAggregate(query: AggregateQuery): void {
  const { groupBy, groupsMax, quantiles = [] } = query;
  if (groupBy.length > GROUP_FIELDS_MAX) {
    throw invalid(`grouping by ${groupBy.length} fields is more than ${GROUP_FIELDS_MAX}`);
  }
  if (!Number.isSafeInteger(groupsMax) || groupsMax < 1 || groupsMax > GROUPS_MAX) {
    throw invalid(`the number of groups must be between 1 and ${GROUPS_MAX}`);
  }
  if (quantiles.length > QUANTILES_MAX || quantiles.some((quantile) => !isShare(quantile))) {
    throw invalid(`at most ${QUANTILES_MAX} quantiles between 0 and 1 can be asked for`);
  }
  if (query.stepNano !== undefined) checkSteps(query, query.stepNano);
}

function checkSteps({ groupBy, groupsMax, range }: AggregateQuery, stepNano: bigint): void {
  if (stepNano <= 0n) throw invalid('the step must be longer than nothing');
  const steps = (range.endNano - range.startNano) / stepNano + 1n;
  if (steps > STEPS_MAX) {
    throw invalid(`${steps} steps are more than ${STEPS_MAX}`, 'ask for longer steps');
  }
  if (groupBy.length === 0 || Number(steps) * groupsMax <= POINTS_MAX) return;
  throw invalid(
    `${groupsMax} groups of ${steps} steps are more than ${POINTS_MAX} points`,
    'ask for fewer groups or longer steps',
  );
}

function isShare(quantile: number): boolean {
  return quantile >= 0 && quantile <= 1;
}

function invalid(message: string, hint?: string): StorageError {
  return new StorageError('invalid', message, { hint });
}

export interface RollupSource {
  /** The files, and what is counted of those that are gone, as of one moment. */
  readonly pin: () => Pick<RollupContext, 'manifest' | 'rollups'>;
  /** Resolves when the days that are being written are. */
  readonly settled: () => Promise<void>;
  readonly cache: RedCache;
  readonly signal?: AbortSignal | undefined;
}

/** undefined when only the spans can tell. */
export async function aggregateFromRollups(
  query: AggregateQuery,
  { pin, settled, cache, signal }: RollupSource,
): Promise<AggregateResult | undefined> {
  const question = questionOf(query);
  if (question === undefined) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const warnings: string[] = [];
    const onWarning = (warning: string) => void warnings.push(warning);
    const pinned = pin();
    try {
      const found = await aggregateRollups({ ...pinned, cache, signal, onWarning }, question);
      return found && { ...found, from: 'rollups', warnings };
    } catch (error) {
      if (!(error instanceof DayFileReplaced)) throw error;
    } finally {
      pinned.manifest.release();
    }
    await settled();
  }
  throw new StorageError('unavailable', 'the rollups changed all the while they were read', {
    retryable: true,
  });
}

function questionOf(query: AggregateQuery): RollupQuestion | undefined {
  try {
    return rollupQuestion(query);
  } catch (cause) {
    throw new StorageError('invalid', messageOf(cause), { cause });
  }
}

/** `context` has the fresh rows, as for a search. */
export async function aggregateFromSpans(
  context: ReadContext,
  query: AggregateQuery,
): Promise<AggregateResult> {
  const warnings = new Set<string>();
  const warned: ReadContext = {
    ...context,
    onWarning: (warning) => {
      warnings.add(warning);
      context.onWarning(warning);
    },
  };
  const answer = await aggregateSpans(warned, query);
  return { ...answer, from: 'spans', warnings: [...warnings] };
}
