/** The whole trace in a strip. A drag chooses the time shown below, its ends are sliders. */
import { Trans, useLingui } from '@lingui/react/macro';
import { X } from 'lucide-react';
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { formatDuration } from '../../model/duration.ts';
import { niceTicks } from '../../model/ticks.ts';
import { isWhole, type TimeWindow } from '../../model/time-window.ts';
import { useResolvedTheme } from '../../state/theme.ts';
import { useSize } from '../../components/use-size.ts';
import { paintMinimap } from './paint-minimap.ts';
import { useTraceState, useTraceStore } from './trace-context.ts';

type Grip = 'from' | 'to' | 'new';

interface Drag {
  readonly grip: Grip;
  /** The end that stays, ns. */
  readonly anchor: number;
}

export function MinimapView() {
  const { t } = useLingui();
  const store = useTraceStore();
  const theme = useResolvedTheme();
  const model = useTraceState((state) => state.model);
  const window = useTraceState((state) => state.window);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<Drag>(undefined);
  const size = useSize(box);
  const [draft, setDraft] = useState<TimeWindow>();
  const total = Math.max(1, model.columns.durationNano);
  useEffect(() => {
    if (canvas.current !== null) paintMinimap(canvas.current, model);
  }, [model, theme, size]);

  const shown = draft ?? window;
  const percent = (nano: number) => (Math.min(total, Math.max(0, nano)) / total) * 100;
  const nanoAt = (event: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect();
    if (rect === undefined) return 0;
    const share = (event.clientX - rect.left) / rect.width;
    return Math.min(1, Math.max(0, share)) * total;
  };
  const start = (event: PointerEvent, grip: Grip) => {
    event.preventDefault();
    event.stopPropagation();
    box.current?.setPointerCapture(event.pointerId);
    const anchors = { from: window.to, to: window.from, new: nanoAt(event) };
    drag.current = { grip, anchor: anchors[grip] };
  };
  const move = (event: PointerEvent) => {
    if (drag.current === undefined) return;
    const { anchor, grip } = drag.current;
    const at = nanoAt(event);
    const next = { from: Math.min(anchor, at), to: Math.max(anchor, at) };
    // An end that is moved takes the rows with it; a new range waits until it is drawn.
    if (grip === 'new') setDraft(next);
    else store.setWindow(next);
  };
  const end = () => {
    if (draft !== undefined && draft.to - draft.from > total / 400) store.setWindow(draft);
    drag.current = undefined;
    setDraft(undefined);
  };

  return (
    <div className="relative shrink-0 border-b border-line bg-surface px-3 pt-1 pb-2">
      <Ticks total={total} width={size.width} />
      <div
        ref={box}
        className="relative h-14 cursor-crosshair touch-none rounded-sm bg-sunken"
        onPointerDown={(event) => start(event, 'new')}
        onPointerMove={move}
        onPointerUp={end}
        onPointerCancel={end}
        onDoubleClick={() => store.setWindow({ from: 0, to: total })}
      >
        <canvas ref={canvas} className="absolute inset-0 size-full" aria-hidden="true" />
        <Shade style={{ left: 0, width: `${percent(shown.from)}%` }} />
        <Shade style={{ right: 0, width: `${100 - percent(shown.to)}%` }} />
        <Handle
          label={t`Start of the time shown`}
          at={percent(shown.from)}
          text={formatDuration(shown.from)}
          onGrab={(event) => start(event, 'from')}
          onStep={(by) => store.setWindow({ from: window.from + by * total, to: window.to })}
        />
        <Handle
          label={t`End of the time shown`}
          at={percent(shown.to)}
          text={formatDuration(shown.to)}
          onGrab={(event) => start(event, 'to')}
          onStep={(by) => store.setWindow({ from: window.from, to: window.to + by * total })}
        />
      </div>
      {!isWhole(window, model.columns.durationNano) && (
        <button
          type="button"
          className="absolute top-6.5 right-5 z-20 inline-flex h-6 items-center gap-1 rounded-md border border-line-strong bg-raised px-2 text-xs font-medium shadow-float hover:bg-hover"
          onClick={() => store.setWindow({ from: 0, to: total })}
        >
          <X size={12} aria-hidden="true" />
          <Trans>Show all time</Trans>
        </button>
      )}
    </div>
  );
}

function Ticks({ total, width }: { readonly total: number; readonly width: number }) {
  return (
    <div aria-hidden="true" className="relative h-4 text-2xs text-muted">
      {niceTicks(0, total, width / 140).map((tick) => (
        <span
          key={tick}
          className="absolute whitespace-nowrap first:translate-x-0 [&:not(:first-child)]:-translate-x-1/2"
          style={{ left: `${(tick / total) * 100}%` }}
        >
          {(tick / total) * width < width - 24 ? formatDuration(tick) : ''}
        </span>
      ))}
    </div>
  );
}

function Shade({ style }: { readonly style: React.CSSProperties }) {
  return <div className="pointer-events-none absolute inset-y-0 bg-(--shade)" style={style} />;
}

interface HandleProps {
  readonly label: string;
  /** Percent. */
  readonly at: number;
  readonly text: string;
  readonly onGrab: (event: PointerEvent) => void;
  /** By a share of the whole. */
  readonly onStep: (by: number) => void;
}

function Handle({ label, at, text, onGrab, onStep }: HandleProps) {
  function press(event: KeyboardEvent) {
    const step = { ArrowLeft: -0.01, ArrowDown: -0.01, ArrowRight: 0.01, ArrowUp: 0.01 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onStep(event.shiftKey ? step * 10 : step);
  }
  return (
    <div
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(at)}
      aria-valuetext={text}
      className="absolute inset-y-0 z-10 -ml-1.5 flex w-3 cursor-ew-resize items-center justify-center"
      style={{ left: `${at}%` }}
      onPointerDown={onGrab}
      onKeyDown={press}
    >
      <div className="absolute inset-y-0 w-px bg-accent" />
      <div className="z-10 h-5 w-1.5 rounded-full border border-surface bg-accent" />
    </div>
  );
}
