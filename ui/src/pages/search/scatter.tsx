/** Duration over time, a point a trace. With a keyboard it is a slider through the traces in order
 *  of start; Enter opens. The table below says the same in words. */
import { useLingui } from '@lingui/react/macro';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import type { TraceSummary } from '#contract';
import { ServiceDot } from '../../components/service-dot.tsx';
import { useSize } from '../../components/use-size.ts';
import { formatClock, formatShortInstant } from '../../i18n/format.ts';
import { formatDuration } from '../../model/duration.ts';
import {
  layOutScatter,
  nearestPoint,
  type Point,
  type ScatterLayout,
} from '../../model/scatter.ts';
import { niceTicks } from '../../model/ticks.ts';
import { useResolvedTheme } from '../../state/theme.ts';
import { paintScatter } from './paint-scatter.ts';

const HEIGHT = 148;
const LEFT = 56;
/** Half of a time's width: what lies nearer to the end would be cut. */
const LABEL_HALF = 24;
const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

export function Scatter({ traces }: { readonly traces: readonly TraceSummary[] }) {
  const { t, i18n } = useLingui();
  const navigate = useNavigate();
  const theme = useResolvedTheme();
  const plot = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(plot);
  const [chosen, setChosen] = useState(-1);
  const layout = layOutScatter(traces, { width, height: HEIGHT });
  const point = layout.points[chosen];
  useEffect(() => {
    if (canvas.current !== null) paintScatter(canvas.current, layout, chosen);
  }, [layout, chosen, theme]);

  const describe = ({ trace }: Point) =>
    `${trace.rootService} ${trace.rootName}, ${formatDuration(trace.durationNano)}, ` +
    formatClock(i18n.locale, startMsOf(trace));
  const open = (one: Point | undefined) => {
    if (one === undefined) return;
    const { traceId } = one.trace;
    void navigate({ to: '/trace/$traceId', params: { traceId }, search: {} });
  };
  const choose = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = nearestPoint(layout.points, event.clientX - box.left, event.clientY - box.top);
    setChosen(at);
    return at;
  };
  const press = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (event.key === 'Enter') open(point);
    if (step === undefined) return;
    event.preventDefault();
    setChosen(Math.min(layout.points.length - 1, Math.max(0, chosen + step)));
  };

  return (
    <div className="rounded-lg border border-line bg-surface pt-3 pr-3 pb-1.5">
      <div className="relative" style={{ height: HEIGHT, marginLeft: LEFT }}>
        <YAxis layout={layout} />
        <div
          ref={plot}
          className={`absolute inset-0 rounded-sm ${point === undefined ? '' : 'cursor-pointer'}`}
          role="slider"
          tabIndex={0}
          aria-label={t`Duration over time: arrow keys walk through the traces, Enter opens one`}
          aria-valuemin={1}
          aria-valuemax={layout.points.length}
          aria-valuenow={Math.max(1, chosen + 1)}
          aria-valuetext={point === undefined ? t`none chosen` : describe(point)}
          onPointerMove={choose}
          onPointerLeave={() => setChosen(-1)}
          onClick={() => open(point)}
          onKeyDown={press}
        >
          <canvas ref={canvas} className="block size-full" aria-hidden="true" />
        </div>
        {point !== undefined && <Bubble point={point} width={width} />}
      </div>
      <XAxis layout={layout} width={width} />
    </div>
  );
}

function startMsOf(trace: TraceSummary): number {
  return Number(BigInt(trace.startNano) / 1_000_000n);
}

function YAxis({ layout }: { readonly layout: ScatterLayout }) {
  const every = Math.ceil(layout.yTicks.length / 5);
  const shown = layout.yTicks.filter((_, i) => i % every === 0);
  return (
    <div aria-hidden="true" className="text-2xs text-muted">
      {shown.map(({ nano, y }) => (
        <div key={nano} className="absolute right-full left-0 w-full" style={{ top: y }}>
          <div className="border-t border-line" />
          <span className="absolute -top-2 right-full mr-2 whitespace-nowrap">
            {formatDuration(nano)}
          </span>
        </div>
      ))}
    </div>
  );
}

interface XAxisProps {
  readonly layout: ScatterLayout;
  readonly width: number;
}

function XAxis({ layout, width }: XAxisProps) {
  const { i18n } = useLingui();
  const { fromMs, toMs } = layout;
  const withDate = toMs - fromMs > 24 * 3600e3;
  const withSeconds = toMs - fromMs < 10 * 60e3;
  const xOf = (nano: number) => ((nano / 1e6 - fromMs) / (toMs - fromMs)) * width;
  const ticks = niceTicks(fromMs * 1e6, toMs * 1e6, width / 130).filter(
    (nano) => xOf(nano) > 0 && xOf(nano) < width - LABEL_HALF,
  );
  return (
    <div
      aria-hidden="true"
      className="relative h-5 text-2xs text-muted"
      style={{ marginLeft: LEFT }}
    >
      {ticks.map((nano) => (
        <span
          key={nano}
          className="absolute top-1 -translate-x-1/2 whitespace-nowrap"
          style={{ left: xOf(nano) }}
        >
          {withSeconds
            ? formatClock(i18n.locale, nano / 1e6).replace(/[.,]000/, '')
            : formatShortInstant(i18n.locale, nano / 1e6, withDate)}
        </span>
      ))}
    </div>
  );
}

interface BubbleProps {
  readonly point: Point;
  readonly width: number;
}

function Bubble({ point, width }: BubbleProps) {
  const { trace, x, y } = point;
  const side = x > width / 2 ? { right: width - x + 14 } : { left: x + 14 };
  return (
    <div
      aria-hidden="true"
      className="pointer-events-none absolute z-20 flex max-w-80 -translate-y-1/2 items-center gap-2 rounded-md border border-line-strong bg-raised px-2.5 py-1.5 whitespace-nowrap shadow-float"
      style={{ ...side, top: y }}
    >
      <ServiceDot service={trace.rootService} />
      <span className="truncate font-medium">{trace.rootName}</span>
      <span className="text-muted">{formatDuration(trace.durationNano)}</span>
      {trace.errorCount > 0 && <span className="text-error">✕ {trace.errorCount}</span>}
    </div>
  );
}
