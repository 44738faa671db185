/** No trace fits: the two ways that usually help, ready to press. */
import { Trans, useLingui } from '@lingui/react/macro';
import { Footprints } from 'lucide-react';
import { plainButton } from '../../components/control.ts';
import { Notice } from '../../components/notice.tsx';
import {
  isFiltered,
  LOOKBACKS,
  lookbackMicros,
  lookbackOf,
  type SearchParams,
} from '../../model/search-params.ts';
import { useLookbackLabel } from './lookback-label.ts';

interface NothingFoundProps {
  readonly params: SearchParams;
  readonly onSearch: (params: SearchParams) => void;
}

export function NothingFound({ params, onSearch }: NothingFoundProps) {
  const { t } = useLingui();
  const labelOf = useLookbackLabel();
  const wider = widerLookback(params);
  const { start: _start, end: _end, lookback: _lookback, ...unbounded } = params;
  const { order, limit, lookback, start, end } = params;
  return (
    <Notice level={2} icon={<Footprints size={22} aria-hidden="true" />} title={t`No trace fits`}>
      <p>
        <Trans>
          All conditions must hold on one span, and its start must be in the time range.
        </Trans>
      </p>
      <div className="flex flex-wrap justify-center gap-2">
        {wider !== undefined && (
          <button
            type="button"
            className={plainButton}
            onClick={() => onSearch({ ...unbounded, lookback: wider })}
          >
            {labelOf(wider)}
          </button>
        )}
        {isFiltered(params) && (
          <button
            type="button"
            className={plainButton}
            onClick={() => onSearch(dropUndefined({ order, limit, lookback, start, end }))}
          >
            <Trans>Drop all conditions</Trans>
          </button>
        )}
        <button type="button" className={plainButton} onClick={() => onSearch(params)}>
          <Trans>Search again</Trans>
        </button>
      </div>
    </Notice>
  );
}

function widerLookback(params: SearchParams): string | undefined {
  const now = lookbackMicros(lookbackOf(params)) ?? 0;
  return ['24h', '7d', LOOKBACKS.at(-1)].find(
    (candidate) => candidate !== undefined && (lookbackMicros(candidate) ?? 0) > now,
  );
}

type Loose = { [K in keyof SearchParams]: SearchParams[K] | undefined };

function dropUndefined(params: Loose): SearchParams {
  const kept: { -readonly [K in keyof SearchParams]: SearchParams[K] } = {};
  if (params.order !== undefined) kept.order = params.order;
  if (params.limit !== undefined) kept.limit = params.limit;
  if (params.lookback !== undefined) kept.lookback = params.lookback;
  if (params.start !== undefined) kept.start = params.start;
  if (params.end !== undefined) kept.end = params.end;
  return kept;
}
