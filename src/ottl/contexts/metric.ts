/** Conditions about metrics. */

import type { KeyValue } from '../../model/attribute.ts';
import { Temporality, type Metric, type MetricData } from '../../model/metrics.ts';
import type { Context, PathMatch } from '../context.ts';
import type { OttlFunction } from '../function.ts';
import { isEqual, mapOf, type Value, valueOf } from '../value.ts';
import { AROUND, type ItemAround } from './around.ts';
import { attributesPath, resourceOrScopePath } from './resource-scope.ts';

export interface MetricItem extends ItemAround {
  readonly metric: Metric;
}

/** In the order of their numbers in OTTL. */
const KINDS: readonly (MetricData['kind'] | 'none')[] = [
  'none',
  'gauge',
  'sum',
  'histogram',
  'exponential_histogram',
  'summary',
];

export const METRIC_ENUMS: Readonly<Record<string, bigint>> = Object.fromEntries([
  ...KINDS.map((kind, i) => [`METRIC_DATA_TYPE_${kind.toUpperCase()}`, BigInt(i)]),
  ...Object.entries(Temporality).map(([name, number]) => [
    `AGGREGATION_TEMPORALITY_${name.toUpperCase()}`,
    BigInt(number),
  ]),
]);

export const metricContext: Context<MetricItem> = {
  name: 'metric',
  enums: METRIC_ENUMS,
  path: metricPath,
  functions: {
    HasAttrKeyOnDatapoint: {
      parameters: ['key'],
      call: ([key = null], { item }) => somePoint(item, (entry) => entry.key === key),
    },
    HasAttrOnDatapoint: {
      parameters: ['key', 'value'],
      call: ([key = null, value = null], { item }) =>
        somePoint(item, (entry) => entry.key === key && isEqual(valueOf(entry.value), value)),
    },
  } satisfies Record<string, OttlFunction<MetricItem>>,
};

function somePoint({ metric }: MetricItem, test: (entry: KeyValue) => boolean): boolean {
  return metric.data?.points.some(({ attributes }) => attributes.some(test)) ?? false;
}

/** Paths of a metric without `metric.` in front. */
export function metricPath(
  names: readonly string[],
  firstKey: string | undefined,
): PathMatch<MetricItem> | undefined {
  const name = names.join('.');
  if (name === 'metadata') return attributesPath(({ metric }) => metric.metadata, firstKey);
  const read = FIELDS[name];
  if (read !== undefined) return { get: ({ metric }) => read(metric) };
  return resourceOrScopePath(names, firstKey, AROUND);
}

const FIELDS: Readonly<Record<string, (metric: Metric) => Value>> = {
  name: ({ name }) => name,
  description: ({ description }) => description,
  unit: ({ unit }) => unit,
  type: ({ data }) => BigInt(KINDS.indexOf(data?.kind ?? 'none')),
  aggregation_temporality: ({ data }) =>
    data !== undefined && 'temporality' in data ? BigInt(data.temporality) : null,
  is_monotonic: ({ data }) => (data?.kind === 'sum' ? data.isMonotonic : null),
  data_points: ({ data }) =>
    (data?.points ?? []).map(({ attributes }) => new Map([['attributes', mapOf(attributes)]])),
};
