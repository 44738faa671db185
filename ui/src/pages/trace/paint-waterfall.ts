/** Paints the waterfall behind its rows: backgrounds, guides, grid, bars, critical path, events.
 *  Runs every frame of a scroll (bench/ui.ts), for the rows in view only. */

import type { TraceColumns } from '../../../../src/model/trace/columns.ts';
import { isErrorRow } from '../../model/trace-model.ts';
import { mergedSegments } from '../../model/critical-spans.ts';
import type { TraceState } from '../../state/trace-store.ts';
import type { Tokens } from '../../styles/read-tokens.ts';
import { BAR_HEIGHT, type Geometry, indentOf, ROW_HEIGHT } from './geometry.ts';

export interface Frame {
  readonly geometry: Geometry;
  readonly state: TraceState;
  readonly tokens: Tokens;
  /** Offset of the view's top in rows' pixels. */
  readonly offset: number;
  /** Places among the visible rows. */
  readonly first: number;
  readonly last: number;
  readonly hover: number;
  /** x of the time cursor, -1 for none. */
  readonly cursorX: number;
  readonly ticks: readonly number[];
}

const BAR_TOP = (ROW_HEIGHT - BAR_HEIGHT) / 2;
const BAR_MIN = 2;

export class WaterfallPainter {
  /** Merged critical paths of folded rows: costly for a folded root, and asked for every frame. */
  readonly #folded = new Map<number, Float64Array>();
  #foldedFor: unknown;

  paint(context: CanvasRenderingContext2D, frame: Frame): void {
    const { geometry, state } = frame;
    const { derived } = state.model;
    if (this.#foldedFor !== derived) {
      this.#folded.clear();
      this.#foldedFor = derived;
    }
    context.clearRect(0, 0, geometry.width, geometry.height);
    paintBackgrounds(context, frame);
    paintGrid(context, frame);
    paintGuides(context, frame);
    context.save();
    context.beginPath();
    context.rect(geometry.nameWidth + 1, 0, geometry.width - geometry.nameWidth, geometry.height);
    context.clip();
    for (let i = frame.first; i < frame.last; i++) this.#paintRow(context, frame, i);
    if (frame.cursorX >= 0) {
      context.fillStyle = frame.tokens.accent;
      context.fillRect(Math.round(frame.cursorX), 0, 1, geometry.height);
    }
    context.restore();
  }

  #paintRow(context: CanvasRenderingContext2D, frame: Frame, index: number): void {
    const { state, geometry, tokens } = frame;
    const { columns, colours } = state.model;
    const row = state.rows[index] ?? 0;
    const top = index * ROW_HEIGHT - frame.offset + BAR_TOP;
    const { left, right } = extentOf(frame, row);
    if (right <= geometry.nameWidth || left >= geometry.width) {
      paintOutside(context, frame, { top, isLeft: right <= geometry.nameWidth });
      return;
    }
    const colour = colours[columns.serviceIds[row] ?? 0] ?? 0;
    context.fillStyle = tokens.services[colour] ?? tokens.accent;
    bar(context, { left, top, width: right - left });
    if (state.showPath) this.#paintPath(context, frame, { row, top });
    paintEvents(context, frame, { row, top });
    if (!isErrorRow(columns, row)) return;
    paintErrorMark(context, tokens, { x: Math.min(right, geometry.width - 6), top });
  }

  #paintPath(
    context: CanvasRenderingContext2D,
    frame: Frame,
    at: { row: number; top: number },
  ): void {
    const segments = this.#segments(frame, at.row);
    context.fillStyle = frame.tokens.critical;
    let painted = -1;
    for (let i = 0; i < segments.length; i += 2) {
      const from = timeX(frame, segments[i] ?? 0);
      const to = timeX(frame, segments[i + 1] ?? 0);
      if (to <= painted || to < frame.geometry.nameWidth) continue;
      if (from > frame.geometry.width) break;
      const left = Math.max(from, painted, frame.geometry.nameWidth);
      const right = Math.max(left + 1, Math.min(to, frame.geometry.width));
      context.fillRect(left, at.top + BAR_HEIGHT - 3, right - left, 3);
      painted = right;
    }
  }

  #segments({ state }: Frame, row: number): Float64Array {
    const { derived, columns } = state.model;
    if (derived === undefined) return NO_SEGMENTS;
    const known = this.#folded.get(row * 2 + (isFoldedAt(state, row) ? 1 : 0));
    if (known !== undefined) return known;
    const end = isFoldedAt(state, row) ? (columns.ends[row] ?? row + 1) : row + 1;
    const segments = mergedSegments(derived.critical, row, end);
    if (this.#folded.size > SEGMENTS_KEPT) this.#folded.clear();
    this.#folded.set(row * 2 + (isFoldedAt(state, row) ? 1 : 0), segments);
    return segments;
  }
}

const NO_SEGMENTS = new Float64Array(0);
const SEGMENTS_KEPT = 5000;

export function timeX(
  { geometry, state }: Pick<Frame, 'geometry' | 'state'>,
  nano: number,
): number {
  const { from, to } = state.window;
  return geometry.timeLeft + ((nano - from) / (to - from)) * geometry.timeWidth;
}

