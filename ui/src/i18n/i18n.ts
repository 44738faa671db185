/** Loads the catalogue of the chosen language, and only that one. */
import { i18n } from '@lingui/core';
import type { Language } from '../state/preferences.ts';

const catalogues = {
  en: () => import('./locales/en.po'),
  ko: () => import('./locales/ko.po'),
} satisfies Record<Language, () => Promise<{ messages: Parameters<typeof i18n.load>[1] }>>;

export async function activate(language: Language): Promise<void> {
  const { messages } = await catalogues[language]();
  i18n.loadAndActivate({ locale: language, messages });
  document.documentElement.lang = language;
}

export { i18n };
