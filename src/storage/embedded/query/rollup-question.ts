/** What of an aggregate a rollup can be asked: durations by service, name and kind, in whole minutes.
 *  Where a range begins or ends within a minute, the spans of that part of a minute are left over. */

import type { AggregateQuery, TimeRange } from '../../contract.ts';
import { MINUTE_NANO } from '../red/partial.ts';
import {
  type OperationField,
  operationField,
  operationFilter,
  type OperationTest,
} from './operation-filter.ts';

export interface RollupQuestion {
  readonly query: AggregateQuery;
  readonly groupBy: readonly OperationField[];
  readonly test: OperationTest;
  /** Names of spans matter: operations that were counted together are no answer. */
  readonly asksName: boolean;
  /** Whole minutes of the range, since 1970: from the first, up to but without the last. */
  readonly minutes: readonly [from: number, to: number];
  /** What of the range lies before and behind them. */
  readonly edges: readonly TimeRange[];
  readonly stepMinutes: number | undefined;
  /** Histograms matter. */
  readonly needsBuckets: boolean;
}

/** undefined when only the spans can tell. Throws RegexError. */
export function rollupQuestion(query: AggregateQuery): RollupQuestion | undefined {
  const minutes = wholeMinutes(query);
  const filter = operationFilter(query.filter);
  const groupBy = query.groupBy.map(operationField).filter((field) => field !== undefined);
  if (minutes === undefined || filter === undefined || !isOfDuration(query)) return undefined;
  if (groupBy.length < query.groupBy.length) return undefined;
  const { stepNano, quantiles = [], histogram = false } = query;
  return {
    query,
    groupBy,
    test: filter.test,
    asksName: filter.asksName || groupBy.includes('name'),
    ...minutes,
    stepMinutes: stepNano === undefined ? undefined : Number(stepNano / MINUTE_NANO),
    needsBuckets: quantiles.length > 0 || histogram,
  };
}

function isOfDuration({ value }: AggregateQuery): boolean {
  return value === undefined || (value.kind === 'intrinsic' && value.name === 'durationNano');
}

/** undefined when there is none, or a bucket of time ends within one. */
function wholeMinutes({
  range: { startNano, endNano },
  stepNano = 0n,
}: AggregateQuery): Pick<RollupQuestion, 'minutes' | 'edges'> | undefined {
  const from = (startNano + MINUTE_NANO - 1n) / MINUTE_NANO;
  const to = endNano / MINUTE_NANO;
  if (from >= to || stepNano % MINUTE_NANO !== 0n) return undefined;
  const edges = [
    { startNano, endNano: from * MINUTE_NANO },
    { startNano: to * MINUTE_NANO, endNano },
  ];
  return {
    minutes: [Number(from), Number(to)],
    edges: edges.filter((edge) => edge.startNano < edge.endNano),
  };
}

/** The whole minutes as a range. */
export function innerRange({ minutes: [from, to] }: RollupQuestion): TimeRange {
  return { startNano: BigInt(from) * MINUTE_NANO, endNano: BigInt(to) * MINUTE_NANO };
}
