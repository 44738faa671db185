/** What keys do on the trace page: Jaeger's, and those that fingers know from elsewhere. */

import { foldOneLevel, UNFOLDED, unfoldOneLevel } from '../../model/fold.ts';
import { centreOf, panWindow, zoomWindow } from '../../model/time-window.ts';
import type { TraceStore } from '../../state/trace-store.ts';

export interface ShortcutContext {
  readonly store: TraceStore;
  /** Rows that fit the view. */
  readonly page: number;
  readonly focusRows: () => void;
  readonly focusFind: () => void;
  readonly showHelp: () => void;
}

type Act = (context: ShortcutContext, event: KeyboardEvent) => void;

const PAN = 0.05;
const PAN_FAR = 0.5;
const ZOOM = 0.8;
const ZOOM_FAR = 0.2;

const pan =
  (direction: 1 | -1): Act =>
  ({ store }, { shiftKey }) =>
    store.setWindow(panWindow(store.getState().window, direction * (shiftKey ? PAN_FAR : PAN)));

const zoom =
  (isIn: boolean): Act =>
  ({ store }, { shiftKey }) => {
    const { window } = store.getState();
    const factor = shiftKey ? ZOOM_FAR : ZOOM;
    store.setWindow(zoomWindow(window, isIn ? factor : 1 / factor, centreOf(window)));
  };

const moveRow =
  (by: (page: number) => number): Act =>
  ({ store, page, focusRows }) => {
    store.move(by(page));
    focusRows();
  };

const next =
  (step: 1 | -1): Act =>
  ({ store, focusRows }) => {
    if (store.getState().matches.length > 0) store.goToMatch(step);
    else store.move(step);
    focusRows();
  };

const level =
  (change: typeof foldOneLevel): Act =>
  ({ store }) => {
    const { model, fold } = store.getState();
    store.setFold(change(model.columns, fold));
  };

/** Right opens, then goes to the first child; left closes, then goes to the parent. */
const unfoldOrEnter: Act = ({ store, focusRows }) => {
  const { active, model } = store.getState();
  const hasChild = (model.columns.ends[active] ?? 0) > active + 1;
  if (!hasChild) return;
  if (store.isFoldedRow(active)) store.toggleRow(active);
  else store.goTo(active + 1);
  focusRows();
};

const foldOrLeave: Act = ({ store, focusRows }) => {
  const { active, model } = store.getState();
  const hasChild = (model.columns.ends[active] ?? 0) > active + 1;
  if (hasChild && !store.isFoldedRow(active)) store.toggleRow(active);
  else store.goTo(Math.max(0, model.columns.parents[active] ?? 0));
  focusRows();
};

/** Anywhere on the page but in a field. */
const everywhere: Readonly<Record<string, Act>> = {
  j: moveRow(() => 1),
  k: moveRow(() => -1),
  s: moveRow((page) => page - 1),
  w: moveRow((page) => 1 - page),
  f: next(1),
  b: next(-1),
  a: pan(-1),
  d: pan(1),
  A: pan(-1),
  D: pan(1),
  ArrowLeft: pan(-1),
  ArrowRight: pan(1),
  ArrowUp: zoom(true),
  ArrowDown: zoom(false),
  '+': zoom(true),
  '-': zoom(false),
  '0': ({ store }) => store.setWindow({ from: 0, to: store.getState().model.columns.durationNano }),
  ']': ({ store }) => store.setFold({ depth: 0, exceptions: new Set() }),
  '[': ({ store }) => store.setFold(UNFOLDED),
  p: level(foldOneLevel),
  o: level(unfoldOneLevel),
  c: ({ store }) => store.togglePath(),
  l: ({ store }) => store.locateMatches(),
  '/': ({ focusFind }) => focusFind(),
  '?': ({ showHelp }) => showHelp(),
  Enter: ({ store, focusRows }) => {
    const { active, selected } = store.getState();
    if (selected === active) store.close();
    else store.goTo(active, { open: true });
    focusRows();
  },
  Escape: ({ store, focusRows }) => {
    if (store.getState().selected >= 0) store.close();
    else store.setFind('');
    focusRows();
  },
};

/** On a row, arrows are those of a tree. */
const onRow: Readonly<Record<string, Act>> = {
  ArrowDown: moveRow(() => 1),
  ArrowUp: moveRow(() => -1),
  ArrowRight: unfoldOrEnter,
  ArrowLeft: foldOrLeave,
  PageDown: moveRow((page) => page - 1),
  PageUp: moveRow((page) => 1 - page),
  Home: moveRow(() => Number.NEGATIVE_INFINITY),
  End: moveRow(() => Number.POSITIVE_INFINITY),
  ' ': ({ store }) => store.toggleRow(store.getState().active),
};

/** What a key does here; undefined leaves it to the browser. */
export function shortcutOf(event: KeyboardEvent): Act | undefined {
  if (event.ctrlKey && event.key === 'b') return ({ focusFind }) => focusFind();
  const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
  return hasModifier || !(event.target instanceof Element)
    ? undefined
    : plainKey(event.key, event.target, event.shiftKey);
}

function plainKey(key: string, target: Element, isShifted: boolean): Act | undefined {
  if (target.matches('input, select, textarea, [contenteditable]')) return undefined;
  const isOnRow = target.closest('[role="rowgroup"]') !== null;
  if (isOnRow && !isShifted) return onRow[key] ?? everywhere[key];
  const isPress = key === 'Enter' || key === ' ';
  if (isPress && target.matches('button, a, summary, [role=slider]')) return undefined;
  return everywhere[key];
}
