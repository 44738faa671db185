/** Numbers of many spans: rates, errors and durations of services, and aggregates of any spans. */

import type { FastifyInstance } from 'fastify';
import { allOf, type Field, type Filter, intrinsic, type Scalar } from '../../filter/ast.ts';
import { bucketStart } from '../../model/duration-histogram.ts';
import { QueryError } from '../../query/error.ts';
import { fieldOfText } from '../../query/field-text.ts';
import { secondsOf } from '../../query/measures.ts';
import type {
  AggregatePoint,
  AggregateQuery,
  AggregateResult,
  TimeRange,
  TraceReader,
} from '../../storage/contract.ts';
import {
  AggregateRequest,
  type AggregatePoint as PointAnswer,
  type AggregateResponse,
  MetricsRequest,
} from '../contract.ts';
import { duration } from './legacy-params.ts';
import type { QueryServerOptions } from './options.ts';
import { parseQuery, queryOf, signalOf } from './request.ts';

const MINUTE_NANO = 60_000_000_000n;
const HOUR_NANO = 60n * MINUTE_NANO;
/** Steps to choose from, and how many points of them are enough. */
const STEPS = [1n, 5n, 15n, 60n, 360n, 1440n].map((minutes) => minutes * MINUTE_NANO);
const STEPS_WANTED = 150n;

/** How the other routes read a search: its filter, and its range with an hour for a default. */
export interface SearchReading {
  readonly filterOf: (request: AggregateRequest, query: URLSearchParams) => Filter | undefined;
  readonly rangeOf: (request: Pick<AggregateRequest, 'start' | 'end'>) => TimeRange;
}

export function metricsRoutes(
  routes: FastifyInstance,
  { reader, tenant }: QueryServerOptions,
  { filterOf, rangeOf }: SearchReading,
): void {
  routes.get('/metrics', async (request, reply) => {
    const params = queryOf(request);
    const asked = parseQuery(MetricsRequest, params);
    const names = asked.by.split(',');
    const stepNano = metricsStep(params, rangeOf(asked));
    const query: AggregateQuery = {
      tenant,
      range: wholeSteps(rangeOf(asked), stepNano ?? MINUTE_NANO),
      filter: operationFilter(asked),
      groupBy: names.map((name) => fieldOfText(name === 'operation' ? 'name' : name)),
      groupsMax: asked.limit,
      stepNano,
      quantiles: quantilesOf(asked.quantiles),
    };
    const result = await aggregatesOf(reader)(query, signalOf(reply));
    return encodeAggregate(query, names, result);
  });

  routes.get('/aggregate', async (request, reply) => {
    const params = queryOf(request);
    const asked = parseQuery(AggregateRequest, params);
    const names = params.getAll('groupBy').filter((name) => name !== '');
    const query: AggregateQuery = {
      tenant,
      range: rangeOf(asked),
      filter: filterOf(asked, params),
      value: fieldOfText(asked.value),
      groupBy: names.map((name) => fieldOfText(name)),
      groupsMax: asked.limit,
      stepNano: duration(params, 'step'),
      quantiles: quantilesOf(asked.quantiles),
      histogram: asked.histogram === 'true',
    };
    const result = await aggregatesOf(reader)(query, signalOf(reply));
    return encodeAggregate(query, names, result);
  });
}

/** Throws QueryError 'unsupported' when the backend cannot. */
export function aggregatesOf(reader: TraceReader): NonNullable<TraceReader['aggregate']> {
  const aggregate = reader.aggregate?.bind(reader);
  if (aggregate !== undefined) return aggregate;
  throw new QueryError('unsupported', 'the storage backend of these traces has no aggregates');
}

function operationFilter({ service, operation, kind }: MetricsRequest): Filter | undefined {
  const equals = (field: Field, value: string | undefined): Filter | undefined =>
    value === undefined ? undefined : { op: 'compare', field, by: '=', value };
  return allOf([
    equals(intrinsic('service'), service),
    equals(intrinsic('name'), operation),
    equals(intrinsic('kind'), kind),
  ]);
}

/** undefined = none. */
function metricsStep(params: URLSearchParams, range: TimeRange): bigint | undefined {
  const asked = duration(params, 'step');
  if (asked !== undefined) return asked === 0n ? undefined : asked;
  const length = range.endNano - range.startNano;
  return STEPS.find((step) => length / step <= STEPS_WANTED) ?? STEPS.at(-1) ?? HOUR_NANO;
}

function wholeSteps({ startNano, endNano }: TimeRange, stepNano: bigint): TimeRange {
  const last = endNano - 1n;
  return {
    startNano: startNano - (startNano % stepNano),
    endNano: last - (last % stepNano) + stepNano,
  };
}

function quantilesOf(text: string): number[] {
  return text.split(',').map(Number);
}

function encodeAggregate(
  query: AggregateQuery,
  names: readonly string[],
  { series, quantileError, from, warnings }: AggregateResult,
): AggregateResponse {
  const { range, stepNano } = query;
  return {
    startNano: String(range.startNano),
    endNano: String(range.endNano),
    ...(stepNano === undefined ? {} : { stepNano: String(stepNano) }),
    series: series.map(({ group, isRest, points }) => ({
      group: names.map((field, i) => ({ field, ...encodeValue(group[i]) })),
      isRest,
      points: points.map((point) => encodePoint(point, query)),
    })),
    quantileError,
    from,
    warnings: [...warnings],
  };
}

type GroupAnswer = AggregateResponse['series'][number]['group'][number];

function encodeValue(value: Scalar | undefined): Pick<GroupAnswer, 'type' | 'value'> {
  if (value === undefined) return { type: null, value: null };
  return { type: typeOf(value), value: String(value) };
}

export function typeOf(value: Scalar): 'string' | 'int' | 'double' | 'bool' {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' ? 'int' : 'double';
}

function encodePoint(point: AggregatePoint, { range, stepNano }: AggregateQuery): PointAnswer {
  const { startNano, spans, errors, values, sum, min, max, histogram } = point;
  const seconds = secondsOf(point, range, stepNano);
  return {
    startNano: String(startNano),
    spans,
    errors,
    rate: seconds > 0 ? spans / seconds : 0,
    errorRatio: spans > 0 ? errors / spans : 0,
    values,
    sum,
    ...(values > 0 ? { average: sum / values } : {}),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    quantiles: [...point.quantiles],
    ...(histogram === undefined
      ? {}
      : {
          histogram: [...histogram]
            .toSorted(([a], [b]) => a - b)
            .map(([bucket, count]): [number, number] => [bucketStart(bucket), count]),
        }),
    exemplars: point.exemplars.map((exemplar) => ({ ...exemplar })),
  };
}
