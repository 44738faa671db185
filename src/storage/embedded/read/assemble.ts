/** A trace out of its rows: ordered by start, each content once. */

import { gather } from '../../../model/batch/gather.ts';
import { SpanBatch } from '../../../model/batch/span-batch.ts';
import { type HashSeed, identityHashes } from '../identity.ts';

/** True when two rows may be one span that was sent twice: only then their content matters. */
export function repeatsSpans({ count, spans }: SpanBatch): boolean {
  const ids = spans.columns.spanIds;
  const view = new DataView(ids.buffer, ids.byteOffset, ids.byteLength);
  const sorted = new BigUint64Array(count);
  for (let row = 0; row < count; row++) sorted[row] = view.getBigUint64(row * 8);
  sorted.sort();
  for (let row = 1; row < count; row++) if (sorted[row] === sorted[row - 1]) return true;
  return false;
}

/** Of rows that are equal the first one, by start; rows that start together keep their order. */
export function inOrder(batch: SpanBatch, seed: HashSeed): SpanBatch {
  const rows = repeatsSpans(batch) ? distinctRows(batch, seed) : allRows(batch);
  const { startNano } = batch.spans.columns;
  const high = (row: number) => startNano[row * 2 + 1] ?? 0;
  const low = (row: number) => startNano[row * 2] ?? 0;
  rows.sort((a, b) => high(a) - high(b) || low(a) - low(b) || a - b);
  const ordered = gather(batch, rows);
  if (!batch.isExact || rows.length < batch.count) return ordered;
  // With all rows, all that they refer to is there still.
  const { tenant, client, strings, spans, events, links, resources, scopes } = ordered;
  const parts = { tenant, client, strings, spans, events, links, resources, scopes };
  return new SpanBatch({ ...parts, isExact: true });
}

function allRows({ count }: SpanBatch): Uint32Array {
  return Uint32Array.from({ length: count }, (_, row) => row);
}

function distinctRows(batch: SpanBatch, seed: HashSeed): Uint32Array {
  const { buffer, byteOffset } = identityHashes(batch, seed);
  const seen = new Set<bigint>();
  return allRows(batch).filter((row) => {
    const hash = new BigUint64Array(buffer, byteOffset + row * 8, 1)[0] ?? 0n;
    if (seen.has(hash)) return false;
    seen.add(hash);
    return true;
  });
}
