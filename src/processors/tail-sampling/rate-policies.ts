/** Policies with a budget: spans or bytes a second, alone or shared out among other policies. */

import type { Clock } from '../../lib/clock.ts';
import type { CompositePolicy } from './config.ts';
import { type HeldTrace, type Policy, sampledIf } from './trace.ts';

/** Tokens that come at a steady rate and are kept up to a burst. */
class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledMs: number;

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#tokens = burst;
    this.#filledMs = clock.monotonicMs();
  }

  take(count: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#filledMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#filledMs = nowMs;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}

export function rateLimiting(
  {
    spans_per_second: rate,
    burst_capacity: burst,
  }: { spans_per_second: number; burst_capacity: number },
  clock: Clock,
): Policy {
  const bucket = new TokenBucket(rate, burst === 0 ? rate : burst, clock);
  return ({ spanCount }) => sampledIf(bucket.take(spanCount));
}

export function bytesLimiting(
  {
    bytes_per_second: rate,
    burst_capacity: burst,
  }: { bytes_per_second: number; burst_capacity: number },
  clock: Clock,
): Policy {
  const bucket = new TokenBucket(rate, burst === 0 ? 2 * rate : burst, clock);
  return ({ byteSize }) => sampledIf(bucket.take(byteSize));
}

interface Share {
  readonly name: string;
  readonly decide: Policy;
  readonly spansPerSecond: number;
  sampledSpans: number;
}

/** Sub-policies in order: the first that samples decides, within its share of the spans a second.
 *  Without an allocation the shares are equal. Shares start anew each second. */
export function composite(
  config: CompositePolicy,
  build: (policy: CompositePolicy['composite_sub_policy'][number]) => Policy,
  clock: Clock,
): Policy {
  const total = config.max_total_spans_per_second;
  const percents = new Map(config.rate_allocation.map(({ policy, percent }) => [policy, percent]));
  const shares = ordered(config).map((sub): Share => {
    const percent = percents.get(sub.name);
    const equal = Math.floor(total / config.composite_sub_policy.length);
    const spansPerSecond = percent === undefined ? equal : Math.floor((percent * total) / 100);
    return { name: sub.name, decide: build(sub), spansPerSecond, sampledSpans: 0 };
  });
  let second = Number.NaN;
  return (trace) => {
    const now = Math.floor(clock.nowMs() / 1000);
    if (now !== second) for (const share of shares) share.sampledSpans = 0;
    second = now;
    return sampledIf(spend(shares, trace, total));
  };
}

function spend(shares: readonly Share[], trace: HeldTrace, total: number): boolean {
  const share = shares.find(({ decide }) => ['sampled', 'invert_sampled'].includes(decide(trace)));
  if (share === undefined) return false;
  const spans = share.sampledSpans + trace.spanCount;
  if (spans > share.spansPerSecond || spans > total) return false;
  share.sampledSpans = spans;
  trace.compositePolicy = share.name;
  return true;
}

/** Named in policy_order first, the others after them. */
function ordered({ composite_sub_policy: subs, policy_order: order }: CompositePolicy) {
  const rank = (name: string): number => {
    const at = order.indexOf(name);
    return at < 0 ? order.length : at;
  };
  return subs.toSorted((a, b) => rank(a.name) - rank(b.name));
}
