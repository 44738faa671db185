/** The search page's URL. Jaeger's own parameters are read as they are, so its links work:
 *  service, operation, tags (JSON), tag=k:v, minDuration, maxDuration, lookback or start and end in
 *  µs, limit. `order` is ours. */

import { type Tag, tagFromColon, tagsFromJson, tagsToJson } from './tags.ts';

export const ORDERS = [
  'newest',
  'oldest',
  'longest',
  'shortest',
  'mostSpans',
  'mostErrors',
] as const;
export type Order = (typeof ORDERS)[number];

export const LOOKBACKS = ['5m', '15m', '1h', '3h', '6h', '12h', '24h', '2d', '7d', '14d'] as const;
export const LIMITS = [20, 50, 100, 200, 500, 1000, 1500] as const;
const DEFAULT_LOOKBACK = '1h';
const DEFAULT_LIMIT = 20;
const LIMIT_MAX = 1500;

export interface SearchParams {
  readonly service?: string;
  readonly operation?: string;
  /** A JSON object of strings. */
  readonly tags?: string;
  readonly minDuration?: string;
  readonly maxDuration?: string;
  /** "1h"; "custom" with start and end. */
  readonly lookback?: string;
  readonly start?: number;
  readonly end?: number;
  readonly limit?: number;
  readonly order?: Order;
}

/** Search parameters as the router reads them: a string, or many of one name. */
export type RawParams = Readonly<Record<string, unknown>>;

export function readSearchParams(raw: RawParams): SearchParams {
  const tags = readTags(raw);
  const lookback = text(raw['lookback']);
  const hasRange = raw['start'] !== undefined && isCustom(lookback);
  const limit = Math.min(count(raw['limit']) ?? 0, LIMIT_MAX);
  const order = ORDERS.find((candidate) => candidate === raw['order']);
  return dropEmpty({
    service: text(raw['service']),
    operation: allToNothing(text(raw['operation'])),
    tags: tagsToJson(tags),
    minDuration: text(raw['minDuration']),
    maxDuration: text(raw['maxDuration']),
    lookback: hasRange ? 'custom' : readLookback(lookback),
    start: hasRange ? count(raw['start']) : undefined,
    end: hasRange ? count(raw['end']) : undefined,
    limit: limit === DEFAULT_LIMIT || limit < 1 ? undefined : limit,
    order: order === 'newest' ? undefined : order,
  });
}

export function tagsOf(params: SearchParams): Tag[] {
  return params.tags === undefined ? [] : tagsFromJson(params.tags);
}

export function limitOf(params: SearchParams): number {
  return params.limit ?? DEFAULT_LIMIT;
}

export function lookbackOf(params: SearchParams): string {
  return params.lookback ?? DEFAULT_LOOKBACK;
}

/** "90m" in µs; undefined when it is not a lookback. */
export function lookbackMicros(lookback: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(lookback);
  const unit = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }[match?.[2] ?? ''];
  return unit === undefined ? undefined : Number(match?.[1]) * unit * 1e6;
}

/** The query of the API. A lookback is counted back from `nowMs`. */
export function toApiQuery(params: SearchParams, nowMs: number): Record<string, string> {
  const span = lookbackMicros(lookbackOf(params)) ?? lookbackMicros(DEFAULT_LOOKBACK) ?? 0;
  const end = params.end ?? nowMs * 1000;
  const start = params.start ?? end - span;
  return dropEmpty({
    service: params.service,
    operation: params.operation,
    tags: params.tags,
    minDuration: params.minDuration,
    maxDuration: params.maxDuration,
    start: String(Math.round(start)),
    end: String(Math.round(end)),
    limit: String(limitOf(params)),
    order: params.order ?? 'newest',
  });
}

/** True when a name narrows the search: then "nothing found" has another remedy. */
export function isFiltered(params: SearchParams): boolean {
  const { service, operation, tags, minDuration, maxDuration } = params;
  return [service, operation, tags, minDuration, maxDuration].some((value) => value !== undefined);
}

function readTags(raw: RawParams): Tag[] {
  const legacy = list(raw['tag']).flatMap((one) => tagFromColon(one) ?? []);
  return [...list(raw['tags']).flatMap(tagsFromJson), ...legacy];
}

function isCustom(lookback: string | undefined): boolean {
  return lookback === undefined || lookback === 'custom';
}

function readLookback(lookback: string | undefined): string | undefined {
  if (lookback === undefined || lookbackMicros(lookback) === undefined) return undefined;
  return lookback === DEFAULT_LOOKBACK ? undefined : lookback;
}

/** Jaeger's own links spell "any operation" as "all". */
function allToNothing(operation: string | undefined): string | undefined {
  return operation === 'all' ? undefined : operation;
}

function list(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === 'string');
}

function text(value: unknown): string | undefined {
  const first = list(value)[0]?.trim();
  return first === '' ? undefined : first;
}

function count(value: unknown): number | undefined {
  const number = typeof value === 'number' ? value : Number(text(value) ?? Number.NaN);
  return Number.isFinite(number) && number >= 0 ? Math.floor(number) : undefined;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function dropEmpty<T extends object>(value: T): Defined<T>;
function dropEmpty(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
}
