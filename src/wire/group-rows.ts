/** Rows of a batch in the order OTLP wants them: by resource, then by scope, each in the order in
 *  which it first appears. */
import type { SpanBatch } from '../model/batch/span-batch.ts';

export interface ScopeRows {
  readonly scope: number;
  readonly rows: readonly number[];
}

export interface ResourceRows {
  readonly resource: number;
  readonly scopes: readonly ScopeRows[];
}

export function groupRows(batch: SpanBatch): ResourceRows[] {
  const { resources, scopes } = batch.spans.columns;
  const groups = new Map<number, Map<number, number[]>>();
  for (let row = 0; row < batch.count; row++) {
    const resource = entry(groups, resources[row] ?? 0, () => new Map<number, number[]>());
    entry(resource, scopes[row] ?? 0, (): number[] => []).push(row);
  }
  return [...groups].map(([resource, byScope]) => ({
    resource,
    scopes: [...byScope].map(([scope, rows]) => ({ scope, rows })),
  }));
}

function entry<V>(map: Map<number, V>, key: number, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
