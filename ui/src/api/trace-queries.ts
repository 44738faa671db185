/** What the trace page asks besides the columns. */
import { queryOptions } from '@tanstack/react-query';
import { apiUrl, getJson } from './client.ts';
import type { FindResponse, SpanDetail, SpanResponse } from '#contract';

/** All spans of the id: Zipkin's clients and servers share one. */
export function spanQuery(traceId: string, spanId: string) {
  return queryOptions({
    queryKey: ['span', traceId, spanId],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }): Promise<readonly SpanDetail[]> => {
      const url = apiUrl(`api/spoor/traces/${traceId}/spans/${spanId}`);
      const { span, others } = await getJson<SpanResponse>(url, signal);
      return [span, ...others];
    },
  });
}

export function findQuery(traceId: string, text: string) {
  return queryOptions({
    queryKey: ['find', traceId, text],
    enabled: text !== '',
    queryFn: async ({ signal }) => {
      const url = apiUrl(`api/spoor/traces/${traceId}/find`, { q: text });
      return (await getJson<FindResponse>(url, signal)).spanIds;
    },
  });
}
