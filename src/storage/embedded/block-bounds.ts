/** How far the traces of each block of an index reach in what searches order by: of their durations
 *  the least and the greatest, the most spans, the most errors. A search for the longest traces
 *  opens only blocks that may have one of them. Drawn in docs/formats/index.md. */

import type { BlockBounds, TraceKeys } from './segment-index.ts';

const NUMBERS = 4;
const NUMBER_BYTES = 8;

/** Of what one file knows of a trace. An end before the start counts as the start. */
export function durationOf({ startNano, endNano }: TraceKeys): bigint {
  return endNano > startNano ? endNano - startNano : 0n;
}

export function boundsOf(traces: readonly TraceKeys[]): BlockBounds {
  let { shortest, longest, mostSpans, mostErrors } = NOTHING;
  for (const trace of traces) {
    const duration = durationOf(trace);
    if (duration < shortest) shortest = duration;
    if (duration > longest) longest = duration;
    if (trace.spanCount > mostSpans) mostSpans = trace.spanCount;
    if (trace.errorCount > mostErrors) mostErrors = trace.errorCount;
  }
  return { shortest, longest, mostSpans: BigInt(mostSpans), mostErrors: BigInt(mostErrors) };
}

const NOTHING = { shortest: 2n ** 64n - 1n, longest: 0n, mostSpans: 0, mostErrors: 0 };

export function packBounds(blocks: readonly BlockBounds[]): Uint8Array {
  const bytes = new Uint8Array(blocks.length * NUMBERS * NUMBER_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { shortest, longest, mostSpans, mostErrors } of blocks) {
    for (const value of [shortest, longest, mostSpans, mostErrors]) {
      view.setBigUint64(at, value, true);
      at += NUMBER_BYTES;
    }
  }
  return bytes;
}

export function unpackBounds(bytes: Uint8Array): BlockBounds[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: BlockBounds[] = [];
  for (let at = 0; at < bytes.length; at += NUMBERS * NUMBER_BYTES) {
    const value = (i: number) => view.getBigUint64(at + i * NUMBER_BYTES, true);
    blocks.push({
      shortest: value(0),
      longest: value(1),
      mostSpans: value(2),
      mostErrors: value(3),
    });
  }
  return blocks;
}
