/** The view follows the address and the address follows the view. Changes are replaced in history,
 *  not added: "back" leaves the trace, as one expects. */
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { paramsFromView } from '../../model/trace-view.ts';
import type { TraceStore } from '../../state/trace-store.ts';

const route = getRouteApi('/trace/$traceId');
/** A drag changes the window every frame; browsers refuse more than about 100 changes in 10 s. */
const WAIT_MS = 150;

export function useUrlSync(store: TraceStore): void {
  const params = route.useSearch();
  const navigate = route.useNavigate();
  const written = useRef(JSON.stringify(params));
  // The router takes its time: an address written earlier may be seen after a later one was written.
  const underway = useRef(new Set<string>());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const write = () => {
      const state = store.getState();
      const next = paramsFromView(state, state.model.columns);
      const text = JSON.stringify(next);
      if (text === written.current) return;
      written.current = text;
      underway.current.add(text);
      void navigate({ search: next, replace: true });
    };
    const unsubscribe = store.subscribe((now, before) => {
      const isSame =
        now.window === before.window &&
        now.fold === before.fold &&
        now.selected === before.selected &&
        now.find === before.find &&
        now.showPath === before.showPath;
      if (isSame) return;
      clearTimeout(timer);
      timer = setTimeout(write, WAIT_MS);
    });
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [store, navigate]);
  useEffect(() => {
    const text = JSON.stringify(params);
    if (text !== written.current && underway.current.has(text)) return;
    underway.current.clear();
    if (text === written.current) return;
    written.current = text;
    store.adopt(params);
  }, [params, store]);
}
