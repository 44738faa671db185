/** The frame around every page. */
import { Trans, useLingui } from '@lingui/react/macro';
import { Link, Outlet } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { Logo } from './logo.tsx';
import { PreferencesMenu } from './preferences-menu.tsx';
import { TraceIdBox } from './trace-id-box.tsx';

export function Shell() {
  const { t } = useLingui();
  return (
    <div className="flex h-full min-w-80 flex-col">
      <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line bg-surface px-3">
        <Link
          to="/search"
          className="mr-2 flex items-center gap-2 rounded-md px-1 py-1 text-accent"
          aria-label={t`Spoor, to the search`}
        >
          <Logo />
          <span className="text-[0.9375rem] font-semibold tracking-tight text-text">Spoor</span>
        </Link>
        <nav aria-label={t`Pages`} className="flex">
          <Link
            to="/search"
            className="flex h-8 items-center gap-1.5 rounded-md px-2.5 font-medium text-muted hover:bg-hover hover:text-text"
            activeProps={{ className: 'bg-hover text-text!' }}
          >
            <Search size={14} aria-hidden="true" />
            <Trans>Search</Trans>
          </Link>
        </nav>
        <div className="ml-auto flex min-w-0 items-center gap-1.5">
          <TraceIdBox />
          <PreferencesMenu />
        </div>
      </header>
      <main className="min-h-0 flex-1">
        <Outlet />
      </main>
    </div>
  );
}
