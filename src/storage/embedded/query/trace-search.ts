/** Finds the ids of the traces that have a matching span, exactly and in order, page by page. */

import type { Cursor } from './cursor.ts';
import { findNewest, findOldest } from './by-start.ts';
import { findBySummary } from './by-summary.ts';
import { overlaps } from './file-rows.ts';
import type { ReadContext } from './read-context.ts';
import { type FoundTrace, SearchRows, type SpanSearch } from './search-rows.ts';

export interface FoundPage {
  readonly found: readonly FoundTrace[];
  /** Where the page ends; absent when nothing was found. */
  readonly end?: Cursor | undefined;
  readonly hasMore: boolean;
}

export async function findTraceIds(context: ReadContext, query: SpanSearch): Promise<FoundPage> {
  const search = new SearchRows(context, query);
  const all = await findAll(search);
  const found = all.slice(0, query.limit);
  const last = found.at(-1);
  const end = last === undefined ? undefined : search.cursorAt(last);
  return { found, end, hasMore: all.length > query.limit };
}

function findAll(search: SearchRows): Promise<FoundTrace[]> {
  const inRange = search.visible.filter((file) => overlaps(file, search.range));
  switch (search.order) {
    case 'newest':
      return findNewest(search, inRange);
    case 'oldest':
      return findOldest(search, inRange);
    default:
      return findBySummary(search, inRange, search.order);
  }
}
