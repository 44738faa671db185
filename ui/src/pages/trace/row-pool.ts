/** The rows in view as DOM: text that can be selected, read aloud and focused. A fixed pool is
 *  re-used as rows come and go, so a scroll creates nothing (bench/ui.ts). */

import { RowFlag, spanIdAt } from '../../../../src/model/trace/columns.ts';
import { formatDuration } from '../../model/duration.ts';
import { hasChildren } from '../../model/fold.ts';
import { isErrorRow } from '../../model/trace-model.ts';
import type { TraceState } from '../../state/trace-store.ts';
import { type Frame, isFoldedAt, timeX } from './paint-waterfall.ts';
import { indentOf, ROW_HEIGHT } from './geometry.ts';

/** Texts of the rows in the page's language. */
export interface RowWords {
  readonly error: string;
  readonly errorBelow: string;
  readonly orphan: string;
  readonly level: (depth: number) => string;
}

interface PoolRow {
  readonly element: HTMLDivElement;
  readonly name: HTMLDivElement;
  readonly expander: HTMLSpanElement;
  readonly level: HTMLSpanElement;
  readonly dot: HTMLSpanElement;
  readonly service: HTMLSpanElement;
  readonly operation: HTMLSpanElement;
  readonly mark: HTMLSpanElement;
  readonly duration: HTMLSpanElement;
  /** Place among the visible rows; -1 while unused. */
  index: number;
}

export class RowPool {
  readonly #layer: HTMLElement;
  readonly #pool: PoolRow[] = [];
  readonly #words: RowWords;

  constructor(layer: HTMLElement, words: RowWords) {
    this.#layer = layer;
    this.#words = words;
  }

  /** Puts rows [first, last) in place. */
  update(frame: Frame): void {
    const wanted = frame.last - frame.first;
    while (this.#pool.length < wanted) this.#pool.push(this.#create(this.#pool.length));
    const size = this.#pool.length;
    for (let slot = 0; slot < size; slot++) {
      const row = this.#pool[slot];
      if (row === undefined) continue;
      // The row in view whose place is `slot` modulo the pool's size, if there is one.
      const index = frame.first + ((((slot - frame.first) % size) + size) % size);
      if (index < frame.last) this.#fill(row, frame, index);
      else this.#hide(row);
    }
  }

  elementAt(index: number): HTMLElement | undefined {
    return this.#pool.find((row) => row.index === index)?.element;
  }

  indexOf(element: EventTarget | null): number {
    if (!(element instanceof Element)) return -1;
    const owner = element.closest('[role="row"]');
    return this.#pool.find((row) => row.element === owner)?.index ?? -1;
  }

  #hide(row: PoolRow): void {
    if (row.index < 0) return;
    row.index = -1;
    row.element.hidden = true;
  }

