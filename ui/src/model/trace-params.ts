/** The trace page's URL: everything that makes up what one sees, so that a link shows the same to
 *  another person. `uiFind` is Jaeger's name, so its links work.
 *
 *  Folding is a level and exceptions: below `depth` all is folded, and the spans of `fold` are the
 *  other way round. "Collapse all" of a hundred thousand spans is then `depth=0`. */

import type { RawParams } from './search-params.ts';

export interface TraceParams {
  /** The open span, by id. */
  readonly span?: string;
  readonly uiFind?: string;
  /** "from-to", nanoseconds since the trace's start. */
  readonly range?: string;
  readonly depth?: number;
  /** Span ids, apart by dots. */
  readonly fold?: string;
  /** The critical path is shown unless this is "off". */
  readonly path?: 'off';
}

export function readTraceParams(raw: RawParams): TraceParams {
  const params: { -readonly [K in keyof TraceParams]: TraceParams[K] } = {};
  const span = text(raw['span'])?.toLowerCase();
  if (span !== undefined && /^[0-9a-f]{16}$/.test(span)) params.span = span;
  const uiFind = text(raw['uiFind']);
  if (uiFind !== undefined) params.uiFind = uiFind;
  const range = text(raw['range']);
  if (range !== undefined && parseRange(range) !== undefined) params.range = range;
  const depth = text(raw['depth']);
  if (depth !== undefined && /^\d{1,9}$/.test(depth)) params.depth = Number(depth);
  const fold = text(raw['fold']);
  if (fold !== undefined && /^[0-9a-f.]+$/.test(fold)) params.fold = fold;
  if (raw['path'] === 'off') params.path = 'off';
  return params;
}

/** [from, to) of a range parameter; undefined when it is none or empty. */
export function parseRange(range: string | undefined): readonly [number, number] | undefined {
  const match = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(range ?? '');
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2]);
  return from < to ? [from, to] : undefined;
}

export function formatRange(from: number, to: number): string {
  return `${Math.round(from)}-${Math.round(to)}`;
}

function text(value: unknown): string | undefined {
  const one: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof one === 'number') return String(one);
  return typeof one === 'string' && one !== '' ? one : undefined;
}
