/** Puts the chosen theme on <html>, follows the system while nothing is chosen, and tells those who
 *  paint themselves. */
import { useSyncExternalStore } from 'react';
import { preferences, type Theme } from './preferences.ts';

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function resolve(theme: Theme): 'light' | 'dark' {
  if (theme !== 'system') return theme;
  return systemDark.matches ? 'dark' : 'light';
}

function apply(): void {
  const resolved = resolve(preferences.getState().theme);
  if (document.documentElement.dataset['theme'] === resolved) return;
  document.documentElement.dataset['theme'] = resolved;
  for (const listener of listeners) listener();
}

export function startTheme(): void {
  apply();
  systemDark.addEventListener('change', apply);
  preferences.subscribe(apply);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The theme in effect. */
export function useResolvedTheme(): string {
  return useSyncExternalStore(
    subscribe,
    () => document.documentElement.dataset['theme'] ?? 'light',
  );
}
