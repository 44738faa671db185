/** The traces found: a picture of when and how long, and a table. */
import { Plural, Trans, useLingui } from '@lingui/react/macro';
import { RotateCw } from 'lucide-react';
import type { TraceSummary } from '#contract';
import { iconButton, plainButton } from '../../components/control.ts';
import { SelectField } from '../../components/select-field.tsx';
import { type Order, ORDERS, type SearchParams } from '../../model/search-params.ts';
import { Scatter } from './scatter.tsx';
import { TraceTable } from './trace-table.tsx';

interface ResultsProps {
  readonly traces: readonly TraceSummary[];
  readonly warnings: readonly string[];
  readonly params: SearchParams;
  readonly askedAtMs: number;
  readonly onSearch: (params: SearchParams) => void;
  readonly isBusy: boolean;
  /** Present when there are more. */
  readonly onMore?: () => void;
  readonly moreError?: Error;
}

export function Results(props: ResultsProps) {
  const { t } = useLingui();
  const { traces, warnings, params, askedAtMs, onSearch, isBusy, onMore, moreError } = props;
  const orderLabels = useOrderLabels();
  const hasMore = onMore !== undefined;
  return (
    <div className="px-4 pt-3 pb-8">
      <div className="mb-2 flex items-center gap-2">
        <h2 className="font-semibold" aria-live="polite">
          {hasMore ? (
            <Plural value={traces.length} one="First trace" other="First # traces" />
          ) : (
            <Plural value={traces.length} one="# trace" other="# traces" />
          )}
        </h2>
        <button
          type="button"
          className={iconButton}
          aria-label={t`Search again`}
          title={t`Search again`}
          onClick={() => onSearch(params)}
        >
          <RotateCw size={14} aria-hidden="true" className={isBusy ? 'animate-spin' : ''} />
        </button>
        <SelectField
          className="ml-auto w-40"
          label={t`Order`}
          isLabelHidden
          value={params.order ?? 'newest'}
          options={ORDERS.map((value) => ({ value, label: orderLabels[value] }))}
          onChange={(order) => onSearch(withOrder(params, order))}
        />
      </div>
      {warnings.map((warning) => (
        <p key={warning} role="status" className="mb-2 rounded-md bg-warn-soft px-3 py-2 text-warn">
          {warning}
        </p>
      ))}
      <Scatter traces={traces} />
      <TraceTable traces={traces} nowMs={askedAtMs} />
      {moreError !== undefined && (
        <p role="alert" className="mt-3 text-center text-error">
          {moreError.message}
        </p>
      )}
      {hasMore && (
        <div className="mt-4 flex justify-center">
          <button type="button" className={plainButton} onClick={onMore} disabled={isBusy}>
            <Trans>Load more</Trans>
          </button>
        </div>
      )}
    </div>
  );
}

function withOrder(params: SearchParams, order: Order): SearchParams {
  const { order: _, ...rest } = params;
  return order === 'newest' ? rest : { ...rest, order };
}

function useOrderLabels(): Record<Order, string> {
  const { t } = useLingui();
  return {
    newest: t`Newest first`,
    oldest: t`Oldest first`,
    longest: t`Longest first`,
    shortest: t`Shortest first`,
    mostSpans: t`Most spans first`,
    mostErrors: t`Most errors first`,
  };
}
