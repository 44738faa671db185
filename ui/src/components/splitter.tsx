/** A border that is dragged, or moved with the arrow keys. */
import type { CSSProperties, KeyboardEvent, PointerEvent, RefObject } from 'react';

interface SplitterProps {
  readonly label: string;
  /** Of the bar itself: "vertical" stands between left and right. */
  readonly orientation: 'vertical' | 'horizontal';
  /** Share of what is before it. */
  readonly share: number;
  readonly onShare: (share: number) => void;
  readonly container: RefObject<HTMLElement | null>;
  readonly className?: string;
  readonly style?: CSSProperties;
}

const SHARE_MIN = 0.15;
const SHARE_MAX = 0.85;
const STEP = 0.02;

export function Splitter(props: SplitterProps) {
  const { label, orientation, share, onShare, container, className = '', style } = props;
  const isVertical = orientation === 'vertical';
  const set = (value: number) => onShare(Math.min(SHARE_MAX, Math.max(SHARE_MIN, value)));

  function drag(event: PointerEvent) {
    const box = container.current?.getBoundingClientRect();
    if (box === undefined || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    set(
      isVertical ? (event.clientX - box.left) / box.width : (event.clientY - box.top) / box.height,
    );
  }
  function press(event: KeyboardEvent) {
    const back = isVertical ? 'ArrowLeft' : 'ArrowUp';
    const forth = isVertical ? 'ArrowRight' : 'ArrowDown';
    if (event.key !== back && event.key !== forth) return;
    event.preventDefault();
    event.stopPropagation();
    set(share + (event.key === forth ? STEP : -STEP));
  }

  return (
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={orientation}
      aria-valuemin={SHARE_MIN * 100}
      aria-valuemax={SHARE_MAX * 100}
      aria-valuenow={Math.round(share * 100)}
      className={`group z-10 flex touch-none items-center justify-center ${isVertical ? 'w-2 cursor-col-resize' : 'h-2 cursor-row-resize'} ${className}`}
      style={style}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onKeyDown={press}
    >
      <div
        className={`rounded-full bg-accent opacity-0 transition-opacity group-hover:opacity-60 group-active:opacity-100 ${isVertical ? 'h-full w-0.5' : 'h-0.5 w-full'}`}
      />
    </div>
  );
}