  #fill(row: PoolRow, frame: Frame, index: number): void {
    const { state, geometry } = frame;
    const { columns, colours } = state.model;
    const at = state.rows[index] ?? 0;
    const { element } = row;
    if (row.index < 0) element.hidden = false;
    row.index = index;
    element.style.transform = `translateY(${index * ROW_HEIGHT - frame.offset}px)`;
    const depth = columns.depths[at] ?? 0;
    element.setAttribute('aria-rowindex', String(index + 2));
    element.setAttribute('aria-level', String(depth + 1));
    element.setAttribute('aria-selected', String(at === state.selected));
    element.tabIndex = at === state.active ? 0 : -1;
    element.dataset['span'] = spanIdAt(columns, at);
    const service = columns.serviceIds[at] ?? 0;
    setText(row.service, columns.services[service] ?? '');
    setText(row.operation, columns.names[columns.nameIds[at] ?? 0] ?? '');
    row.dot.style.background = `var(--svc-${colours[service] ?? 0})`;
    row.name.style.paddingLeft = `${indentOf(depth, geometry)}px`;
    row.name.style.width = `${geometry.nameWidth}px`;
    this.#fillLevel(row, { depth, levelsMax: geometry.levelsMax });
    this.#fillMark(row, state, { at, isFolded: fillExpander(row, state, at) });
    placeDuration(row.duration, frame, at);
  }

  #fillLevel({ level }: PoolRow, { depth, levelsMax }: { depth: number; levelsMax: number }): void {
    const isCapped = depth > levelsMax;
    level.hidden = !isCapped;
    if (!isCapped) return;
    setText(level, String(depth));
    level.title = this.#words.level(depth);
  }

  #fillMark(
    row: PoolRow,
    state: TraceState,
    { at, isFolded }: { at: number; isFolded: boolean },
  ): void {
    const kind = markOf(state, at, isFolded);
    row.mark.hidden = kind === undefined;
    if (kind === undefined) return;
    row.mark.dataset['kind'] = kind;
    row.mark.ariaLabel = this.#words[kind];
    row.mark.title = this.#words[kind];
  }

  #create(slot: number): PoolRow {
    const element = make('div', 'wf-row');
    element.setAttribute('role', 'row');
    element.id = `wf-row-${slot}`;
    element.hidden = true;
    const name = make('div', 'wf-name');
    name.setAttribute('role', 'gridcell');
    const expander = make('span', 'wf-expander');
    expander.ariaHidden = 'true';
    const level = make('span', 'wf-level');
    const dot = make('span', 'wf-dot');
    const service = make('span', 'wf-service');
    const operation = make('span', 'wf-operation');
    const mark = make('span', 'wf-mark');
    mark.setAttribute('role', 'img');
    name.append(expander, level, dot, service, operation, mark);
    const time = make('div', 'wf-time');
    time.setAttribute('role', 'gridcell');
    const duration = make('span', 'wf-duration');
    time.append(duration);
    element.append(name, time);
    this.#layer.append(element);
    return { element, name, expander, level, dot, service, operation, mark, duration, index: -1 };
  }
}

type Mark = 'error' | 'errorBelow' | 'orphan';

/** The most important thing to say of a row besides its name. */
function markOf({ model }: TraceState, at: number, isFolded: boolean): Mark | undefined {
  if (isErrorRow(model.columns, at)) return 'error';
  if (isFolded && model.errorBelow[at] === 1) return 'errorBelow';
  return ((model.columns.flags[at] ?? 0) & RowFlag.orphan) === 0 ? undefined : 'orphan';
}

/** Answers whether the row is folded. */
function fillExpander({ element, expander }: PoolRow, state: TraceState, at: number): boolean {
  const { columns } = state.model;
  if (!hasChildren(columns, at)) {
    expander.dataset['state'] = 'leaf';
    element.removeAttribute('aria-expanded');
    setText(expander, '');
    return false;
  }
  const isFolded = isFoldedAt(state, at);
  expander.dataset['state'] = isFolded ? 'folded' : 'open';
  element.setAttribute('aria-expanded', String(!isFolded));
  setText(expander, isFolded ? String((columns.ends[at] ?? 0) - at - 1) : '');
  return isFolded;
}

const CHARACTER = 6.3;

/** Beside its bar: right of it when there is room, else left, else inside at the right end. */
function placeDuration(label: HTMLSpanElement, frame: Frame, row: number): void {
  const { geometry, state } = frame;
  const { columns } = state.model;
  const start = columns.starts[row] ?? 0;
  const duration = columns.durations[row] ?? 0;
  const text = formatDuration(duration);
  setText(label, text);
  const left = Math.max(geometry.timeLeft, timeX(frame, start));
  const right = Math.min(geometry.width, timeX(frame, start + Math.max(0, duration)));
  const width = text.length * CHARACTER + 4;
  const isIn = right >= geometry.timeLeft && left <= geometry.width;
  label.dataset['place'] = 'beside';
  let x = right + 9;
  if (x + width > geometry.width) {
    x = left - width - 5;
    if (x < geometry.timeLeft) {
      x = Math.min(right, geometry.width - 4) - width - 12;
      label.dataset['place'] = 'inside';
    }
  }
  label.style.visibility = isIn ? 'visible' : 'hidden';
  label.style.transform = `translateX(${x - geometry.nameWidth}px)`;
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function make(tag: 'div', className: string): HTMLDivElement;
function make(tag: 'span', className: string): HTMLSpanElement;
function make(tag: string, className: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}
