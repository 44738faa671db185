/** Search: reads the URL, asks for the traces it names, shows them. */
import { useLingui } from '@lingui/react/macro';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { searchQuery, servicesQuery } from '../../api/queries.ts';
import { Failure } from '../../components/failure.tsx';
import { usePageTitle } from '../../components/page-title.ts';
import type { SearchParams } from '../../model/search-params.ts';
import { NothingFound } from './nothing-found.tsx';
import { Results } from './results.tsx';
import { ResultsSkeleton } from './results-skeleton.tsx';
import { SearchForm } from './search-form.tsx';

// Seen once in a store's life.
const GetStarted = lazy(async () => ({ default: (await import('./get-started.tsx')).GetStarted }));
const route = getRouteApi('/search');

export function SearchPage() {
  const { t } = useLingui();
  usePageTitle(t`Search`);
  const params = route.useSearch();
  const navigate = route.useNavigate();
  const [askedAtMs, setAskedAtMs] = useState(() => Date.now());

  function search(next: SearchParams) {
    setAskedAtMs(Date.now());
    void navigate({ search: next });
  }

  return (
    <div className="flex h-full flex-col">
      <h1 className="sr-only">{t`Search traces`}</h1>
      <SearchForm params={params} onSearch={search} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <SearchResults
          params={params}
          askedAtMs={askedAtMs}
          onSearch={search}
          onAsk={() => setAskedAtMs(Date.now())}
        />
      </div>
    </div>
  );
}

interface SearchResultsProps {
  readonly params: SearchParams;
  readonly askedAtMs: number;
  readonly onSearch: (params: SearchParams) => void;
  /** The same once more, with a new "now". */
  readonly onAsk: () => void;
}

function SearchResults({ params, askedAtMs, onSearch, onAsk }: SearchResultsProps) {
  const query = { ...searchQuery(params, askedAtMs), placeholderData: keepPreviousData };
  const result = useInfiniteQuery(query);
  const services = useQuery(servicesQuery());
  // Once it is a first visit it stays one until a trace is there: services come a moment earlier.
  const [isFirstVisit, setIsFirstVisit] = useState(false);
  if (!isFirstVisit && services.data?.length === 0) setIsFirstVisit(true);
  if (result.isError && result.data === undefined) {
    return <Failure level={2} error={result.error} onRetry={() => void result.refetch()} />;
  }
  if (result.data === undefined) return <ResultsSkeleton />;
  const traces = result.data.pages.flatMap((page) => page.traces);
  if (traces.length === 0) {
    return isFirstVisit ? (
      <Suspense fallback={<ResultsSkeleton />}>
        <GetStarted onAsk={onAsk} />
      </Suspense>
    ) : (
      <NothingFound params={params} onSearch={onSearch} />
    );
  }
  return (
    <Results
      traces={traces}
      warnings={result.data.pages.flatMap((page) => page.warnings)}
      params={params}
      askedAtMs={askedAtMs}
      onSearch={onSearch}
      isBusy={result.isFetching}
      {...(result.hasNextPage ? { onMore: () => void result.fetchNextPage() } : {})}
      {...(result.isFetchNextPageError ? { moreError: result.error } : {})}
    />
  );
}
