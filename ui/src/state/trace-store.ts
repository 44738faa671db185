/** The trace page's view as a store beside React: the waterfall paints from it without rendering,
 *  components take what they show. */

import { createStore, type StoreApi } from 'zustand';
import {
  type Fold,
  foldToRows,
  isFolded,
  reveal,
  toggleFold,
  visibleIndex,
  visibleRows,
} from '../model/fold.ts';
import { neighbourMatch } from '../model/find.ts';
import { clampWindow, type TimeWindow } from '../model/time-window.ts';
import type { TraceModel } from '../model/trace-model.ts';
import { type TraceView, viewFromParams } from '../model/trace-view.ts';
import type { TraceParams } from '../model/trace-params.ts';

export interface TraceState extends TraceView {
  readonly model: TraceModel;
  /** Rows that are seen. */
  readonly rows: Uint32Array;
  /** The row that the keyboard is at. */
  readonly active: number;
  /** Ascending rows that the find text fits. */
  readonly matches: readonly number[];
  readonly matchSet: ReadonlySet<number>;
  /** Asks the waterfall to bring the active row into view; grows with every request. */
  readonly locate: number;
}

export type TraceStore = ReturnType<typeof createTraceStore>;

export function createTraceStore(model: TraceModel, params: TraceParams) {
  const store = createStore<TraceState>(() => initialState(model, params));
  return { ...store, ...actionsOf(store) };
}

function initialState(model: TraceModel, params: TraceParams): TraceState {
  const view = withSelectionSeen(viewFromParams(params, model.columns), model);
  return {
    ...view,
    model,
    rows: visibleRows(model.columns, view.fold),
    active: Math.max(0, view.selected),
    matches: [],
    matchSet: new Set(),
    locate: view.selected >= 0 ? 1 : 0,
  };
}

/** A link to a span shows it, whatever was folded. */
function withSelectionSeen(view: TraceView, { columns }: TraceModel): TraceView {
  if (view.selected < 0) return view;
  return { ...view, fold: reveal(columns, view.fold, view.selected) };
}

function actionsOf({ getState, setState }: StoreApi<TraceState>) {
  const setFold = (fold: Fold) => {
    const { model, active } = getState();
    const rows = visibleRows(model.columns, fold);
    setState({ fold, rows, active: rows[visibleIndex(rows, active)] ?? 0 });
  };
  /** Goes to a row, opening what hides it. */
  const goTo = (row: number, options: { readonly open?: boolean } = {}) => {
    const { model, fold, locate, selected } = getState();
    const revealed = reveal(model.columns, fold, row);
    if (revealed !== fold) setFold(revealed);
    const isOpen = options.open ?? selected >= 0;
    setState({ active: row, locate: locate + 1, selected: isOpen ? row : selected });
  };
  return {
    setFold,
    goTo,
    setActive: (active: number) => setState({ active }),
    setModel: (model: TraceModel) => setState({ model }),
    setWindow: (window: TimeWindow) => {
      setState({ window: clampWindow(window, getState().model.columns.durationNano) });
    },
    setFind: (find: string) => setState({ find }),
    setMatches: (matches: readonly number[]) => setState({ matches, matchSet: new Set(matches) }),
    close: () => setState({ selected: -1 }),
    togglePath: () => setState({ showPath: !getState().showPath }),
    /** Along the rows that are seen. */
    move: (by: number) => {
      const { rows, active } = getState();
      const at = Math.min(rows.length - 1, Math.max(0, visibleIndex(rows, active) + by));
      goTo(rows[at] ?? 0);
    },
    toggleRow: (row: number) => setFold(toggleFold(getState().fold, row)),
    /** To the next match, or the next row when nothing is searched. */
    goToMatch: (step: 1 | -1) => {
      const { matches, active } = getState();
      const match = matches[neighbourMatch(matches, active, step)];
      if (match !== undefined) goTo(match);
    },
    /** Folds everything but the ways to the matches, and goes to the first. */
    locateMatches: () => {
      const { model, matches } = getState();
      const [first] = matches;
      if (first === undefined) return;
      setFold(foldToRows(model.columns, matches));
      goTo(first);
    },
    isFoldedRow: (row: number) => isFolded(getState().model.columns, getState().fold, row),
    /** The address changed from outside: back, forward, an edited link. */
    adopt: (params: TraceParams) => {
      const { model, locate } = getState();
      const view = withSelectionSeen(viewFromParams(params, model.columns), model);
      const rows = visibleRows(model.columns, view.fold);
      const active = view.selected >= 0 ? view.selected : getState().active;
      setState({ ...view, rows, active, locate: locate + 1 });
    },
  };
}
