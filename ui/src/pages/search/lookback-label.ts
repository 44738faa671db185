import { plural } from '@lingui/core/macro';
import { useLingui } from '@lingui/react/macro';

/** "Last 15 minutes" for "15m". */
export function useLookbackLabel(): (lookback: string) => string {
  const { t } = useLingui();
  return (lookback) => {
    const count = Number.parseFloat(lookback);
    switch (lookback.at(-1)) {
      case 'm':
        return t`${plural(count, { one: 'Last minute', other: 'Last # minutes' })}`;
      case 'h':
        return t`${plural(count, { one: 'Last hour', other: 'Last # hours' })}`;
      case 'd':
        return t`${plural(count, { one: 'Last day', other: 'Last # days' })}`;
      case 'w':
        return t`${plural(count, { one: 'Last week', other: 'Last # weeks' })}`;
      default:
        return t`${plural(count, { one: 'Last second', other: 'Last # seconds' })}`;
    }
  };
}
