/** One trace. Reads the URL, loads, and hands over to the view. */
import { Trans, useLingui } from '@lingui/react/macro';
import { getRouteApi, Link, Navigate } from '@tanstack/react-router';
import { Footprints } from 'lucide-react';
import { plainButton } from '../../components/control.ts';
import { Failure } from '../../components/failure.tsx';
import { Notice } from '../../components/notice.tsx';
import { usePageTitle } from '../../components/page-title.ts';
import { canonicalTraceId, shortTraceId } from '../../model/trace-id.ts';
import { TraceSkeleton } from './trace-skeleton.tsx';
import { TraceView } from './trace-view.tsx';
import { useTrace } from './use-trace.ts';

const route = getRouteApi('/trace/$traceId');

export function TracePage() {
  const { t } = useLingui();
  const { traceId } = route.useParams();
  const canonical = canonicalTraceId(traceId);
  if (canonical === undefined) {
    return (
      <NoTrace title={t`This is no trace id`}>
        <Trans>A trace id is 1 to 32 hexadecimal digits.</Trans>
      </NoTrace>
    );
  }
  if (canonical === traceId) return <LoadedTrace key={traceId} traceId={traceId} />;
  return (
    <Navigate to="/trace/$traceId" params={{ traceId: canonical }} search={(all) => all} replace />
  );
}

function LoadedTrace({ traceId }: { readonly traceId: string }) {
  const { t } = useLingui();
  const { loading, retry } = useTrace(traceId);
  usePageTitle(t`Trace ${shortTraceId(traceId)}`);
  switch (loading.kind) {
    case 'loading':
      return <TraceSkeleton />;
    case 'loaded':
      return <TraceView model={loading.model} onReload={retry} />;
    case 'failed':
      if (loading.error.kind !== 'notFound')
        return <Failure error={loading.error} onRetry={retry} />;
      return (
        <NoTrace title={t`This trace is not here`} onRetry={retry}>
          <Trans>
            No span of {traceId} is stored: it may not have arrived yet, it may not have been
            sampled, or its time was up.
          </Trans>
        </NoTrace>
      );
  }
}

interface NoTraceProps {
  readonly title: string;
  readonly children: React.ReactNode;
  readonly onRetry?: () => void;
}

function NoTrace({ title, children, onRetry }: NoTraceProps) {
  return (
    <Notice icon={<Footprints size={22} aria-hidden="true" />} title={title}>
      <p>{children}</p>
      <div className="flex gap-2">
        {onRetry !== undefined && (
          <button type="button" className={plainButton} onClick={onRetry}>
            <Trans>Try again</Trans>
          </button>
        )}
        <Link to="/search" className={plainButton}>
          <Trans>Go to the search</Trans>
        </Link>
      </div>
    </Notice>
  );
}
