/** The parameters of api_v3 searches: `query.serviceName` and friends, with their snake_case and
 *  older names. Times are RFC 3339 with up to nine digits of a second. */

import type { Filter } from '../../filter/ast.ts';
import { withAllNames } from '../../filter/conventions.ts';
import { parseGoDuration } from '../../lib/go-duration.ts';
import { parseRfc3339 } from '../../lib/rfc3339.ts';
import { QueryError } from '../../query/error.ts';
import { type SearchFields, searchFilter } from '../../query/search-filter.ts';
import { parseStructuredFilter } from '../../query/structured-filter/parse.ts';
import type { TimeRange } from '../../storage/contract.ts';

const DEFAULT_DEPTH = 100;
const DEPTH_MAX = 10_000;

export interface V3Search {
  readonly filter: Filter | undefined;
  readonly range: TimeRange;
  readonly limit: number;
  readonly raw: boolean;
}

export function parseV3Search(query: URLSearchParams): V3Search {
  const startNano = required(query, ['query.startTimeMin', 'query.start_time_min']);
  const endNano = required(query, ['query.startTimeMax', 'query.start_time_max']);
  if (startNano >= endNano) {
    throw malformed('query.startTimeMin', 'start time must be before end time');
  }
  return {
    filter: parseFilter(query),
    range: { startNano, endNano },
    limit: depth(query),
    raw: isTrue(query, ['query.rawTraces', 'query.raw_traces']),
  };
}

const LEGACY_FIELDS = [
  ['query.serviceName', 'query.service_name'],
  ['query.operationName', 'query.operation_name'],
  ['query.attributes'],
  ['query.durationMin', 'query.duration_min'],
  ['query.durationMax', 'query.duration_max'],
] as const;

/** `query.filter` or the older fields, not both. With `query.allNames` an attribute is also found
 *  under the other names that OpenTelemetry's conventions gave it. */
function parseFilter(query: URLSearchParams): Filter | undefined {
  const structured = pick(query, ['query.filter']);
  const legacy = LEGACY_FIELDS.find((names) => pick(query, names) !== undefined);
  if (structured !== undefined && legacy !== undefined) {
    throw malformed('query.filter', `it cannot be mixed with ${legacy[0]}`);
  }
  const filter =
    structured === undefined
      ? searchFilter(legacyFields(query))
      : parseStructuredFilter(structured);
  const isAllNames = isTrue(query, ['query.allNames', 'query.all_names']);
  return filter !== undefined && isAllNames ? withAllNames(filter) : filter;
}

function legacyFields(query: URLSearchParams): SearchFields {
  return {
    service: pick(query, LEGACY_FIELDS[0]),
    operation: pick(query, LEGACY_FIELDS[1]),
    tags: attributes(query),
    minDurationNano: duration(query, LEGACY_FIELDS[3]),
    maxDurationNano: duration(query, LEGACY_FIELDS[4]),
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
