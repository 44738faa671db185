/** The decision about one item, the same for spans and log records: its randomness against a
 *  threshold that depends on the mode and on what the item already says. */
import type { SamplerConfig } from './config.ts';
import { bucketThreshold, keptBuckets } from './hash.ts';
import { ALWAYS, isLess, NEVER, probabilityOf, thresholdOf, type Word56 } from './threshold.ts';

/** Where the randomness came from: the label of the counter. */
export type Policy =
  | 'trace_id_hash'
  | 'trace_id_w3c'
  | 'sampling_randomness'
  | 'sampling_priority'
  | 'missing_randomness';

export interface Thresholds {
  readonly isHashing: boolean;
  /** Of an item that came with this threshold. */
  of(incoming: Word56 | undefined): Word56;
  /** Of an item that cannot be decided on. */
  readonly onError: Word56;
}

const MIN_PROBABILITY = 2 ** -56;

export function thresholdsOf(config: SamplerConfig): Thresholds {
  const onError = config.fail_closed ? NEVER : ALWAYS;
  return { onError, ...forMode(config) };
}

function forMode(config: SamplerConfig): Pick<Thresholds, 'isHashing' | 'of'> {
  const { sampling_percentage: percentage, sampling_precision: precision, mode } = config;
  const isHashing = mode !== 'proportional' && mode !== 'equalizing';
  if (percentage === 0) return { isHashing, of: () => NEVER };
  // Percentages are 32-bit floats in the Collector.
  const ratio = Math.max(Math.fround(Math.min(percentage, 100)) / 100, MIN_PROBABILITY);
  if (mode === 'equalizing') {
    const own = thresholdOf(ratio, precision);
    return { isHashing, of: (incoming) => (incoming && isLess(own, incoming) ? incoming : own) };
  }
  if (mode === 'proportional') {
    const own = thresholdOf(ratio, precision);
    return {
      isHashing,
      of: (incoming) =>
        incoming === undefined ? own : thresholdOf(probabilityOf(incoming) * ratio, precision),
    };
  }
  const kept = keptBuckets(percentage);
  const own = kept === 0 ? NEVER : bucketThreshold(kept);
  return { isHashing, of: () => own };
}

/** Counts per policy and outcome, added to the program's metrics once a batch. */
export class Tally {
  readonly #counts = new Map<string, { kept: number; dropped: number }>();

  add(policy: string, isKept: boolean): void {
    let counts = this.#counts.get(policy);
    if (counts === undefined) this.#counts.set(policy, (counts = { kept: 0, dropped: 0 }));
    if (isKept) counts.kept++;
    else counts.dropped++;
  }

  flush(add: (policy: string, sampled: boolean, count: number) => void): void {
    for (const [policy, { kept, dropped }] of this.#counts) {
      if (kept > 0) add(policy, true, kept);
      if (dropped > 0) add(policy, false, dropped);
    }
    this.#counts.clear();
  }
}
