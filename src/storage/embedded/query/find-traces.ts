/** A page of traces: found by their matching spans, shown by their summaries. */

import type { TracePage, TraceQuery } from '../../contract.ts';
import type { ReadContext } from './read-context.ts';
import { summarize } from './summaries.ts';
import { findTraceIds } from './trace-search.ts';

export async function findTraces(context: ReadContext, query: TraceQuery): Promise<TracePage> {
  const warnings = new Set<string>();
  const warned: ReadContext = {
    ...context,
    onWarning: (warning) => {
      warnings.add(warning);
      context.onWarning(warning);
    },
  };
  const { traceIds, cursor } = await findTraceIds(warned, query);
  const traces = await summarize(warned, traceIds);
  return { traces, ...(cursor === undefined ? {} : { cursor }), warnings: [...warnings] };
}
