import { useLingui } from '@lingui/react/macro';

/** By OTLP's number. */
export function useKindNames(): readonly string[] {
  const { t } = useLingui();
  return [t`Unspecified`, t`Internal`, t`Server`, t`Client`, t`Producer`, t`Consumer`];
}
