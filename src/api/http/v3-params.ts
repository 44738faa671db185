/** The parameters of api_v3 searches: `query.serviceName` and friends, with their snake_case and
 *  older names. Times are RFC 3339 with up to nine digits of a second. */

import { parseGoDuration } from '../../lib/go-duration.ts';
import { QueryError } from '../../query/error.ts';
import type { SearchFields } from '../../query/search-filter.ts';
import type { TimeRange } from '../../storage/contract.ts';

const DEFAULT_DEPTH = 100;
const DEPTH_MAX = 10_000;
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

export interface V3Search {
  readonly fields: SearchFields;
  readonly range: TimeRange;
  readonly limit: number;
  readonly raw: boolean;
}

export function parseV3Search(query: URLSearchParams): V3Search {
  if (pick(query, ['query.filter']) !== undefined) {
    throw malformed('query.filter', 'structured filters are not enabled');
  }
  const startNano = required(query, ['query.startTimeMin', 'query.start_time_min']);
  const endNano = required(query, ['query.startTimeMax', 'query.start_time_max']);
  if (startNano >= endNano) {
    throw malformed('query.startTimeMin', 'start time must be before end time');
  }
  return {
    fields: {
      service: pick(query, ['query.serviceName', 'query.service_name']),
      operation: pick(query, ['query.operationName', 'query.operation_name']),
      tags: attributes(query),
      minDurationNano: duration(query, ['query.durationMin', 'query.duration_min']),
      maxDurationNano: duration(query, ['query.durationMax', 'query.duration_max']),
    },
    range: { startNano, endNano },
    limit: depth(query),
    raw: isTrue(query, ['query.rawTraces', 'query.raw_traces']),
  };
}

/** Where a trace may lie, from startTime and endTime; both or none. */
export function parseV3Range(query: URLSearchParams): TimeRange | undefined {
  const startNano = time(query, ['startTime', 'start_time']);
  const endNano = time(query, ['endTime', 'end_time']);
  if (startNano === undefined || endNano === undefined) return undefined;
  return { startNano, endNano };
}

export function isTrue(query: URLSearchParams, names: readonly [string, ...string[]]): boolean {
  const text = pick(query, names);
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw malformed(names[0], `"${text}" is neither true nor false`);
}

/** The value of the first of these names that is given and not empty. */
export function pick(query: URLSearchParams, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = query.get(name);
    if (value !== null && value !== '') return value;
  }
  return undefined;
}

export function malformed(name: string, why: string): QueryError {
  return new QueryError('bad_request', `malformed parameter ${name}: ${why}`);
}

/** Nanoseconds since 1970; undefined when the text is no RFC 3339 time. */
export function parseRfc3339(text: string): bigint | undefined {
  const [, seconds, fraction = '', zone] = RFC3339.exec(text) ?? [];
  const ms = Date.parse(`${seconds}${zone}`);
  if (seconds === undefined || Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

function required(query: URLSearchParams, names: readonly [string, ...string[]]): bigint {
  const value = time(query, names);
  if (value === undefined) throw malformed(names[0], 'it is required');
  return value;
}

function time(query: URLSearchParams, names: readonly [string, ...string[]]): bigint | undefined {
  const text = pick(query, names);
  if (text === undefined) return undefined;
  const nano = parseRfc3339(text);
  if (nano === undefined)
    throw malformed(names[0], `"${text}" is not a time like 2026-01-02T03:04:05Z`);
  return nano;
}

function duration(
  query: URLSearchParams,
  names: readonly [string, ...string[]],
): bigint | undefined {
  const text = pick(query, names);
  if (text === undefined) return undefined;
  const nano = parseGoDuration(text);
  if (nano === undefined) throw malformed(names[0], `time: invalid duration "${text}"`);
  return nano;
}

function depth(query: URLSearchParams): number {
  const names = ['query.searchDepth', 'query.search_depth', 'query.num_traces'] as const;
  const text = pick(query, names);
  if (text === undefined) return DEFAULT_DEPTH;
  const limit = Number(text);
  if (!/^-?\d+$/.test(text) || limit > DEPTH_MAX) {
    throw malformed(names[0], `"${text}" is not a whole number up to ${DEPTH_MAX}`);
  }
  return limit <= 0 ? DEFAULT_DEPTH : limit;
}

function attributes(query: URLSearchParams): [string, string][] {
  const text = pick(query, ['query.attributes']);
  if (text === undefined) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  const entries: [string, unknown][] = isObject ? Object.entries(parsed ?? {}) : [];
  if (!isObject || entries.some(([, value]) => typeof value !== 'string')) {
    throw malformed('query.attributes', 'expected a JSON object of strings');
  }
  return entries.map(([key, value]) => [key, String(value)]);
}
