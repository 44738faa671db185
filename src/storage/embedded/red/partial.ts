/** Rates, errors and durations of the spans of one data file, by operation and minute, and who called
 *  whom. Partials add up: those of several files are that of all their spans. Columns instead of
 *  objects, because a day has a hundred thousand cells and a query adds them all. */

import { ZERO_BUCKET } from '../../../model/duration-histogram.ts';

export const MINUTE_NANO = 60_000_000_000n;

export interface RedOperation {
  readonly service: string;
  /** '' when it stands for several, see `isRest`. */
  readonly name: string;
  /** OTLP number; numbers without a name count as 0. */
  readonly kind: number;
  /** All operations of the service and kind that were too many to be told apart. */
  readonly isRest: boolean;
}

/** Durations are whole nanoseconds, so no bucket lies below that of 1 but the one of zero. Codes are
 *  buckets moved up to leave 0 for that one. */
export function codeOfBucket(bucket: number): number {
  return bucket <= ZERO_BUCKET ? 0 : bucket + 1;
}

export function bucketOfCode(code: number): number {
  return code === 0 ? ZERO_BUCKET : code - 1;
}

/** One cell for each operation and minute, by operation, then minute. */
export interface RedCells {
  readonly count: number;
  /** Places in `operations`. */
  readonly operations: Uint32Array;
  /** Minutes since 1970 that the spans start in. */
  readonly minutes: Uint32Array;
  readonly calls: Uint32Array;
  readonly errors: Uint32Array;
  /** Durations, ns; below zero counts as zero. */
  readonly sums: Float64Array;
  readonly mins: Float64Array;
  readonly maxs: Float64Array;
  /** Cell i has codes[starts[i], starts[i + 1]) and as many counts. Codes ascend. */
  readonly starts: Uint32Array;
  readonly codes: Uint16Array;
  readonly counts: Uint32Array;
  /** Bit 0: the slowest span's trace is known. Bit 1: that of the slowest in error. */
  readonly exemplars: Uint8Array;
  /** Two ids of 16 bytes a cell, zeros where there is none. */
  readonly exemplarIds: Uint8Array;
}

export const SLOWEST = 1;
export const SLOWEST_ERROR = 2;

/** Calls between services by the minute the called span starts in. */
export interface RedEdge {
  readonly parent: string;
  readonly child: string;
  readonly minute: number;
  readonly calls: number;
  readonly errors: number;
}

export interface RedPartial {
  readonly operations: readonly RedOperation[];
  readonly cells: RedCells;
  readonly edges: readonly RedEdge[];
  /** Spans whose parent is named and not among the rows: their calls are in no edge. */
  readonly unresolved: number;
}

export function isFolded({ operations }: RedPartial): boolean {
  return operations.some(({ isRest }) => isRest);
}
