/** The part of the trace's time that is shown: [from, to), ns since its start. */

export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** Nothing is narrower: below this, doubles and pixels mean nothing. */
const WIDTH_MIN = 10;

/** Moves the window into [0, total) and keeps its width where that is possible. */
export function clampWindow(window: TimeWindow, total: number): TimeWindow {
  const whole = Math.max(total, WIDTH_MIN);
  const width = Math.min(whole, Math.max(WIDTH_MIN, window.to - window.from));
  const from = Math.min(whole - width, Math.max(0, window.from));
  return { from, to: from + width };
}

/** `factor` < 1 zooms in; the instant `at` stays where it is. */
export function zoomWindow(window: TimeWindow, factor: number, at: number): TimeWindow {
  return { from: at - (at - window.from) * factor, to: at + (window.to - at) * factor };
}

/** By a share of its width. */
export function panWindow(window: TimeWindow, share: number): TimeWindow {
  const by = (window.to - window.from) * share;
  return { from: window.from + by, to: window.to + by };
}

export function isWhole(window: TimeWindow, total: number): boolean {
  return window.from <= 0 && window.to >= total;
}

export function centreOf({ from, to }: TimeWindow): number {
  return (from + to) / 2;
}
