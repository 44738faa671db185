/** The span's own fields. All but the status message are known before the server is asked. */
import { useLingui } from '@lingui/react/macro';
import { CircleAlert, CornerLeftUp, Link2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { RowFlag, spanIdAt } from '../../../../src/model/trace/columns.ts';
import type { SpanDetail } from '#contract';
import { apiUrl } from '../../api/client.ts';
import { CopyButton } from '../../components/copy-button.tsx';
import { formatCount, formatInstant } from '../../i18n/format.ts';
import { formatDuration } from '../../model/duration.ts';
import { isErrorRow } from '../../model/trace-model.ts';
import { useTraceState, useTraceStore } from './trace-context.ts';
import { useKindNames } from './kind-names.ts';

interface SpanFactsProps {
  readonly row: number;
  readonly detail: SpanDetail | undefined;
}

export function SpanFacts({ row, detail }: SpanFactsProps) {
  const { t, i18n } = useLingui();
  const { columns } = useTraceState((state) => state.model);
  const kinds = useKindNames();
  const start = columns.starts[row] ?? 0;
  const spanId = spanIdAt(columns, row);
  const startNano = columns.startNano + BigInt(Math.round(start));
  const micros = String((startNano / 1000n) % 1_000_000n).padStart(6, '0');
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 px-4 py-3 sm:grid-cols-[auto_1fr_auto_1fr]">
      <Fact label={t`Duration`}>{formatDuration(columns.durations[row] ?? 0)}</Fact>
      <Fact label={t`Self time`}>
        <SelfTime row={row} />
      </Fact>
      <Fact label={t`Starts at`}>+{formatDuration(start)}</Fact>
      <Fact label={t`Kind`}>{kinds[columns.kinds[row] ?? 0]}</Fact>
      <Fact label={t`Time`} isWide>
        {formatInstant(i18n.locale, Number(startNano / 1_000_000n))}
        <span className="text-muted">.{micros}</span>
      </Fact>
      <Fact label={t`Status`} isWide>
        <Status row={row} detail={detail} />
      </Fact>
      <Fact label={t`Parent`} isWide>
        <Parent row={row} />
      </Fact>
      <Fact label={t`Span id`}>
        <span className="inline-flex items-center font-mono text-xs whitespace-nowrap">
          {spanId}
          <CopyButton text={spanId} label={t`Copy the span id`} className="-my-1" />
          <CopyButton
            text={apiUrl(`trace/${columns.traceId}`, { span: spanId })}
            label={t`Copy a link to this span`}
            icon={<Link2 size={14} aria-hidden="true" />}
            className="-my-1"
          />
        </span>
      </Fact>
      <Fact label={t`Spans below`}>
        {formatCount(i18n.locale, (columns.ends[row] ?? 0) - row - 1)}
      </Fact>
    </dl>
  );
}

function SelfTime({ row }: { readonly row: number }) {
  const { columns, derived } = useTraceState((state) => state.model);
  const duration = columns.durations[row] ?? 0;
  const self = derived?.selfTimes[row];
  if (self === undefined) return '…';
  if (duration <= 0) return formatDuration(self);
  return (
    <>
      {formatDuration(self)}{' '}
      <span className="text-muted">{Math.round((self / duration) * 100)}%</span>
    </>
  );
}

function Status({ row, detail }: SpanFactsProps) {
  const { t } = useLingui();
  const { columns } = useTraceState((state) => state.model);
  return (
    <>
      {isErrorRow(columns, row) ? (
        <span className="inline-flex items-center gap-1 font-medium text-error">
          <CircleAlert size={13} aria-hidden="true" />
          {t`Error`}
        </span>
      ) : (
        <StatusName status={detail?.status ?? 'unset'} />
      )}
      {detail !== undefined && detail.statusMessage !== '' && (
        <span> · {detail.statusMessage}</span>
      )}
    </>
  );
}

function Parent({ row }: { readonly row: number }) {
  const { t } = useLingui();
  const store = useTraceStore();
  const { columns } = useTraceState((state) => state.model);
  const parent = columns.parents[row] ?? -1;
  if (parent < 0) {
    const isOrphan = ((columns.flags[row] ?? 0) & RowFlag.orphan) !== 0;
    return (
      <span className={isOrphan ? 'text-warn' : 'text-muted'}>
        {isOrphan ? t`Not in the trace` : t`None: this is a root`}
      </span>
    );
  }
  return (
    <button
      type="button"
      className="inline-flex max-w-full items-center gap-1 text-left text-accent hover:underline"
      onClick={() => store.goTo(parent, { open: true })}
    >
      <CornerLeftUp size={13} aria-hidden="true" />
      <span className="truncate">
        {columns.services[columns.serviceIds[parent] ?? 0]}{' '}
        {columns.names[columns.nameIds[parent] ?? 0]}
      </span>
    </button>
  );
}

function StatusName({ status }: { readonly status: SpanDetail['status'] }) {
  const { t } = useLingui();
  return status === 'ok' ? (
    <span className="text-ok">{t`Ok`}</span>
  ) : (
    <span className="text-muted">{t`Unset`}</span>
  );
}

interface FactProps {
  readonly label: string;
  /** Takes the whole line. */
  readonly isWide?: boolean;
  readonly children: ReactNode;
}

function Fact({ label, isWide = false, children }: FactProps) {
  return (
    <>
      <dt className="col-start-1 text-muted sm:nth-[4n+3]:col-start-auto">{label}</dt>
      <dd className={`min-w-0 ${isWide ? 'sm:col-span-3' : ''}`}>{children}</dd>
    </>
  );
}
