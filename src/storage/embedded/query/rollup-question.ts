/** What of an aggregate a rollup can be asked: durations by service, name and kind, in whole minutes. */

import type { AggregateQuery } from '../../contract.ts';
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
  /** Minutes since 1970: from the first, up to but without the last. */
  readonly minutes: readonly [from: number, to: number];
  readonly stepMinutes: number | undefined;
}

/** undefined when only the spans can tell. Throws RegexError. */
export function rollupQuestion(query: AggregateQuery): RollupQuestion | undefined {
  const { range, stepNano, value } = query;
  const isOfDuration =
    value === undefined || (value.kind === 'intrinsic' && value.name === 'durationNano');
  const isWhole = [range.startNano, range.endNano, stepNano ?? 0n].every(
    (nano) => nano % MINUTE_NANO === 0n,
  );
  const filter = operationFilter(query.filter);
  const groupBy = query.groupBy.map(operationField).filter((field) => field !== undefined);
  if (!isOfDuration || !isWhole || filter === undefined) return undefined;
  if (groupBy.length < query.groupBy.length) return undefined;
  return {
    query,
    groupBy,
    test: filter.test,
    asksName: filter.asksName || groupBy.includes('name'),
    minutes: [Number(range.startNano / MINUTE_NANO), Number(range.endNano / MINUTE_NANO)],
    stepMinutes: stepNano === undefined ? undefined : Number(stepNano / MINUTE_NANO),
  };
}
