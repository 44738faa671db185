/** Aggregates, done the slow and obvious way over plain objects. */

import type { Field, Scalar } from '../../filter/ast.ts';
import { SPAN_KINDS, STATUS_CODES } from '../../model/attribute.ts';
import type { AggregateQuery } from '../contract.ts';
import { isMatch, type KnownSpan, serviceOf, summarizeTrace } from './oracle.ts';
import type { PlainAttributes } from './plain-spans.ts';

export interface KnownPoint {
  readonly startNano: bigint;
  readonly spans: number;
  readonly errors: number;
  /** Ascending. */
  readonly values: readonly number[];
}

export interface KnownSeries {
  readonly group: readonly (Scalar | undefined)[];
  readonly isRest: boolean;
  readonly points: readonly KnownPoint[];
}

/** In any order. Throws when groups at the border of `groupsMax` have as many spans as each other:
 *  then which are the rest is a matter of taste. */
export function aggregate(
  all: readonly KnownSpan[],
  query: Omit<AggregateQuery, 'tenant'>,
): KnownSeries[] {
  const { range, filter, groupBy, groupsMax } = query;
  const matching = all.filter(
    (span) =>
      span.startNano >= range.startNano &&
      span.startNano < range.endNano &&
      (filter === undefined || isMatch(filter, { span, trace: summarizeTrace([span]) })),
  );
  const groups = [
    ...Map.groupBy(matching, (span) => keyOf(groupBy.map((field) => fieldOf(span, field)))),
  ].toSorted(([, a], [, b]) => b.length - a.length);
  const kept = groups.slice(0, groupsMax);
  const rest = groups.slice(groupsMax);
  const border = rest[0]?.[1].length;
  if (border !== undefined && border === kept.at(-1)?.[1].length)
    throw new Error('a tie at the border');
  const series = kept.map(([, spans]) => ({
    group: groupBy.map((field) => fieldOf(spans[0]!, field)),
    isRest: false,
    points: pointsOf(spans, query),
  }));
  if (rest.length === 0) return series;
  const points = pointsOf(
    rest.flatMap(([, spans]) => spans),
    query,
  );
  return [...series, { group: groupBy.map(() => undefined), isRest: true, points }];
}

/** Tells types apart, and what is not there. */
export function keyOf(group: readonly (Scalar | undefined)[]): string {
  return JSON.stringify(group.map((value) => `${typeof value} ${String(value)}`));
}

function pointsOf(
  spans: readonly KnownSpan[],
  { range, stepNano, value }: Omit<AggregateQuery, 'tenant'>,
): KnownPoint[] {
  const timeOf = ({ startNano }: KnownSpan) =>
    stepNano === undefined ? range.startNano : startNano - (startNano % stepNano);
  return [...Map.groupBy(spans, timeOf)]
    .map(([startNano, of]) => ({
      startNano,
      spans: of.length,
      errors: of.filter(({ status }) => status === 2).length,
      values: of
        .map((span) => numberOf(span, value))
        .filter((number) => number !== undefined)
        .toSorted((a, b) => a - b),
    }))
    .toSorted((a, b) => (a.startNano < b.startNano ? -1 : 1));
}

function numberOf(span: KnownSpan, field: Field | undefined): number | undefined {
  if (field?.kind !== 'attribute') return Math.max(0, Number(span.endNano - span.startNano));
  const value = attributeOf(span, field, ['bigint', 'number']);
  const number = value === undefined ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number + 0 : undefined;
}

function fieldOf(span: KnownSpan, field: Field): Scalar | undefined {
  if (field.kind === 'attribute') {
    return attributeOf(span, field, ['string', 'bigint', 'number', 'boolean']);
  }
  switch (field.name) {
    case 'service':
      return serviceOf(span);
    case 'name':
      return span.name ?? '';
    case 'kind':
      return SPAN_KINDS[span.kind ?? 0] ?? 'unspecified';
    case 'status':
      return STATUS_CODES[span.status ?? 0] ?? 'unset';
    case 'statusMessage':
      return span.statusMessage ?? '';
    case 'scopeName':
      return span.scope?.name ?? '';
    default:
      throw new Error(`the oracle does not group by ${field.name}`);
  }
}

function attributeOf(
  span: KnownSpan,
  { scope, key }: Extract<Field, { kind: 'attribute' }>,
  types: readonly string[],
): Scalar | undefined {
  const places: Record<string, PlainAttributes | undefined> = {
    span: span.attributes,
    resource: span.resource?.attributes,
    scope: span.scope?.attributes,
  };
  for (const name of scope === 'any' ? Object.keys(places) : [scope]) {
    for (const [own, value] of places[name] ?? []) {
      if (own !== key || !('value' in value)) continue;
      const scalar: unknown = value.value;
      if (isScalar(scalar) && types.includes(typeof scalar)) return scalar;
    }
  }
  return undefined;
}

function isScalar(value: unknown): value is Scalar {
  return ['string', 'bigint', 'number', 'boolean'].includes(typeof value);
}
