/** What one sees of a trace, as a value, and its form in the URL. */

import { spanIdAt, type TraceColumns } from '../../../src/model/trace/columns.ts';
import { EXCEPTIONS_MAX, type Fold, UNFOLDED } from './fold.ts';
import { formatRange, parseRange, type TraceParams } from './trace-params.ts';
import { clampWindow, isWhole, type TimeWindow } from './time-window.ts';

export interface TraceView {
  readonly window: TimeWindow;
  readonly fold: Fold;
  /** The open span's row, -1 for none. */
  readonly selected: number;
  readonly find: string;
  readonly showPath: boolean;
}

export function viewFromParams(params: TraceParams, columns: TraceColumns): TraceView {
  const [from, to] = parseRange(params.range) ?? [0, columns.durationNano];
  return {
    window: clampWindow({ from, to }, columns.durationNano),
    fold: foldFromParams(params, columns),
    selected: params.span === undefined ? -1 : rowOfSpan(columns, params.span),
    find: params.uiFind ?? '',
    showPath: params.path !== 'off',
  };
}

export function paramsFromView(view: TraceView, columns: TraceColumns): TraceParams {
  const params: { -readonly [K in keyof TraceParams]: TraceParams[K] } = {};
  const { window, fold } = view;
  if (view.selected >= 0) params.span = spanIdAt(columns, view.selected);
  if (view.find !== '') params.uiFind = view.find;
  if (!isWhole(window, columns.durationNano)) params.range = formatRange(window.from, window.to);
  if (Number.isFinite(fold.depth)) params.depth = fold.depth;
  const exceptions = [...fold.exceptions].slice(0, EXCEPTIONS_MAX);
  if (exceptions.length > 0) {
    params.fold = exceptions.map((row) => spanIdAt(columns, row)).join('.');
  }
  if (!view.showPath) params.path = 'off';
  return params;
}

/** The first row with a span id; -1 when the trace has none. */
export function rowOfSpan(columns: TraceColumns, spanId: string): number {
  return rowsOfSpans(columns, new Set([spanId]))[0] ?? -1;
}

/** Rows of many ids, ascending. */
export function rowsOfSpans(columns: TraceColumns, spanIds: ReadonlySet<string>): number[] {
  const wanted = new Set([...spanIds].map((id) => BigInt(`0x${id}`)));
  const { buffer, byteOffset } = columns.spanIds;
  const view = new DataView(buffer, byteOffset, columns.count * 8);
  const rows: number[] = [];
  for (let row = 0; row < columns.count; row++) {
    if (wanted.has(view.getBigUint64(row * 8))) rows.push(row);
  }
  return rows;
}

function foldFromParams(params: TraceParams, columns: TraceColumns): Fold {
  const ids = (params.fold ?? '').split('.').filter((id) => id.length === 16);
  const exceptions = ids.length === 0 ? [] : rowsOfSpans(columns, new Set(ids));
  if (params.depth === undefined && exceptions.length === 0) return UNFOLDED;
  return { depth: params.depth ?? UNFOLDED.depth, exceptions: new Set(exceptions) };
}
