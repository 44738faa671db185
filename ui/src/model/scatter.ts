/** Where traces lie in the picture of duration over time. Durations are on a logarithmic axis:
 *  they span microseconds to minutes, and the slow ones must not flatten the rest. */

import type { TraceSummary } from '#contract';

export interface Point {
  readonly trace: TraceSummary;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export interface ScatterLayout {
  /** By start. */
  readonly points: readonly Point[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Round durations, low to high. */
  readonly yTicks: readonly { readonly nano: number; readonly y: number }[];
}

export interface Box {
  readonly width: number;
  readonly height: number;
}

const RADIUS_MIN = 3;
/** Decades that stay free above and below. */
const AIR = 0.15;
/** Half of the decades that are shown at least. */
const HALF_MIN = 0.4;
const RADIUS_MAX = 10;

export function layOutScatter(traces: readonly TraceSummary[], box: Box): ScatterLayout {
  const startsMs = traces.map((trace) => Number(BigInt(trace.startNano) / 1000n) / 1000);
  const [fromMs, toMs] = widened(Math.min(...startsMs), Math.max(...startsMs));
  const logs = traces.map((trace) => Math.log10(Math.max(1, trace.durationNano)));
  const middle = (Math.min(...logs) + Math.max(...logs)) / 2;
  const half = Math.max(HALF_MIN, Math.max(...logs) - middle + AIR);
  const low = middle - half;
  const high = middle + half;
  const yOf = (log: number) => box.height * (1 - (log - low) / (high - low));
  const points = traces.map((trace, i) => ({
    trace,
    x: (((startsMs[i] ?? fromMs) - fromMs) / (toMs - fromMs)) * box.width,
    y: yOf(logs[i] ?? low),
    radius: radiusOf(trace.spanCount),
  }));
  const yTicks = roundDurations(low, high).map((nano) => ({ nano, y: yOf(Math.log10(nano)) }));
  return { points: points.toSorted((a, b) => a.x - b.x), fromMs, toMs, yTicks };
}

/** Powers of ten between two exponents; with their doubles and halves where those are few. */
function roundDurations(low: number, high: number): number[] {
  const first = Math.floor(low);
  const decades = Array.from({ length: Math.ceil(high) - first }, (_, i) => 10 ** (first + i));
  const steps = high - low > 2 ? [1] : [1, 2, 5];
  return decades
    .flatMap((decade) => steps.map((step) => decade * step))
    .filter((nano) => Math.log10(nano) >= low && Math.log10(nano) <= high);
}

/** The nearest point within reach of (x, y), as its place in `points`; -1 when there is none. */
export function nearestPoint(points: readonly Point[], x: number, y: number): number {
  let best = -1;
  let bestDistance = Number.POSITIVE_INFINITY;
  points.forEach((point, i) => {
    const distance = Math.hypot(point.x - x, point.y - y);
    if (distance > point.radius + 6 || distance >= bestDistance) return;
    best = i;
    bestDistance = distance;
  });
  return best;
}

function radiusOf(spanCount: number): number {
  return Math.min(RADIUS_MAX, RADIUS_MIN + Math.log2(Math.max(1, spanCount)) * 0.55);
}

/** A little air on both sides, and a second at least. */
function widened(from: number, to: number): [number, number] {
  const air = Math.max(500, (to - from) * 0.03);
  return [from - air, to + air];
}
