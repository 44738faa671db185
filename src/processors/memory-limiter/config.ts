import { z } from 'zod';
import { duration } from '../../config/kinds.ts';

const percentage = z.number().min(0).max(100).default(0);
const mebibytes = z.int().nonnegative().default(0);

export const MemoryLimiterConfig = z
  .strictObject({
    check_interval: duration().describe('How often memory is looked at; 1s is a good choice.'),
    limit_mib: mebibytes.describe('Memory of this process, MiB.'),
    spike_limit_mib: mebibytes.describe(
      'Refuse this far below the limit already; 0 = a fifth of the limit.',
    ),
    limit_percentage: percentage.describe('The limit as a share of the memory there is.'),
    spike_limit_percentage: percentage.describe(
      'The spike limit as a share, for limit_percentage.',
    ),
    min_gc_interval_when_soft_limited: duration()
      .prefault('10s')
      .describe('Collect garbage at most this often between the two limits.'),
    min_gc_interval_when_hard_limited: duration()
      .prefault('0s')
      .describe('Collect garbage at most this often above the limit.'),
    max_gc_interval_when_soft_limited: duration()
      .prefault('30s')
      .describe('Accepted; has no effect.'),
    max_gc_interval_when_hard_limited: duration()
      .prefault('30s')
      .describe('Accepted; has no effect.'),
  })
  .refine(({ check_interval: interval }) => interval > 0, {
    path: ['check_interval'],
    message: 'must be longer than 0',
  })
  .refine(({ limit_mib: mib, limit_percentage: share }) => mib > 0 || share > 0, {
    message: 'give limit_mib or limit_percentage',
  })
  .refine(({ limit_mib: limit, spike_limit_mib: spike }) => limit === 0 || spike < limit, {
    path: ['spike_limit_mib'],
    message: 'must be smaller than limit_mib',
  })
  .refine(
    ({ limit_percentage: limit, spike_limit_percentage: spike }) => limit === 0 || spike < limit,
    { path: ['spike_limit_percentage'], message: 'must be smaller than limit_percentage' },
  );

export type MemoryLimiterConfig = z.output<typeof MemoryLimiterConfig>;

export interface Limits {
  /** Above it requests are refused. */
  readonly softBytes: number;
  readonly hardBytes: number;
}

const MIB = 2 ** 20;

/** limit_mib counts when both are given. */
export function limitsOf(config: MemoryLimiterConfig, totalBytes: number): Limits {
  const share = (percent: number): number => Math.floor((totalBytes * percent) / 100);
  const isFixed = config.limit_mib > 0;
  const hardBytes = isFixed ? config.limit_mib * MIB : share(config.limit_percentage);
  const spike = isFixed ? config.spike_limit_mib * MIB : share(config.spike_limit_percentage);
  return { hardBytes, softBytes: hardBytes - (spike === 0 ? Math.floor(hardBytes / 5) : spike) };
}
