import { Trans, useLingui } from '@lingui/react/macro';
import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { useState } from 'react';
import { spanIdAt } from '../../../../src/model/trace/columns.ts';
import { spanQuery } from '../../api/trace-queries.ts';
import { iconButton, plainButton } from '../../components/control.ts';
import { ServiceDot } from '../../components/service-dot.tsx';
import { SpanFacts } from './span-facts.tsx';
import { SpanSections } from './span-sections.tsx';
import { useTraceState } from './trace-context.ts';

interface SpanDetailViewProps {
  readonly row: number;
  readonly onClose: () => void;
}

export function SpanDetailView({ row, onClose }: SpanDetailViewProps) {
  const { t } = useLingui();
  const { columns, colours } = useTraceState((state) => state.model);
  const spanId = spanIdAt(columns, row);
  const { data: spans, error, refetch } = useQuery(spanQuery(columns.traceId, spanId));
  const startNano = columns.startNano + BigInt(Math.round(columns.starts[row] ?? 0));
  const data = spans?.find((span) => BigInt(span.startNano) === startNano) ?? spans?.[0];
  // Kept while one walks from span to span: the same key is looked for in each.
  const [filter, setFilter] = useState('');
  const service = columns.serviceIds[row] ?? 0;
  return (
    <div>
      <div className="sticky top-0 z-10 flex items-start gap-2 border-b border-line bg-surface px-4 pt-3 pb-2.5">
        <div className="min-w-0 flex-1">
          <p className="flex items-center gap-1.5 text-xs text-muted">
            <ServiceDot service="" colour={colours[service] ?? 0} />
            {columns.services[service]}
          </p>
          <h2 className="text-[0.9375rem] font-semibold tracking-tight">
            {columns.names[columns.nameIds[row] ?? 0]}
          </h2>
        </div>
        <button
          type="button"
          className={iconButton}
          aria-label={t`Close the detail`}
          title={`${t`Close the detail`} (Esc)`}
          onClick={onClose}
        >
          <X size={16} aria-hidden="true" />
        </button>
      </div>
      <SpanFacts row={row} detail={data} />
      {data !== undefined && (
        <SpanSections
          detail={data}
          service={columns.services[service] ?? ''}
          traceStartNano={columns.startNano}
          filter={filter}
          onFilter={setFilter}
        />
      )}
      {data === undefined && <Pending error={error} onRetry={() => void refetch()} />}
    </div>
  );
}

interface PendingProps {
  readonly error: Error | null;
  readonly onRetry: () => void;
}

/** In place of the attributes while they are on their way, or did not come. */
function Pending({ error, onRetry }: PendingProps) {
  const { t } = useLingui();
  if (error === null) {
    return (
      <div className="px-4 py-3" role="status" aria-label={t`Loading the attributes…`}>
        <div className="h-24 animate-pulse rounded-md bg-sunken" />
      </div>
    );
  }
  return (
    <div role="alert" className="flex flex-col items-start gap-2 px-4 py-3 text-error">
      <p>
        <Trans>The attributes could not be loaded.</Trans> {error.message}
      </p>
      <button type="button" className={plainButton} onClick={onRetry}>
        <Trans>Try again</Trans>
      </button>
    </div>
  );
}
