import { plural } from '@lingui/core/macro';
import { useLingui } from '@lingui/react/macro';
import { Link } from '@tanstack/react-router';
import { CircleAlert, Unlink } from 'lucide-react';
import type { TraceSummary } from '#contract';
import { ServiceDot } from '../../components/service-dot.tsx';
import { formatAgo, formatClock, formatCount, formatInstant } from '../../i18n/format.ts';
import { formatDuration } from '../../model/duration.ts';
import { shortTraceId } from '../../model/trace-id.ts';

interface TraceTableProps {
  readonly traces: readonly TraceSummary[];
  readonly nowMs: number;
}

const HEAD = 'sticky top-0 z-10 bg-bg py-1.5 text-xs font-medium text-muted';

export function TraceTable({ traces, nowMs }: TraceTableProps) {
  const { t } = useLingui();
  const longest = traces.reduce((most, trace) => Math.max(most, trace.durationNano), 1);
  return (
    <table className="mt-2 w-full table-fixed border-separate border-spacing-0">
      <caption className="sr-only">{t`Traces found`}</caption>
      <thead>
        <tr className="[&>th]:border-b [&>th]:border-line">
          <th scope="col" className={`${HEAD} pl-2 text-left lg:w-[30%]`}>{t`Trace`}</th>
          <th scope="col" className={`${HEAD} text-left max-lg:hidden`}>{t`Services`}</th>
          <th scope="col" className={`${HEAD} w-16 text-right`}>{t`Spans`}</th>
          <th scope="col" className={`${HEAD} w-20 pr-4 text-right`}>{t`Errors`}</th>
          <th
            scope="col"
            className={`${HEAD} w-20 text-right lg:w-44 lg:text-left`}
          >{t`Duration`}</th>
          <th scope="col" className={`${HEAD} w-36 pr-2 text-right`}>{t`Start`}</th>
        </tr>
      </thead>
      <tbody>
        {traces.map((trace) => (
          <Row key={trace.traceId} trace={trace} longest={longest} nowMs={nowMs} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly trace: TraceSummary;
  readonly longest: number;
  readonly nowMs: number;
}

function Row({ trace, longest, nowMs }: RowProps) {
  const { t, i18n } = useLingui();
  const startMs = Number(BigInt(trace.startNano) / 1_000_000n);
  return (
    <tr className="relative h-11 hover:[&>td]:bg-hover [&>td]:border-b [&>td]:border-line has-focus-visible:[&>td]:bg-hover">
      <td className="pr-3 pl-2">
        <div className="flex min-w-0 items-center gap-2">
          <ServiceDot service={trace.rootService} />
          <Link
            to="/trace/$traceId"
            params={{ traceId: trace.traceId }}
            search={{}}
            className="min-w-0 truncate after:absolute after:inset-0"
          >
            <span className="text-muted">{trace.rootService}</span>{' '}
            <span className="font-medium">{trace.rootName}</span>
          </Link>
          <span className="shrink-0 font-mono text-2xs text-faint">
            {shortTraceId(trace.traceId)}
          </span>
          {trace.orphanCount > 0 && <OrphanBadge count={trace.orphanCount} />}
        </div>
      </td>
      <td className="pr-3 max-lg:hidden">
        <ServicePills services={trace.services} />
      </td>
      <td className="text-right">{formatCount(i18n.locale, trace.spanCount)}</td>
      <td className="pr-4 text-right">
        {trace.errorCount > 0 ? (
          <span className="inline-flex items-center gap-1 font-medium text-error">
            <CircleAlert size={13} aria-hidden="true" />
            {formatCount(i18n.locale, trace.errorCount)}
          </span>
        ) : (
          <span className="text-faint" aria-label={t`none`} role="img">
            –
          </span>
        )}
      </td>
      <td>
        <div className="flex items-center gap-2">
          <span className="w-16 shrink-0 text-right font-medium">
            {formatDuration(trace.durationNano)}
          </span>
          <span
            className="h-1.5 flex-1 overflow-hidden rounded-full bg-sunken max-lg:hidden"
            aria-hidden="true"
          >
            <span
              className="block h-full rounded-full bg-accent/75"
              style={{ width: `max(3px, ${(trace.durationNano / longest) * 100}%)` }}
            />
          </span>
        </div>
      </td>
      <td className="pr-2 text-right leading-4" title={formatInstant(i18n.locale, startMs)}>
        <div>{formatClock(i18n.locale, startMs)}</div>
        <div className="text-2xs text-muted">{formatAgo(i18n.locale, startMs, nowMs)}</div>
      </td>
    </tr>
  );
}

function OrphanBadge({ count }: { readonly count: number }) {
  const { t } = useLingui();
  const label = t`${plural(count, {
    one: '# span names a parent that is not there',
    other: '# spans name a parent that is not there',
  })}`;
  return (
    <span className="relative z-1 shrink-0 text-warn" title={label} role="img" aria-label={label}>
      <Unlink size={13} aria-hidden="true" />
    </span>
  );
}

const PILLS_MAX = 4;

function ServicePills({ services }: { readonly services: TraceSummary['services'] }) {
  const most = services.toSorted((a, b) => b.spans - a.spans);
  const rest = most.slice(PILLS_MAX);
  return (
    <ul className="flex min-w-0 gap-1 overflow-hidden">
      {most.slice(0, PILLS_MAX).map((service) => (
        <li
          key={service.name}
          className={`flex h-5.5 max-w-40 min-w-12 items-center gap-1.5 rounded-full border px-2 text-xs whitespace-nowrap ${service.errors > 0 ? 'border-error/50' : 'border-line-strong'}`}
        >
          <ServiceDot service={service.name} />
          <span className="truncate">{service.name}</span>
          <span className="shrink-0 text-muted">{service.spans}</span>
        </li>
      ))}
      {rest.length > 0 && (
        <li
          className="flex h-5.5 shrink-0 items-center px-1 text-xs text-muted"
          title={rest.map(({ name }) => name).join(', ')}
        >
          +{rest.length}
        </li>
      )}
    </ul>
  );
}
