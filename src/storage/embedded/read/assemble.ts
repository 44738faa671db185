/** Traces out of rows in any order: the rows of each together, ordered by start, each content once. */

import { gather } from '../../../model/batch/gather.ts';
import { SpanBatch } from '../../../model/batch/span-batch.ts';
import { type HashSeed, identityHashes } from '../identity.ts';

/** Rows of several traces, and whose each row is. */
export interface OwnedRows {
  readonly batch: SpanBatch;
  /** By row; the place of the trace among all. */
  readonly traceOf: ArrayLike<number>;
  readonly traces: number;
}

/** One trace after another. */
export interface AssembledTraces {
  readonly batch: SpanBatch;
  /** The row behind the last one of each trace; the next one's rows begin there. */
  readonly ends: Uint32Array<ArrayBuffer>;
}

/** Of each trace 1 when two of its rows may be one span that was sent twice: only then their content
 *  matters. */
export function repeatingTraces(owned: OwnedRows): Uint8Array {
  const { spanIds } = owned.batch.spans.columns;
  const view = new DataView(spanIds.buffer, spanIds.byteOffset, spanIds.byteLength);
  const { rows, ends } = byTrace(owned, allRows(owned.batch));
  const ids = BigUint64Array.from(rows, (row) => view.getBigUint64(row * 8));
  const repeats = new Uint8Array(owned.traces);
  let from = 0;
  for (const [trace, to] of ends.entries()) {
    const own = ids.subarray(from, to).sort();
    for (let i = 1; i < own.length; i++) if (own[i] === own[i - 1]) repeats[trace] = 1;
    from = to;
  }
  return repeats;
}

/** Of rows that are equal the first one, by start; rows that start together keep their order. Traces
 *  of which `isLeftOut` says 1 have no rows. */
export function assemble(
  owned: OwnedRows,
  seed: HashSeed,
  isLeftOut?: Uint8Array,
): AssembledTraces {
  const { batch, traceOf } = owned;
  let kept = repeatingTraces(owned).includes(1) ? distinctRows(batch, seed) : allRows(batch);
  if (isLeftOut !== undefined) kept = kept.filter((row) => isLeftOut[traceOf[row] ?? 0] !== 1);
  const { rows, ends } = byTrace(owned, kept);
  const { startNano } = batch.spans.columns;
  const high = (row: number) => startNano[row * 2 + 1] ?? 0;
  const low = (row: number) => startNano[row * 2] ?? 0;
  let from = 0;
  for (const to of ends) {
    rows.subarray(from, to).sort((a, b) => high(a) - high(b) || low(a) - low(b) || a - b);
    from = to;
  }
  const ordered = gather(batch, rows);
  if (!batch.isExact || rows.length < batch.count) return { batch: ordered, ends };
  // With all rows, all that they refer to is there still.
  const { tenant, client, strings, spans, events, links, resources, scopes } = ordered;
  const parts = { tenant, client, strings, spans, events, links, resources, scopes };
  return { batch: new SpanBatch({ ...parts, isExact: true }), ends };
}

/** The same of a batch with the rows of one trace. */
export function assembleOne(batch: SpanBatch, seed: HashSeed): SpanBatch {
  return assemble({ batch, traceOf: new Uint8Array(batch.count), traces: 1 }, seed).batch;
}

/** Of each trace the rows in their order. */
function byTrace({ traceOf, traces }: OwnedRows, rows: Uint32Array) {
  const counts = new Uint32Array(traces);
  for (const row of rows) counts[traceOf[row] ?? 0] = (counts[traceOf[row] ?? 0] ?? 0) + 1;
  let sum = 0;
  const ends = counts.map((count) => (sum += count));
  // Filled from its end, which ends up as its beginning.
  const free = ends.slice();
  const sorted = new Uint32Array(rows.length);
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i] ?? 0;
    const trace = traceOf[row] ?? 0;
    const at = (free[trace] ?? 0) - 1;
    free[trace] = at;
    sorted[at] = row;
  }
  return { rows: sorted, ends };
}

function allRows({ count }: SpanBatch): Uint32Array {
  return Uint32Array.from({ length: count }, (_, row) => row);
}

function distinctRows(batch: SpanBatch, seed: HashSeed): Uint32Array {
  const { buffer, byteOffset } = identityHashes(batch, seed);
  const hashes = new BigUint64Array(buffer, byteOffset, batch.count);
  const seen = new Set<bigint>();
  return allRows(batch).filter((row) => {
    const hash = hashes[row] ?? 0n;
    if (seen.has(hash)) return false;
    seen.add(hash);
    return true;
  });
}
