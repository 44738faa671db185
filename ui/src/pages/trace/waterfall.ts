/** The waterfall: a canvas with bars, and over it a pool of rows with the words. It lives outside
 *  React, since a render a frame is what makes long traces slow; it follows the store instead. */

import { fitCanvas } from '../../components/fit-canvas.ts';
import { visibleIndex } from '../../model/fold.ts';
import { scrollMap, type ScrollMap } from '../../model/scroll-map.ts';
import { niceTicks } from '../../model/ticks.ts';
import { panWindow, zoomWindow } from '../../model/time-window.ts';
import type { TraceState, TraceStore } from '../../state/trace-store.ts';
import { readTokens, type Tokens } from '../../styles/read-tokens.ts';
import { type Geometry, measure, ROW_HEIGHT } from './geometry.ts';
import { type Frame, WaterfallPainter } from './paint-waterfall.ts';
import { RowPool, type RowWords } from './row-pool.ts';

export interface WaterfallParts {
  readonly grid: HTMLElement;
  readonly scroller: HTMLElement;
  readonly layer: HTMLElement;
  readonly spacer: HTMLElement;
  readonly canvas: HTMLCanvasElement;
}

export interface WaterfallOptions {
  readonly store: TraceStore;
  readonly words: RowWords;
  readonly nameShare: number;
  /** Told when ticks, cursor or sizes change; for the header above. */
  readonly onFrame: (frame: Frame) => void;
}

const TICK_EVERY = 110;

export class Waterfall {
  readonly #parts: WaterfallParts;
  readonly #options: WaterfallOptions;
  readonly #pool: RowPool;
  readonly #painter = new WaterfallPainter();
  readonly #stop = new AbortController();
  readonly #observer: ResizeObserver;
  readonly #unsubscribe: () => void;
  #tokens: Tokens = readTokens();
  #geometry: Geometry;
  #map: ScrollMap;
  #nameShare: number;
  #scheduled = 0;
  #hover = -1;
  #cursorX = -1;
  /** Who had the keyboard when the active row was to get it; undefined: nobody asked. */
  #focusFrom: Element | null | undefined;

