/** What a filter asks of a span that the summary of its trace knows: the service, and whether it is an
 *  error. Most searches ask for nothing else, and are answered without reading a row. */

import type { Filter } from '../../../filter/ast.ts';
import type { PartialSummary } from '../segment-index.ts';

export interface SummaryConditions {
  /** One of these; undefined = any. */
  readonly services?: ReadonlySet<string> | undefined;
  readonly isError: boolean;
  /** The filter asks for nothing else. */
  readonly isAll: boolean;
}

const ANY: SummaryConditions = { isError: false, isAll: true };
const UNKNOWN: SummaryConditions = { isError: false, isAll: false };
/** As Go reads booleans. */
const TRUE = new Set(['1', 't', 'T', 'true', 'True', 'TRUE']);

/** Of a span for which the filter is true. */
export function summaryConditions(filter: Filter | undefined): SummaryConditions {
  if (filter === undefined) return ANY;
  switch (filter.op) {
    case 'and':
      return filter.of.map(summaryConditions).reduce(both, ANY);
    case 'compare':
      return filter.by === '=' ? equals(filter.field, [filter.value]) : UNKNOWN;
    case 'in':
      return equals(filter.field, filter.values);
    case 'looseEquals':
      return filter.key === 'error' && TRUE.has(filter.text)
        ? { isError: true, isAll: true }
        : UNKNOWN;
    default:
      return UNKNOWN;
  }
}

function equals(
  field: Extract<Filter, { op: 'in' }>['field'],
  values: Extract<Filter, { op: 'in' }>['values'],
): SummaryConditions {
  if (field.kind !== 'intrinsic') return UNKNOWN;
  const texts = values.filter((value) => typeof value === 'string');
  if (field.name === 'service') return { services: new Set(texts), isError: false, isAll: true };
  const isError = field.name === 'status' && texts.length === 1 && texts[0] === 'error';
  return isError && values.length === 1 ? { isError, isAll: true } : UNKNOWN;
}

function both(a: SummaryConditions, b: SummaryConditions): SummaryConditions {
  const services =
    a.services === undefined || b.services === undefined
      ? (a.services ?? b.services)
      : new Set([...a.services].filter((name) => b.services?.has(name)));
  return { services, isError: a.isError || b.isError, isAll: a.isAll && b.isAll };
}

/** Whether a span of it meets the conditions. */
export function meets(summary: PartialSummary, { services, isError }: SummaryConditions): boolean {
  if (services === undefined) return !isError || summary.errorCount > 0;
  return summary.services.some(
    ({ name, errors }) => services.has(name) && (!isError || errors > 0),
  );
}
