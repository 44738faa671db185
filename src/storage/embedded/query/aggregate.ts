/** Aggregates: from rollups where these say all that is asked, else from the spans. */

import { StorageError, type AggregateQuery, type AggregateResult } from '../../contract.ts';
import { aggregateSpans } from './aggregate-spans.ts';
import type { ReadContext } from './read-context.ts';

const GROUP_FIELDS_MAX = 8;
const GROUPS_MAX = 10_000;
const STEPS_MAX = 11_000;
/** Points of an answer: groups times buckets of time. */
const POINTS_MAX = 1_000_000;
const QUANTILES_MAX = 20;

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
