/** The parameters of Jaeger's legacy search, with the messages its clients know. */

import { parseGoDuration } from '../../lib/go-duration.ts';
import { SPAN_KINDS, type SpanKind } from '../../model/attribute.ts';
import { QueryError } from '../../query/error.ts';
import type { SearchFields } from '../../query/search-filter.ts';
import type { TimeRange } from '../../storage/contract.ts';
import { parseTraceId } from '../trace-id.ts';

const TWO_DAYS_MS = 48 * 3600 * 1000;
const DEFAULT_LIMIT = 100;
const INT32_MAX = 2 ** 31 - 1;

export interface LegacySearch {
  /** Not empty: fetch these instead of searching. */
  readonly traceIds: readonly string[];
  readonly fields: SearchFields;
  /** A tag is also found under the other names that OpenTelemetry's conventions gave it. */
  readonly isAllNames: boolean;
  readonly range: TimeRange;
  readonly limit: number;
  readonly raw: boolean;
}

export function parseLegacySearch(query: URLSearchParams, nowMs: number): LegacySearch {
  const fields = parseFields(query);
  const traceIds = query.getAll('traceID').map(requireTraceId);
  if (traceIds.length === 0 && (fields.service ?? '') === '') {
    throw badRequest("parameter 'service' is required");
  }
  return {
    traceIds,
    fields,
    isAllNames: parseBoolean(query, 'allNames'),
    range: {
      startNano: micros(query, 'start') ?? BigInt(nowMs - TWO_DAYS_MS) * 1_000_000n,
      // Jaeger's end is the last microsecond that counts.
      endNano: (micros(query, 'end') ?? BigInt(nowMs) * 1_000_000n) + 1_000n,
    },
    limit: parseLimit(query),
    raw: parseBoolean(query, 'raw'),
  };
}

/** Optional hints where a trace lies. Both or none. */
export function parseRangeHint(query: URLSearchParams): TimeRange | undefined {
  const startNano = micros(query, 'start');
  const endNano = micros(query, 'end');
  if (startNano === undefined || endNano === undefined) return undefined;
  return { startNano, endNano: endNano + 1_000n };
}

export function parseBoolean(query: URLSearchParams, name: 'raw' | 'allNames'): boolean {
  const text = query.get(name) ?? '';
  if (!['', 'true', 'false', '1', '0', 't', 'f'].includes(text.toLowerCase())) {
    throw badRequest(
      `unable to parse param '${name}': strconv.ParseBool: parsing "${text}": invalid syntax`,
    );
  }
  return ['true', '1', 't'].includes(text.toLowerCase());
}

/** '' = every kind. */
export function parseSpanKind(text: string): SpanKind | undefined {
  if (text === '') return undefined;
  const kind = SPAN_KINDS.find((known) => known === text.toLowerCase());
  if (kind === undefined) throw badRequest(`unsupported span kind: '${text}'`);
  return kind;
}

/** Whole milliseconds, for dependencies. */
export function parseMillis(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name) ?? '';
  if (text === '') return fallback;
  if (!/^\d{1,15}$/.test(text)) throw unparsable(name, text);
  return Number(text);
}

export function requireTraceId(text: string): string {
  const traceId = parseTraceId(text);
  if (traceId === undefined) {
    throw badRequest(
      `malformed trace ID '${text}': expected up to 32 hexadecimal digits or base64`,
    );
  }
  return traceId;
}

export function badRequest(message: string): QueryError {
  return new QueryError('bad_request', message);
}

function parseFields(query: URLSearchParams): SearchFields {
  const minDurationNano = duration(query, 'minDuration');
  const maxDurationNano = duration(query, 'maxDuration');
  if (
    minDurationNano !== undefined &&
    maxDurationNano !== undefined &&
    minDurationNano > maxDurationNano
  ) {
    throw badRequest("'maxDuration' should be greater than 'minDuration'");
  }
  return {
    service: query.get('service') ?? undefined,
    operation: query.get('operation') ?? undefined,
    tags: [...query.getAll('tag').map(parseTag), ...query.getAll('tags').flatMap(parseTags)],
    minDurationNano,
    maxDurationNano,
  };
}

function parseTag(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 0) {
    throw badRequest(`malformed 'tag' parameter, expecting key:value, received: ${text}`);
  }
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** A JSON object of strings: `{"key":"value"}`. */
export function parseTags(text: string): [string, string][] {
  if (text === '') return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw badTags(text);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw badTags(text);
  return Object.entries(parsed).map(([key, value]: [string, unknown]) => {
    if (typeof value !== 'string') throw badTags(text);
    return [key, value];
  });
}

function badTags(text: string): QueryError {
  return badRequest(
    `malformed 'tags' parameter, cannot unmarshal JSON: expected an object of strings, received: ${text}`,
  );
}

function parseLimit(query: URLSearchParams): number {
  const text = query.get('limit') ?? '';
  if (text === '') return DEFAULT_LIMIT;
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit > INT32_MAX) throw unparsable('limit', text);
  return Math.max(1, limit);
}

function micros(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^\d{1,19}$/.test(text)) throw unparsable(name, text);
  return BigInt(text) * 1_000n;
}

export function duration(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  const nano = parseGoDuration(text);
  if (nano === undefined) {
    throw badRequest(`unable to parse param '${name}': time: invalid duration "${text}"`);
  }
  return nano;
}

function unparsable(name: string, text: string): QueryError {
  return badRequest(
    `unable to parse param '${name}': strconv.ParseInt: parsing "${text}": invalid syntax`,
  );
}
