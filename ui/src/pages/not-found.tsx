import { Trans, useLingui } from '@lingui/react/macro';
import { Link } from '@tanstack/react-router';
import { Footprints } from 'lucide-react';
import { plainButton } from '../components/control.ts';
import { Notice } from '../components/notice.tsx';
import { usePageTitle } from '../components/page-title.ts';

export function NotFoundPage() {
  const { t } = useLingui();
  usePageTitle(t`Not found`);
  return (
    <Notice icon={<Footprints size={22} aria-hidden="true" />} title={t`No tracks lead here`}>
      <p>
        <Trans>There is no page at this address.</Trans>
      </p>
      <Link to="/search" className={plainButton}>
        <Trans>Go to the search</Trans>
      </Link>
    </Notice>
  );
}
