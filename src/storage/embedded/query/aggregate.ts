/** Aggregates: from rollups where these say all that is asked but for parts of minutes, else from the
 *  spans. */

import { messageOf } from '../../../lib/errors.ts';
import { StorageError, type AggregateQuery, type AggregateResult } from '../../contract.ts';
import type { Manifest } from '../manifest.ts';
import { DAY_MINUTES, DayFileReplaced } from '../red/day-file.ts';
import type { RollupsNow } from '../red/rollups.ts';
import { aggregateRollups } from './aggregate-rollups.ts';
import { aggregateSpans, spanSeries } from './aggregate-spans.ts';
import { overlaps } from './file-rows.ts';
import type { ReadContext } from './read-context.ts';
import type { RedCache } from './red-cache.ts';
import { type RollupQuestion, rollupQuestion } from './rollup-question.ts';
import { DamageFound } from './verified-files.ts';

const GROUP_FIELDS_MAX = 8;
const GROUPS_MAX = 10_000;
const STEPS_MAX = 11_000;
/** Points of an answer: groups times buckets of time. */
const POINTS_MAX = 1_000_000;
const QUANTILES_MAX = 20;
/** Days change when retention takes a file, seldom twice while a query reads them; and files are
 *  found to be damaged one after the other. */
const ATTEMPTS_MAX = 100;
/** Of a range that ends within a minute, up to so many spans are asked themselves. */
const ROWS_ASKED_MAX = 200_000;

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
  /** The files, the newest rows as one when they are wanted, and what is counted of those that are
   *  gone, as of one moment. */
  readonly pin: (withFresh: boolean) => Promise<PinnedRollups>;
  /** Resolves when the days that are being written are. */
  readonly settled: () => Promise<void>;
  readonly cache: RedCache;
  /** The default is good but for tests. */
  readonly rowsAskedMax?: number | undefined;
}

export interface PinnedRollups {
  readonly context: ReadContext;
  readonly rollups: RollupsNow;
  /** What the answer lacks already. */
  readonly warnings: readonly string[];
}

/** undefined when only the spans can tell. */
export async function aggregateFromRollups(
  query: AggregateQuery,
  source: RollupSource,
): Promise<AggregateResult | undefined> {
  const question = questionOf(query);
  if (question === undefined) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const pinned = await source.pin(question.edges.length > 0);
    try {
      return await askPinned(pinned, question, source);
    } catch (error) {
      if (!(error instanceof DayFileReplaced || error instanceof DamageFound)) throw error;
    } finally {
      pinned.context.manifest.release();
    }
    await source.settled();
  }
  throw new StorageError('unavailable', 'the rollups changed all the while they were read', {
    retryable: true,
  });
}

async function askPinned(
  { context, rollups, warnings }: PinnedRollups,
  question: RollupQuestion,
  { cache, rowsAskedMax = ROWS_ASKED_MAX }: RollupSource,
): Promise<AggregateResult | undefined> {
  const isSplit = question.edges.length > 0;
  if (isSplit && isLittle(context.manifest, rollups, { question, rowsAskedMax })) return undefined;
  const { query } = question;
  const { context: warned, told } = collecting(context);
  const found = await aggregateRollups(
    {
      ...warned,
      rollups,
      cache,
      askSpans: (range, files) => spanSeries(warned, { ...query, range }, files),
    },
    question,
  );
  return found && { ...found, from: 'rollups', warnings: [...warnings, ...told] };
}

/** Few enough that the spans are asked for all: their quantiles are exact. */
function isLittle(
  { files, fresh }: Manifest,
  { days, waiting }: RollupsNow,
  { question, rowsAskedMax }: { question: RollupQuestion; rowsAskedMax: number },
): boolean {
  const { minutes, query } = question;
  const hasPast = [...days.keys()].some(
    (day) => (day + 1) * DAY_MINUTES > minutes[0] && day * DAY_MINUTES < minutes[1],
  );
  if (hasPast || waiting.length > 0) return false;
  const all = fresh === undefined ? files : [...files, fresh];
  const rows = all.reduce((sum, file) => sum + (overlaps(file, query.range) ? file.rows : 0), 0);
  return rows <= rowsAskedMax;
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
  const { context: warned, told } = collecting(context);
  const answer = await aggregateSpans(warned, query);
  return { ...answer, from: 'spans', warnings: [...told] };
}

/** What is told goes into the answer too. */
function collecting(context: ReadContext): { context: ReadContext; told: Set<string> } {
  const told = new Set<string>();
  const onWarning = (warning: string): void => {
    told.add(warning);
    context.onWarning(warning);
  };
  return { context: { ...context, onWarning }, told };
}
