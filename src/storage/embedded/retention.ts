/** Which files go, and when: whole files only, the ones stored longest ago first, over all tenants.
 *  Age counts from when spans were stored, not from when they say they happened: old spans that are
 *  imported today stay for as long as today's. */

import type { DataFile } from './manifest.ts';

export interface RetentionLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  /** Counted file by file: a trace in two files counts twice. */
  readonly maxTraces: number;
}

export interface KeptFile {
  readonly tenant: string;
  readonly file: DataFile;
}

/** The files to remove. The newest stays, however large: nothing goes at once after it was stored. */
export function expired(
  kept: readonly KeptFile[],
  limits: RetentionLimits,
  nowMs: number,
): KeptFile[] {
  const oldestFirst = kept.toSorted((a, b) => storedAtMs(a) - storedAtMs(b));
  let bytes = sum(oldestFirst, ({ file }) => file.bytes);
  let traces = sum(oldestFirst, tracesIn);
  const gone: KeptFile[] = [];
  for (const one of oldestFirst) {
    const isOld = nowMs - storedAtMs(one) > limits.maxAgeMs;
    const isTooMuch = bytes > limits.maxBytes || traces > limits.maxTraces;
    if (!isOld && (!isTooMuch || gone.length === kept.length - 1)) break;
    gone.push(one);
    bytes -= one.file.bytes;
    traces -= tracesIn(one);
  }
  return gone;
}

/** A file says it itself: spans that happened long ago must not go because its index is damaged. Where
 *  nothing says it the start of its newest span has to do. */
function storedAtMs({ file }: KeptFile): number {
  return (
    file.writtenAtMs ?? file.index?.header.writtenAtMs ?? Number(file.maxStartNano / 1_000_000n)
  );
}

function tracesIn({ file }: KeptFile): number {
  return file.index?.traceCount ?? 0;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
