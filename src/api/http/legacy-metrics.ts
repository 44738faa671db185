/** Jaeger's metrics routes, which its Monitor tab reads: latencies, calls and errors of services over
 *  time, each point of the `ratePer` before it. What Jaeger asks of Prometheus is counted here already,
 *  by the minute. The answer is a MetricFamily as protobuf's JSON has it, without an envelope. */

import { type Filter, intrinsic } from '../../filter/ast.ts';
import { QueryError } from '../../query/error.ts';
import { type Window, windowOf } from '../../query/measures.ts';
import type { AggregateQuery, AggregateSeries, TraceReader } from '../../storage/contract.ts';
import { badRequest, parseMillis, parseSpanKind } from './legacy-params.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MINUTE_NANO = 60_000_000_000n;
const POINTS_MAX = 11_000;
/** Series times minutes asked of the store. */
const CELLS_MAX = 500_000;

/** Counts are kept by the minute. */
export const MIN_STEP_MS = MINUTE_MS;

export type MetricName = 'latencies' | 'calls' | 'errors';

interface MetricsQuery {
  readonly services: readonly string[];
  readonly byOperation: boolean;
  readonly endMs: number;
  readonly lookbackMs: number;
  readonly stepMs: number;
  readonly ratePerMs: number;
  readonly kinds: readonly string[];
  /** Of latencies. */
  readonly quantile: number;
}

const FAMILIES: Record<MetricName, { readonly name: string; readonly help: string }> = {
  latencies: { name: 'latencies', help: 'latency in milliseconds at the quantile' },
  calls: { name: 'call_rate', help: 'calls a second' },
  errors: { name: 'error_rate', help: 'calls in error as a part of all calls' },
};

export interface MetricsContext {
  readonly reader: TraceReader;
  readonly tenant: string;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

export async function metricFamily(
  metric: MetricName,
  params: URLSearchParams,
  { reader, tenant, nowMs, signal }: MetricsContext,
): Promise<object> {
  if (reader.aggregate === undefined) {
    const message = 'trace metrics are currently disabled - no metrics backend configured';
    throw new QueryError('unsupported', message);
  }
  const query = parseMetricsQuery(metric, params, nowMs);
  const { series } = await reader.aggregate(aggregateQuery(query, tenant), signal);
  const { name, help } = FAMILIES[metric];
  const group = query.byOperation ? 'service_operation' : 'service';
  return {
    name: `${group}_${name}`,
    type: 'GAUGE',
    help: `${help}, grouped by ${query.byOperation ? 'service & operation' : 'service'}`,
    metrics: series
      .filter(({ isRest }) => !isRest)
      .map((one) => ({ labels: labelsOf(one), metricPoints: pointsOf(metric, query, one) })),
  };
}

function parseMetricsQuery(
  metric: MetricName,
  params: URLSearchParams,
  nowMs: number,
): MetricsQuery {
  const services = params.getAll('service').filter((service) => service !== '');
  if (services.length === 0) throw badRequest("parameter 'service' is required");
  const quantileText = params.get('quantile') ?? '';
  if (metric === 'latencies' && quantileText === '') {
    throw badRequest("unable to parse param 'quantile': it is required");
  }
  const quantile = Number(quantileText);
  if (!(quantile >= 0 && quantile <= 1)) {
    throw badRequest(`unable to parse param 'quantile': "${quantileText}" is not from 0 to 1`);
  }
  const kinds = params.getAll('spanKind').map((text) => parseSpanKind(text) ?? 'server');
  const query = {
    services,
    byOperation: params.get('groupByOperation') === 'true',
    endMs: parseMillis(params, 'endTs', nowMs),
    lookbackMs: parseMillis(params, 'lookback', HOUR_MS),
    stepMs: parseMillis(params, 'step', 5000),
    ratePerMs: Math.max(MINUTE_MS, parseMillis(params, 'ratePer', 10 * MINUTE_MS)),
    kinds: kinds.length === 0 ? ['server'] : kinds,
    quantile,
  };
  if (query.stepMs < 1) throw badRequest("unable to parse param 'step': it is not positive");
  if (query.lookbackMs / query.stepMs > POINTS_MAX) {
    throw badRequest(`'lookback' has more than ${POINTS_MAX} steps: ask for a longer 'step'`);
  }
  return query;
}

/** Minutes that some point's window has a part of. */
function aggregateQuery(query: MetricsQuery, tenant: string): AggregateQuery {
  const { services, kinds, byOperation, endMs, lookbackMs, ratePerMs } = query;
  const from = Math.floor(Math.max(0, endMs - lookbackMs - ratePerMs) / MINUTE_MS) - 1;
  const to = Math.ceil(endMs / MINUTE_MS);
  const isIn = (name: 'service' | 'kind', values: readonly string[]): Filter => ({
    op: 'in',
    field: intrinsic(name),
    values,
  });
  return {
    tenant,
    range: {
      startNano: BigInt(Math.max(0, from)) * MINUTE_NANO,
      endNano: BigInt(to) * MINUTE_NANO,
    },
    filter: { op: 'and', of: [isIn('service', services), isIn('kind', kinds)] },
    groupBy: [intrinsic('service'), ...(byOperation ? [intrinsic('name')] : [])],
    groupsMax: Math.max(1, Math.min(1000, Math.floor(CELLS_MAX / (to - from + 1)))),
    stepNano: MINUTE_NANO,
    histogram: true,
  };
}

function labelsOf({ group: [service, operation] }: AggregateSeries) {
  return [
    { name: 'service_name', value: String(service) },
    ...(operation === undefined ? [] : [{ name: 'operation', value: String(operation) }]),
  ];
}

function pointsOf(metric: MetricName, query: MetricsQuery, { points }: AggregateSeries) {
  const { endMs, lookbackMs, stepMs, ratePerMs } = query;
  const windows = new Map<number, Window>();
  const windowAt = (ms: number): Window => {
    // Whole minutes, so that a point has all of each minute it counts.
    const end = Math.ceil(ms / MINUTE_MS);
    const known = windows.get(end);
    if (known !== undefined) return known;
    const start = end - Math.ceil(ratePerMs / MINUTE_MS);
    const range = { startNano: BigInt(start) * MINUTE_NANO, endNano: BigInt(end) * MINUTE_NANO };
    const window = windowOf(points, range);
    windows.set(end, window);
    return window;
  };
  const found = [];
  for (let ms = endMs - lookbackMs; ms <= endMs; ms += stepMs) {
    const value = valueOf(metric, windowAt(ms), query);
    found.push({
      gaugeValue: { doubleValue: Number.isNaN(value) ? 'NaN' : value },
      timestamp: new Date(ms).toISOString(),
    });
  }
  return found;
}

function valueOf(metric: MetricName, window: Window, query: MetricsQuery): number {
  switch (metric) {
    case 'calls':
      return window.spans / (Math.ceil(query.ratePerMs / MINUTE_MS) * 60);
    case 'errors':
      return window.spans === 0 ? Number.NaN : window.errors / window.spans;
    case 'latencies':
      return (window.quantile(query.quantile) ?? Number.NaN) / 1e6;
  }
}