export function isFoldedAt({ model, fold }: TraceState, row: number): boolean {
  return (model.columns.depths[row] ?? 0) >= fold.depth !== fold.exceptions.has(row);
}

/** Where a row's bar begins and ends, cut to the canvas. */
function extentOf(frame: Frame, row: number): { left: number; right: number } {
  const { geometry, state } = frame;
  const start = state.model.columns.starts[row] ?? 0;
  const duration = Math.max(0, state.model.columns.durations[row] ?? 0);
  const from = timeX(frame, start);
  const to = Math.max(timeX(frame, start + duration), from + BAR_MIN);
  return { left: Math.max(geometry.nameWidth, from), right: Math.min(geometry.width, to) };
}

function paintBackgrounds(context: CanvasRenderingContext2D, frame: Frame): void {
  const { state, geometry, tokens, offset, first, last, hover } = frame;
  for (let i = first; i < last; i++) {
    const row = state.rows[i] ?? 0;
    const top = i * ROW_HEIGHT - offset;
    if (row === state.selected) context.fillStyle = tokens.selection;
    else if (i === hover) context.fillStyle = tokens.rowHover;
    else if (!state.matchSet.has(row)) continue;
    else {
      context.fillStyle = tokens.match;
      context.fillRect(0, top, geometry.nameWidth, ROW_HEIGHT);
      continue;
    }
    context.fillRect(0, top, geometry.width, ROW_HEIGHT);
    if (!state.matchSet.has(row)) continue;
    context.fillStyle = tokens.match;
    context.fillRect(0, top, geometry.nameWidth, ROW_HEIGHT);
  }
}

function paintGrid(context: CanvasRenderingContext2D, frame: Frame): void {
  const { geometry, tokens, ticks } = frame;
  context.fillStyle = tokens.grid;
  for (const tick of ticks) context.fillRect(Math.round(timeX(frame, tick)), 0, 1, geometry.height);
  context.fillStyle = tokens.line;
  context.fillRect(geometry.nameWidth, 0, 1, geometry.height);
}

/** A line a level. Deeper than `levelsMax` all share the last. */
function paintGuides(context: CanvasRenderingContext2D, frame: Frame): void {
  const { state, geometry, tokens, offset, first, last } = frame;
  context.fillStyle = tokens.guide;
  for (let i = first; i < last; i++) {
    const depth = state.model.columns.depths[state.rows[i] ?? 0] ?? 0;
    const top = i * ROW_HEIGHT - offset;
    const levels = Math.min(depth, geometry.levelsMax);
    for (let level = 0; level < levels; level++) {
      context.fillRect(indentOf(level, geometry) + 8, top, 1, ROW_HEIGHT);
    }
  }
}

function bar(
  context: CanvasRenderingContext2D,
  { left, top, width }: { left: number; top: number; width: number },
): void {
  if (width < 5) {
    context.fillRect(left, top, width, BAR_HEIGHT);
    return;
  }
  context.beginPath();
  context.roundRect(left, top, width, BAR_HEIGHT, 2.5);
  context.fill();
}

/** The span lies before or after the shown window: an arrow at that side. */
function paintOutside(
  context: CanvasRenderingContext2D,
  { geometry, tokens }: Frame,
  { top, isLeft }: { top: number; isLeft: boolean },
): void {
  const x = isLeft ? geometry.nameWidth + 6 : geometry.width - 6;
  const tip = isLeft ? x - 4 : x + 4;
  const middle = top + BAR_HEIGHT / 2;
  context.fillStyle = tokens.muted;
  context.beginPath();
  context.moveTo(tip, middle);
  context.lineTo(x, middle - 3.5);
  context.lineTo(x, middle + 3.5);
  context.fill();
}

function paintEvents(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { row, top }: { row: number; top: number },
): void {
  const columns: TraceColumns = frame.state.model.columns;
  const last = columns.eventStarts[row + 1] ?? 0;
  context.fillStyle = frame.tokens.tick;
  context.globalAlpha = 0.65;
  let painted = -9;
  for (let i = columns.eventStarts[row] ?? 0; i < last; i++) {
    const x = Math.round(timeX(frame, columns.eventTimes[i] ?? 0));
    if (x < painted + 2) continue;
    context.fillRect(x, top - 2, 1, BAR_HEIGHT + 4);
    painted = x;
  }
  context.globalAlpha = 1;
}

/** A diamond at the bar's end: errors are told by shape as well as by colour. */
function paintErrorMark(
  context: CanvasRenderingContext2D,
  tokens: Tokens,
  { x, top }: { x: number; top: number },
): void {
  const middle = top + BAR_HEIGHT / 2;
  context.fillStyle = tokens.error;
  context.strokeStyle = tokens.surface;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x, middle - 5.5);
  context.lineTo(x + 5.5, middle);
  context.lineTo(x, middle + 5.5);
  context.lineTo(x - 5.5, middle);
  context.closePath();
  context.stroke();
  context.fill();
}
