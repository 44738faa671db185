/** Language and theme: an icon with a native select behind it. */
import { useLingui } from '@lingui/react/macro';
import { Languages, Monitor, Moon, Sun } from 'lucide-react';
import type { ReactNode } from 'react';
import { type Language, setPreference, type Theme, usePreference } from '../state/preferences.ts';

/** Each in its own words, whatever the page's language. */
const LANGUAGES: readonly Option<Language>[] = [
  { value: 'en', label: 'English' },
  { value: 'ko', label: '한국어' },
];

const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

export function PreferencesMenu() {
  const { t } = useLingui();
  const language = usePreference('language');
  const theme = usePreference('theme');
  const ThemeIcon = THEME_ICONS[theme];
  const themes: Option<Theme>[] = [
    { value: 'system', label: t`As the system` },
    { value: 'light', label: t`Light` },
    { value: 'dark', label: t`Dark` },
  ];
  return (
    <>
      <Choice
        label={t`Language`}
        icon={<Languages size={16} aria-hidden="true" />}
        value={language}
        options={LANGUAGES}
        onChoose={(value) => setPreference('language', value)}
      />
      <Choice
        label={t`Theme`}
        icon={<ThemeIcon size={16} aria-hidden="true" />}
        value={theme}
        options={themes}
        onChoose={(value) => setPreference('theme', value)}
      />
    </>
  );
}

interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly icon: ReactNode;
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly onChoose: (value: T) => void;
}

function Choice<T extends string>({ label, icon, value, options, onChoose }: ChoiceProps<T>) {
  return (
    <div className="relative flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-text has-focus-visible:outline-2 has-focus-visible:outline-(--focus)">
      {icon}
      <select
        aria-label={label}
        title={label}
        className="absolute inset-0 size-full opacity-0 [&>option]:bg-raised [&>option]:text-text"
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen !== undefined) onChoose(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}
