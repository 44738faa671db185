/** A trace as policies see it: its rows in a batch, and what was counted while they came. */

import type { SpanBatch } from '../../model/batch/span-batch.ts';

export interface TraceSummary {
  /** Earliest start and latest end, ns since some time of the trace's own. */
  readonly startNano: number;
  readonly endNano: number;
  /** Bit 1 << code for each status code seen. */
  readonly statusBits: number;
  readonly spanCount: number;
  /** About what the spans take as OTLP. */
  readonly byteSize: number;
}

export interface HeldTrace extends TraceSummary {
  readonly batch: SpanBatch;
  readonly rows: Uint32Array;
  /** Written by a composite policy: the sub-policy it went by. */
  compositePolicy?: string | undefined;
}

/** What a policy says of a trace. The inverted votes come from `invert_match`. */
export type Vote = 'sampled' | 'not_sampled' | 'invert_sampled' | 'invert_not_sampled' | 'dropped';

/** Throws when it cannot tell: that is counted, and no vote. */
export type Policy = (trace: HeldTrace) => Vote;

export const sampledIf = (is: boolean): Vote => (is ? 'sampled' : 'not_sampled');