  constructor(parts: WaterfallParts, options: WaterfallOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#nameShare = options.nameShare;
    this.#pool = new RowPool(parts.layer, options.words);
    this.#geometry = this.#measure();
    this.#map = this.#mapRows();
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(parts.scroller);
    this.#unsubscribe = options.store.subscribe((now, before) => this.#follow(now, before));
    this.#listen();
    this.#resize();
    if (this.#state.locate > 0) this.#reveal();
  }

  destroy(): void {
    this.#stop.abort();
    this.#observer.disconnect();
    this.#unsubscribe();
    cancelAnimationFrame(this.#scheduled);
    this.#parts.layer.replaceChildren(this.#parts.canvas);
  }

  setNameShare(share: number): void {
    this.#nameShare = share;
    this.#resize();
  }

  /** The theme changed. */
  repaint(): void {
    this.#tokens = readTokens();
    this.#schedule();
  }

  /** Gives the keyboard to the active row. */
  focus(): void {
    this.#focusFrom = document.activeElement;
    this.#schedule();
  }

  get rowsInView(): number {
    return Math.max(1, Math.floor(this.#geometry.height / ROW_HEIGHT));
  }

  get #state(): TraceState {
    return this.#options.store.getState();
  }

  #follow(now: TraceState, before: TraceState): void {
    if (now.rows !== before.rows) {
      const { scroller } = this.#parts;
      const offset = this.#map.toOffset(scroller.scrollTop);
      // What the eye is on stays where it is.
      const shift = visibleIndex(now.rows, now.active) - visibleIndex(before.rows, before.active);
      this.#map = this.#mapRows();
      this.#parts.spacer.style.height = `${this.#map.contentHeight}px`;
      this.#parts.grid.setAttribute('aria-rowcount', String(now.rows.length + 1));
      scroller.scrollTop = this.#map.toScrollTop(Math.max(0, offset + shift * ROW_HEIGHT));
    }
    if (now.locate !== before.locate) this.#reveal();
    this.#schedule();
  }

  /** Scrolls as little as shows the active row; to the middle when it is far away. */
  #reveal(): void {
    const { scroller } = this.#parts;
    const { rows, active } = this.#state;
    const top = visibleIndex(rows, active) * ROW_HEIGHT;
    const offset = this.#map.toOffset(scroller.scrollTop);
    const { height } = this.#geometry;
    const isNear = top > offset - height && top < offset + height * 2;
    let wanted = offset;
    if (!isNear) wanted = top - height / 2;
    else if (top < offset) wanted = top;
    else if (top + ROW_HEIGHT > offset + height) wanted = top + ROW_HEIGHT - height;
    if (wanted !== offset) scroller.scrollTop = this.#map.toScrollTop(Math.max(0, wanted));
    if (this.#parts.grid.contains(document.activeElement)) this.#focusFrom = document.activeElement;
  }

  #measure(): Geometry {
    const { scroller } = this.#parts;
    return measure(scroller.clientWidth, scroller.clientHeight, this.#nameShare);
  }

  #mapRows(): ScrollMap {
    return scrollMap(this.#state.rows.length, ROW_HEIGHT, this.#geometry.height);
  }

  #resize(): void {
    this.#geometry = this.#measure();
    this.#map = this.#mapRows();
    const { spacer, layer, grid } = this.#parts;
    spacer.style.height = `${this.#map.contentHeight}px`;
    layer.style.height = `${this.#geometry.height}px`;
    grid.setAttribute('aria-rowcount', String(this.#state.rows.length + 1));
    // At once: a canvas keeps its old pixels, stretched, until it is painted.
    this.#paint();
  }

  #schedule(): void {
    if (this.#scheduled !== 0) return;
    this.#scheduled = requestAnimationFrame(() => this.#paint());
  }

  #paint(): void {
    cancelAnimationFrame(this.#scheduled);
    this.#scheduled = 0;
    const context = fitCanvas(this.#parts.canvas);
    if (context === undefined) return;
    const frame = this.#frame();
    this.#keepFocus(frame);
    this.#painter.paint(context, frame);
    this.#pool.update(frame);
    this.#takeFocus();
    this.#options.onFrame(frame);
  }

  #frame(): Frame {
    const state = this.#state;
    const geometry = this.#geometry;
    const offset = this.#map.toOffset(this.#parts.scroller.scrollTop);
    const first = Math.floor(offset / ROW_HEIGHT);
    const { from, to } = state.window;
    return {
      geometry,
      state,
      tokens: this.#tokens,
      offset,
      first,
      last: Math.min(state.rows.length, Math.ceil((offset + geometry.height) / ROW_HEIGHT)),
      hover: this.#hover,
      cursorX: this.#cursorX,
      ticks: niceTicks(from, to, geometry.timeWidth / TICK_EVERY),
    };
  }

  /** A focused row that leaves the view lends its element to another row: the focus waits on the
   *  scroller and returns with the row. */
  #keepFocus(frame: Frame): void {
    const { scroller } = this.#parts;
    const focused = this.#pool.indexOf(document.activeElement);
    const active = visibleIndex(frame.state.rows, frame.state.active);
    const isInView = active >= frame.first && active < frame.last;
    if (focused >= 0 && !isInView) scroller.focus({ preventScroll: true });
    else if (document.activeElement === scroller && isInView) this.#focusFrom = scroller;
  }

  /** Unless the keyboard went elsewhere in the meantime: a frame can be long. */
  #takeFocus(): void {
    if (this.#focusFrom === undefined) return;
    const now = document.activeElement;
    if (now !== this.#focusFrom && now !== document.body && !this.#parts.grid.contains(now)) {
      this.#focusFrom = undefined;
      return;
    }
    const { rows, active } = this.#state;
    const element = this.#pool.elementAt(visibleIndex(rows, active));
    if (element === undefined) return;
    this.#focusFrom = undefined;
    element.focus({ preventScroll: true });
  }

  #listen(): void {
    const { scroller } = this.#parts;
    const { signal } = this.#stop;
    scroller.addEventListener('scroll', () => this.#schedule(), { passive: true, signal });
    scroller.addEventListener('pointermove', (event) => this.#point(event), { signal });
    scroller.addEventListener('pointerleave', () => this.#point(undefined), { signal });
    scroller.addEventListener('click', (event) => this.#click(event), { signal });
    scroller.addEventListener('wheel', (event) => this.#wheel(event), { passive: false, signal });
    scroller.addEventListener('focusin', (event) => this.#focusIn(event), { signal });
  }

  #focusIn(event: FocusEvent): void {
    const index = this.#pool.indexOf(event.target);
    const row = this.#state.rows[index];
    if (row !== undefined && row !== this.#state.active) this.#options.store.setActive(row);
  }

  #point(event: PointerEvent | undefined): void {
    const box = this.#parts.scroller.getBoundingClientRect();
    const x = event === undefined ? -1 : event.clientX - box.left;
    const y = event === undefined ? -1 : event.clientY - box.top;
    const offset = this.#map.toOffset(this.#parts.scroller.scrollTop);
    this.#hover = y < 0 ? -1 : Math.floor((offset + y) / ROW_HEIGHT);
    this.#cursorX = x > this.#geometry.timeLeft ? x : -1;
    this.#schedule();
  }

  #click(event: MouseEvent): void {
    const row = this.#state.rows[this.#pool.indexOf(event.target)];
    if (row === undefined || hasTextSelection()) return;
    const { store } = this.#options;
    const isExpander =
      event.target instanceof HTMLElement && event.target.classList.contains('wf-expander');
    if (isExpander) {
      store.setActive(row);
      store.toggleRow(row);
    } else store.goTo(row, { open: true });
    this.focus();
  }

  /** Ctrl zooms at the pointer, shift (or a sideways wheel) pans. */
  #wheel(event: WheelEvent): void {
    const { store } = this.#options;
    const { window } = this.#state;
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const { timeLeft, timeWidth } = this.#geometry;
      const x = event.clientX - this.#parts.scroller.getBoundingClientRect().left;
      const at = window.from + ((x - timeLeft) / timeWidth) * (window.to - window.from);
      store.setWindow(zoomWindow(window, Math.exp(event.deltaY * 0.0022), at));
    } else if (
      sideways !== 0 &&
      Math.abs(sideways) >= Math.abs(event.shiftKey ? 0 : event.deltaY)
    ) {
      event.preventDefault();
      store.setWindow(panWindow(window, sideways / this.#geometry.timeWidth));
    }
  }
}

/** Someone is marking text to copy it, and does not mean to open a span. */
function hasTextSelection(): boolean {
  return (getSelection()?.toString() ?? '') !== '';
}
