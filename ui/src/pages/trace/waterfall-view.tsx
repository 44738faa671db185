/** The waterfall's frame: the elements it paints into, and its column heads. */
import { plural } from '@lingui/core/macro';
import { useLingui } from '@lingui/react/macro';
import { useEffect, useRef } from 'react';
import { formatDuration } from '../../model/duration.ts';
import { preferences, setPreference, usePreference } from '../../state/preferences.ts';
import { useResolvedTheme } from '../../state/theme.ts';
import { Splitter } from '../../components/splitter.tsx';
import { type Frame, timeX } from './paint-waterfall.ts';
import { useTraceStore } from './trace-context.ts';
import { Waterfall } from './waterfall.ts';

interface WaterfallViewProps {
  /** Told the waterfall when there is one, and undefined when it is gone. */
  readonly onReady: (waterfall: Waterfall | undefined) => void;
}

export function WaterfallView({ onReady }: WaterfallViewProps) {
  const { t } = useLingui();
  const store = useTraceStore();
  const theme = useResolvedTheme();
  const nameShare = usePreference('nameShare');
  const waterfall = useRef<Waterfall>(undefined);
  const frame = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const layer = useRef<HTMLDivElement>(null);
  const spacer = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const head = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const parts = {
      grid: need(grid.current),
      scroller: need(scroller.current),
      layer: need(layer.current),
      spacer: need(spacer.current),
      canvas: need(canvas.current),
    };
    const made = new Waterfall(parts, {
      store,
      words: {
        error: t`Error`,
        errorBelow: t`An error is folded in here`,
        orphan: t`Its parent is not in the trace`,
        level: (depth) => t`Level ${depth}`,
      },
      nameShare: preferences.getState().nameShare,
      onFrame: (painted) => {
        frame.current?.style.setProperty('--name-width', `${painted.geometry.nameWidth}px`);
        paintHead(need(head.current), painted);
      },
    });
    waterfall.current = made;
    onReady(made);
    return () => {
      waterfall.current = undefined;
      onReady(undefined);
      made.destroy();
    };
  }, [store, onReady, t]);
  useEffect(() => waterfall.current?.setNameShare(nameShare), [nameShare]);
  useEffect(() => waterfall.current?.repaint(), [theme]);

  const spans = store.getState().model.columns.count;
  return (
    <div ref={frame} className="relative flex min-h-0 min-w-0 flex-1 bg-surface">
      <div
        ref={grid}
        role="treegrid"
        aria-label={t`${plural(spans, { one: 'Waterfall of # span', other: 'Waterfall of # spans' })}`}
        aria-colcount={2}
        className="flex min-h-0 min-w-0 flex-1 flex-col"
      >
        <div
          role="row"
          aria-rowindex={1}
          className="flex h-7 shrink-0 border-b border-line text-xs text-muted"
        >
          <div
            role="columnheader"
            className="flex shrink-0 items-center overflow-hidden px-3 font-medium whitespace-nowrap"
            style={{ width: 'var(--name-width)' }}
          >
            {t`Service and operation`}
          </div>
          <div role="columnheader" className="relative min-w-0 flex-1">
            <span className="sr-only">{t`Time`}</span>
            <div ref={head} aria-hidden="true" className="absolute inset-0 overflow-hidden" />
          </div>
        </div>
        <div
          ref={scroller}
          role="rowgroup"
          tabIndex={-1}
          className="relative min-h-0 flex-1 overflow-x-hidden overflow-y-scroll outline-hidden"
        >
          <div ref={layer} className="sticky top-0 z-0 h-0 overflow-hidden">
            <canvas ref={canvas} className="absolute inset-0 size-full" aria-hidden="true" />
          </div>
          <div ref={spacer} className="absolute top-0 left-0 w-px" aria-hidden="true" />
        </div>
      </div>
      <Splitter
        label={t`Width of the names`}
        orientation="vertical"
        share={nameShare}
        onShare={(share) => setPreference('nameShare', share)}
        container={frame}
        className="absolute inset-y-0"
        style={{ left: 'calc(var(--name-width) - 4px)' }}
      />
    </div>
  );
}

function need<T>(element: T | null): T {
  if (element === null) throw new Error('the waterfall was started before its elements');
  return element;
}

const LABEL_WIDTH = 56;

/** Tick labels and the time under the pointer; by hand, since they move with every frame. */
function paintHead(head: HTMLDivElement, frame: Frame): void {
  const { geometry, state, ticks, cursorX } = frame;
  const labels = ticks.map((tick) => ({
    x: timeX(frame, tick),
    text: formatDuration(tick),
    isCursor: false,
  }));
  // The last one is left out rather than cut.
  if ((labels.at(-1)?.x ?? 0) > geometry.width - LABEL_WIDTH) labels.pop();
  if (cursorX >= 0) {
    const { from, to } = state.window;
    const share = (cursorX - geometry.timeLeft) / geometry.timeWidth;
    const x = Math.min(cursorX, geometry.width - LABEL_WIDTH);
    labels.push({ x, text: formatDuration(from + share * (to - from)), isCursor: true });
  }
  while (head.children.length < labels.length) head.append(document.createElement('span'));
  [...head.children].forEach((child, i) => {
    const label = labels[i];
    if (!(child instanceof HTMLElement)) return;
    child.hidden = label === undefined;
    if (label === undefined) return;
    child.className = label.isCursor ? 'wf-tick wf-tick-cursor' : 'wf-tick';
    child.textContent = label.text;
    child.style.transform = `translateX(${label.x - geometry.nameWidth}px)`;
  });
}
