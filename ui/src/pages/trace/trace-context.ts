import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { TraceState, TraceStore } from '../../state/trace-store.ts';

export const TraceContext = createContext<TraceStore | undefined>(undefined);

export function useTraceStore(): TraceStore {
  const store = useContext(TraceContext);
  if (store === undefined) throw new Error('a trace component stands outside its TraceContext');
  return store;
}

export function useTraceState<T>(select: (state: TraceState) => T): T {
  return useStore(useTraceStore(), select);
}
