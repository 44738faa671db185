/** What the search page asks the API, as query options. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { type SearchParams, toApiQuery } from '../model/search-params.ts';
import { apiUrl, getJson } from './client.ts';
import type { AttributeKeysResponse, SearchResponse } from '#contract';

export function servicesQuery() {
  return queryOptions({
    queryKey: ['services'],
    queryFn: async ({ signal }) => {
      const answer = await getJson<{ services?: string[] }>(apiUrl('api/v3/services'), signal);
      return answer.services ?? [];
    },
  });
}

export function operationsQuery(service: string) {
  return queryOptions({
    queryKey: ['operations', service],
    enabled: service !== '',
    queryFn: async ({ signal }) => {
      const url = apiUrl('api/v3/operations', { service });
      const answer = await getJson<{ operations?: { name: string }[] }>(url, signal);
      return [...new Set((answer.operations ?? []).map(({ name }) => name))];
    },
  });
}

export function attributeKeysQuery() {
  return queryOptions({
    queryKey: ['attribute-keys'],
    queryFn: async ({ signal }) => {
      const answer = await getJson<AttributeKeysResponse>(
        apiUrl('api/spoor/attribute-keys'),
        signal,
      );
      return [...new Set(answer.keys.map(({ key }) => key))].sort();
    },
  });
}

/** Pages of one search. `askedAtMs` fixes "now", so that all pages speak of one time range. */
export function searchQuery(params: SearchParams, askedAtMs: number) {
  return infiniteQueryOptions({
    queryKey: ['search', params, askedAtMs],
    initialPageParam: '',
    queryFn: ({ signal, pageParam }) => {
      const query = toApiQuery(params, askedAtMs);
      if (pageParam !== '') query['cursor'] = pageParam;
      return getJson<SearchResponse>(apiUrl('api/spoor/search', query), signal);
    },
    getNextPageParam: (last) => last.cursor,
  });
}
