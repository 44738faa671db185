/** What trace this is, in a line and a half. */
import { plural } from '@lingui/core/macro';
import { useLingui } from '@lingui/react/macro';
import { CircleAlert, Unlink } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { CopyButton } from '../../components/copy-button.tsx';
import { ServiceDot } from '../../components/service-dot.tsx';
import { formatAgo, formatClock, formatCount, formatInstant } from '../../i18n/format.ts';
import { formatDuration } from '../../model/duration.ts';
import { shortTraceId } from '../../model/trace-id.ts';
import { useTraceState, useTraceStore } from './trace-context.ts';

export function TraceHeader() {
  const { t, i18n } = useLingui();
  const { columns, summary, colours } = useTraceState((state) => state.model);
  const [nowMs] = useState(() => Date.now());
  const startMs = Number(columns.startNano / 1_000_000n);
  const rootService = columns.serviceIds[0] ?? 0;
  const count = (value: number) => formatCount(i18n.locale, value);
  return (
    <div className="shrink-0 bg-surface px-3 pt-2.5 pb-1">
      <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
        <h1 className="flex min-w-0 items-center gap-2 text-[0.9375rem] font-semibold tracking-tight">
          <ServiceDot service="" colour={colours[rootService] ?? 0} />
          <span className="min-w-0 truncate">
            <span className="font-medium text-muted">{columns.services[rootService]}</span>{' '}
            {columns.names[columns.nameIds[0] ?? 0]}
          </span>
        </h1>
        <span className="flex items-center font-mono text-xs text-muted" title={columns.traceId}>
          {shortTraceId(columns.traceId)}
          <CopyButton text={columns.traceId} label={t`Copy the trace id`} />
        </span>
        <dl className="ml-auto flex flex-wrap items-baseline gap-x-5 gap-y-0.5">
          <Fact label={t`Start`} title={formatInstant(i18n.locale, startMs)}>
            {formatClock(i18n.locale, startMs)}{' '}
            <span className="text-muted">{formatAgo(i18n.locale, startMs, nowMs)}</span>
          </Fact>
          <Fact label={t`Duration`}>{formatDuration(columns.durationNano)}</Fact>
          <Fact label={t`Services`}>{count(columns.services.length)}</Fact>
          <Fact label={t`Depth`}>{count(summary.levels)}</Fact>
          <Fact label={t`Spans`}>{count(columns.count)}</Fact>
          <Fact label={t`Errors`} tone={summary.errors > 0 ? 'text-error' : ''}>
            {summary.errors > 0 && (
              <CircleAlert size={12} aria-hidden="true" className="mr-1 inline" />
            )}
            {count(summary.errors)}
          </Fact>
        </dl>
      </div>
      {summary.orphans > 0 && (
        <p className="mt-1.5 flex items-center gap-2 rounded-md bg-warn-soft px-2.5 py-1 text-warn">
          <Unlink size={13} aria-hidden="true" />
          {t`${plural(summary.orphans, {
            one: '# span names a parent that is not in the trace: something is missing.',
            other: '# spans name a parent that is not in the trace: something is missing.',
          })}`}
        </p>
      )}
      <ServiceLegend />
    </div>
  );
}

interface FactProps {
  readonly label: string;
  readonly title?: string;
  readonly tone?: string;
  readonly children: ReactNode;
}

function Fact({ label, title, tone = '', children }: FactProps) {
  return (
    <div className="flex items-baseline gap-1.5 whitespace-nowrap" title={title}>
      <dt className="text-xs text-muted">{label}</dt>
      <dd className={`font-medium ${tone}`}>{children}</dd>
    </div>
  );
}

const LEGEND_MAX = 14;

/** Who takes part. A click finds that service's spans. */
function ServiceLegend() {
  const { t, i18n } = useLingui();
  const store = useTraceStore();
  const { columns, summary, colours } = useTraceState((state) => state.model);
  const find = useTraceState((state) => state.find);
  const spansOf = (id: number) => summary.spansByService[id] ?? 0;
  const ids = [...columns.services.keys()].toSorted((a, b) => spansOf(b) - spansOf(a));
  const rest = ids.length - LEGEND_MAX;
  return (
    <ul className="-ml-1.5 mt-1 flex flex-wrap items-center gap-x-1" aria-label={t`Services`}>
      {ids.slice(0, LEGEND_MAX).map((id) => {
        const service = columns.services[id] ?? '';
        const isFound = find === service;
        return (
          <li key={id}>
            <button
              type="button"
              aria-pressed={isFound}
              className="flex h-6 items-center gap-1.5 rounded-md px-1.5 text-xs hover:bg-hover aria-pressed:bg-match aria-pressed:[&>span]:text-text"
              title={t`Find the spans of ${service}`}
              onClick={() => store.setFind(isFound ? '' : service)}
            >
              <ServiceDot service={service} colour={colours[id] ?? 0} />
              <span>{service}</span>
              <span className="text-muted">{formatCount(i18n.locale, spansOf(id))}</span>
            </button>
          </li>
        );
      })}
      {rest > 0 && <li className="px-1 text-xs text-muted">+{rest}</li>}
    </ul>
  );
}
