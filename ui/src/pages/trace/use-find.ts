/** Keeps the matches of the find text: what the page knows at once, then what the server adds. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { findQuery } from '../../api/trace-queries.ts';
import { findInColumns, unionRows } from '../../model/find.ts';
import { rowsOfSpans } from '../../model/trace-view.ts';
import type { TraceStore } from '../../state/trace-store.ts';
import { useTraceState } from './trace-context.ts';

const WAIT_MS = 200;

export function useFind(store: TraceStore): { readonly isSearching: boolean } {
  const find = useTraceState((state) => state.find);
  const traceId = useTraceState((state) => state.model.columns.traceId);
  const asked = useSettled(find.trim());
  const query = { ...findQuery(traceId, asked), placeholderData: keepPreviousData };
  const { data, isFetching, isPlaceholderData } = useQuery(query);
  useEffect(() => {
    const { columns } = store.getState().model;
    const here = findInColumns(columns, find);
    const isAnswered = data !== undefined && !isPlaceholderData && asked === find.trim();
    const there = isAnswered ? rowsOfSpans(columns, new Set(data)) : [];
    store.setMatches(unionRows(here, there));
  }, [store, find, asked, data, isPlaceholderData]);
  return { isSearching: isFetching || asked !== find.trim() };
}

/** The text once it has rested. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
