/** A trace as the page holds it: its columns and what the worker made of them. */

import { RowFlag, type TraceColumns } from '../../../src/model/trace/columns.ts';
import { assignColours } from './service-colour.ts';
import type { CriticalSpans } from './critical-spans.ts';
import type { Minimap } from './minimap.ts';

export interface Derived {
  readonly critical: CriticalSpans;
  readonly selfTimes: Float64Array;
  readonly minimap: Minimap & { readonly errors: Uint8Array };
}

export interface TraceModel {
  readonly columns: TraceColumns;
  /** Colour of each service id. */
  readonly colours: readonly number[];
  /** 1 where a descendant has an error. */
  readonly errorBelow: Uint8Array;
  readonly summary: TraceCounts;
  /** Arrives a moment after the rest. */
  readonly derived: Derived | undefined;
}

export interface TraceCounts {
  readonly errors: number;
  readonly orphans: number;
  /** Levels, 1 for a lone span. */
  readonly levels: number;
  /** Spans of each service id. */
  readonly spansByService: Uint32Array;
}

export function makeTraceModel(columns: TraceColumns): TraceModel {
  return {
    columns,
    colours: assignColours(columns.services),
    errorBelow: errorsBelow(columns),
    summary: countTrace(columns),
    derived: undefined,
  };
}

export function isErrorRow({ flags }: TraceColumns, row: number): boolean {
  return ((flags[row] ?? 0) & RowFlag.error) !== 0;
}

/** Backwards, a row's own answer is complete before its parent asks. */
function errorsBelow(columns: TraceColumns): Uint8Array {
  const below = new Uint8Array(columns.count);
  for (let row = columns.count - 1; row > 0; row--) {
    const parent = columns.parents[row] ?? -1;
    if (parent >= 0 && (below[row] === 1 || isErrorRow(columns, row))) below[parent] = 1;
  }
  return below;
}

function countTrace(columns: TraceColumns): TraceCounts {
  const spansByService = new Uint32Array(columns.services.length);
  let errors = 0;
  let orphans = 0;
  let deepest = 0;
  for (let row = 0; row < columns.count; row++) {
    const flags = columns.flags[row] ?? 0;
    if ((flags & RowFlag.error) !== 0) errors++;
    if ((flags & RowFlag.orphan) !== 0) orphans++;
    deepest = Math.max(deepest, columns.depths[row] ?? 0);
    const service = columns.serviceIds[row] ?? 0;
    spansByService[service] = (spansByService[service] ?? 0) + 1;
  }
  return { errors, orphans, levels: deepest + 1, spansByService };
}
