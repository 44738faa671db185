/** What a person chose for this browser, as opposed to what a link says: kept in localStorage, a
 *  key each, and never in the URL. */
import { createStore, useStore } from 'zustand';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'ko';
export type Dock = 'right' | 'bottom';

interface Preferences {
  readonly theme: Theme;
  readonly language: Language;
  readonly dock: Dock;
  /** Share of the waterfall's width that names take. */
  readonly nameShare: number;
  /** Share of the page that the detail panel takes, when right and when at the bottom. */
  readonly detailShare: Readonly<Record<Dock, number>>;
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(`spoor.${key}`);
  } catch {
    return null; // Storage is barred: preferences live as long as the page.
  }
}

function oneOf<T extends string>(values: readonly T[], value: string | null): T | undefined {
  return values.find((candidate) => candidate === value);
}

function share(key: string, fallback: number): number {
  const value = Number(stored(key) ?? Number.NaN);
  return value > 0.1 && value < 0.9 ? value : fallback;
}

function initialLanguage(): Language {
  const asked = new URLSearchParams(location.search).get('lang') ?? stored('language');
  const chosen = oneOf(['en', 'ko'], asked);
  if (chosen !== undefined) return chosen;
  return navigator.languages.some((one) => one.startsWith('ko')) ? 'ko' : 'en';
}

export const preferences = createStore<Preferences>(() => ({
  theme: oneOf(['system', 'light', 'dark'], stored('theme')) ?? 'system',
  language: initialLanguage(),
  dock: oneOf(['right', 'bottom'], stored('dock')) ?? 'right',
  nameShare: share('nameShare', 0.34),
  detailShare: { right: share('detailRight', 0.36), bottom: share('detailBottom', 0.42) },
}));

preferences.subscribe((now) => {
  const kept = {
    theme: now.theme,
    language: now.language,
    dock: now.dock,
    nameShare: now.nameShare,
    detailRight: now.detailShare.right,
    detailBottom: now.detailShare.bottom,
  };
  try {
    for (const [key, value] of Object.entries(kept)) {
      localStorage.setItem(`spoor.${key}`, String(value));
    }
  } catch {
    // As above.
  }
});

export function usePreference<K extends keyof Preferences>(key: K): Preferences[K] {
  return useStore(preferences, (all) => all[key]);
}

export function setPreference<K extends keyof Preferences>(key: K, value: Preferences[K]): void {
  preferences.setState({ [key]: value });
}
