/** Exponential histograms as Prometheus has them. Both have buckets whose bounds grow by the factor
 *  2^(2^-scale); OTLP numbers a bucket by its lower bound, Prometheus by its upper one, and gives
 *  only the buckets that hold something, in spans and by the difference to the bucket before. */
import type { ExponentialBuckets } from '../../model/metrics.ts';

/** What of a point its buckets are. */
export interface Exponential {
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: Readonly<ExponentialBuckets>;
  readonly negative: Readonly<ExponentialBuckets>;
}

export interface NativeBuckets {
  /** `offset` empty buckets, then `length` ones that are given. */
  readonly spans: { readonly offset: number; length: number }[];
  readonly deltas: number[];
}

export interface NativeHistogram {
  readonly schema: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: NativeBuckets;
  readonly negative: NativeBuckets;
}

const SCHEMA_MIN = -4;
const SCHEMA_MAX = 8;
/** What OTLP calls zero is exact; a width of 0 would make an empty histogram look like a classic one. */
const ZERO_THRESHOLD = 1e-128;
/** Fewer empty buckets than this are given, because a new span takes more. */
const GAP_MAX = 2;
/** More buckets than this are halved: sums of far-apart points stay bounded. */
const BUCKETS_MAX = 1024;

/** undefined when the buckets are coarser than Prometheus has them. */
export function nativeHistogram(point: Exponential): NativeHistogram | undefined {
  if (point.scale < SCHEMA_MIN) return undefined;
  const schema = Math.min(point.scale, SCHEMA_MAX);
  return {
    schema,
    zeroCount: point.zeroCount,
    zeroThreshold: point.zeroThreshold > 0 ? point.zeroThreshold : ZERO_THRESHOLD,
    positive: nativeBuckets(coarser(point.positive, point.scale - schema)),
    negative: nativeBuckets(coarser(point.negative, point.scale - schema)),
  };
}

/** Both together, at the finer resolution that both can have; undefined when they mean different
 *  things by zero. */
export function sumOf(a: Exponential, b: Exponential): Exponential | undefined {
  if (a.zeroThreshold !== b.zeroThreshold) return undefined;
  let scale = Math.min(a.scale, b.scale);
  const at = (side: 'positive' | 'negative') =>
    [a, b].map((one) => coarser(one[side], one.scale - scale));
  while (widthOf(at('positive')) > BUCKETS_MAX || widthOf(at('negative')) > BUCKETS_MAX) scale -= 1;
  return {
    scale,
    zeroThreshold: a.zeroThreshold,
    zeroCount: a.zeroCount + b.zeroCount,
    positive: together(at('positive')),
    negative: together(at('negative')),
  };
}

/** `halvings` times two buckets become one. */
function coarser({ offset, counts }: ExponentialBuckets, halvings: number): ExponentialBuckets {
  if (halvings === 0 || counts.length === 0) return { offset, counts };
  const factor = 2 ** halvings;
  const first = Math.floor(offset / factor);
  const last = Math.floor((offset + counts.length - 1) / factor);
  const merged = Array.from({ length: last - first + 1 }, () => 0);
  for (const [i, count] of counts.entries()) {
    const at = Math.floor((offset + i) / factor) - first;
    merged[at] = (merged[at] ?? 0) + count;
  }
  return { offset: first, counts: merged };
}

function rangeOf(all: readonly ExponentialBuckets[]): readonly [first: number, end: number] {
  const filled = all.filter(({ counts }) => counts.length > 0);
  if (filled.length === 0) return [0, 0];
  return [
    Math.min(...filled.map(({ offset }) => offset)),
    Math.max(...filled.map(({ offset, counts }) => offset + counts.length)),
  ];
}

function widthOf(all: readonly ExponentialBuckets[]): number {
  const [first, end] = rangeOf(all);
  return end - first;
}

function together(all: readonly ExponentialBuckets[]): ExponentialBuckets {
  const [first, end] = rangeOf(all);
  const counts = Array.from({ length: end - first }, (_, i) =>
    all.reduce((sum, one) => sum + (one.counts[first + i - one.offset] ?? 0), 0),
  );
  return { offset: first, counts };
}

function nativeBuckets({ offset, counts }: ExponentialBuckets): NativeBuckets {
  const buckets: NativeBuckets = { spans: [], deltas: [] };
  let end = 0;
  let before = 0;
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    const index = offset + i + 1;
    const span = buckets.spans.at(-1);
    if (span === undefined || index - end > GAP_MAX) {
      buckets.spans.push({ offset: index - end, length: 1 });
    } else {
      for (; end < index; end += 1) {
        buckets.deltas.push(-before);
        before = 0;
        span.length += 1;
      }
      span.length += 1;
    }
    buckets.deltas.push(count - before);
    before = count;
    end = index + 1;
  }
  return buckets;
}
