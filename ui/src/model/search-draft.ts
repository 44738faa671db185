/** The search form's state: text as typed, and back to the URL's parameters. */

import { parseDuration } from './duration.ts';
import {
  limitOf,
  lookbackOf,
  type Order,
  readSearchParams,
  type SearchParams,
  tagsOf,
} from './search-params.ts';
import { formatTags, parseTags, tagsToJson } from './tags.ts';

export interface Draft {
  readonly service: string;
  readonly operation: string;
  readonly tags: string;
  readonly minDuration: string;
  readonly maxDuration: string;
  /** "custom": `start` and `end` count. */
  readonly lookback: string;
  /** As <input type="datetime-local"> has them. */
  readonly start: string;
  readonly end: string;
  readonly limit: number;
}

export function draftOf(params: SearchParams): Draft {
  return {
    service: params.service ?? '',
    operation: params.operation ?? '',
    tags: formatTags(tagsOf(params)),
    minDuration: params.minDuration ?? '',
    maxDuration: params.maxDuration ?? '',
    lookback: lookbackOf(params),
    start: toLocalInput(params.start),
    end: toLocalInput(params.end),
    limit: limitOf(params),
  };
}

/** The parameters, or the first field that cannot be understood. */
export function paramsOf(
  draft: Draft,
  order: Order | undefined,
): { params: SearchParams } | { problem: keyof Draft } {
  const tags = parseTags(draft.tags);
  if ('badAt' in tags) return { problem: 'tags' };
  const minDuration = normalDuration(draft.minDuration);
  if (minDuration === undefined) return { problem: 'minDuration' };
  const maxDuration = normalDuration(draft.maxDuration);
  if (maxDuration === undefined) return { problem: 'maxDuration' };
  const isCustom = draft.lookback === 'custom';
  const start = isCustom ? fromLocalInput(draft.start) : undefined;
  const end = isCustom ? fromLocalInput(draft.end) : undefined;
  if (isCustom && (start === undefined || (end !== undefined && end <= start))) {
    return { problem: 'start' };
  }
  const params = readSearchParams({
    service: draft.service,
    operation: draft.operation,
    tags: tagsToJson(tags.tags),
    minDuration,
    maxDuration,
    lookback: draft.lookback,
    start,
    end,
    limit: draft.limit,
    order,
  });
  return { params };
}

/** µs since 1970 as local wall time to the second. */
export function toLocalInput(micros: number | undefined): string {
  if (micros === undefined) return '';
  const date = new Date(micros / 1000);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

function fromLocalInput(text: string): number | undefined {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? undefined : ms * 1000;
}

/** As Go writes it, since the API reads that; undefined when it is no duration. */
function normalDuration(text: string): string | undefined {
  const compact = text.replaceAll(/\s+/g, '').replaceAll('min', 'm');
  if (compact === '') return '';
  return parseDuration(compact) === undefined ? undefined : compact;
}
