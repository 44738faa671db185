/** Where a page that broke ends up. */
import { Trans, useLingui } from '@lingui/react/macro';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { Bug } from 'lucide-react';
import { plainButton } from './control.ts';
import { Notice } from './notice.tsx';

export function PageError({ error }: ErrorComponentProps) {
  const { t } = useLingui();
  return (
    <Notice tone="error" icon={<Bug size={22} aria-hidden="true" />} title={t`This page broke`}>
      <p className="font-mono text-xs">{error instanceof Error ? error.message : String(error)}</p>
      <button type="button" className={plainButton} onClick={() => location.reload()}>
        <Trans>Reload the page</Trans>
      </button>
    </Notice>
  );
}
