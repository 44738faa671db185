/** Whole traces by their ids: rows from files and from the head, as one batch a trace, ordered by
 *  start, with exact resends left out. */

import { bytesFromHex } from '../../../model/ids.ts';
import { SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { appendBatch, gather } from '../../../model/batch/gather.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import type { TraceRef } from '../../contract.ts';
import { type HashSeed, identityHashes } from '../identity.ts';
import type { ReadContext } from './read-context.ts';
import { readTraceRows, type TraceRows } from './trace-rows.ts';

/** Traces asked from the files at once: bounds what is held in memory. */
const TRACES_AT_ONCE = 20;

/** One batch a trace, in the order asked for; unknown ids are left out. */
export async function* readTraces(
  context: ReadContext,
  refs: readonly TraceRef[],
): AsyncGenerator<SpanBatch> {
  for (let i = 0; i < refs.length; i += TRACES_AT_ONCE) {
    const ids = refs.slice(i, i + TRACES_AT_ONCE).map(({ traceId }) => traceId.toLowerCase());
    const rows = await readTraceRows(context, [...new Set(ids)], context.manifest.files);
    for (const id of ids) {
      context.signal?.throwIfAborted();
      const batch = await assemble(context, id, rows);
      if (batch !== undefined) yield batch;
    }
  }
}

async function assemble(
  { manifest, seed }: ReadContext,
  traceId: string,
  sources: readonly TraceRows[],
): Promise<SpanBatch | undefined> {
  const id = bytesFromHex(traceId, 16);
  if (id === undefined) return undefined;
  const builder = new SpanBatchBuilder();
  let rows = 0;
  for (const source of sources) rows += await source.addTo(builder, traceId);
  for (const batch of manifest.head.find(id)) {
    rows += batch.count;
    appendBatch(builder, batch);
  }
  return rows === 0 ? undefined : inOrder(builder.seal(manifest.tenant), seed);
}

/** Rows by start, each content once. */
function inOrder(batch: SpanBatch, seed: HashSeed): SpanBatch {
  const hashes = identityHashes(batch, seed);
  const seen = new Set<bigint>();
  const rows: number[] = [];
  for (const [row, hash] of new BigUint64Array(
    hashes.buffer,
    hashes.byteOffset,
    batch.count,
  ).entries()) {
    if (seen.has(hash)) continue;
    seen.add(hash);
    rows.push(row);
  }
  const { startNano } = batch.spans.columns;
  const high = (row: number) => startNano[row * 2 + 1] ?? 0;
  const low = (row: number) => startNano[row * 2] ?? 0;
  rows.sort((a, b) => high(a) - high(b) || low(a) - low(b) || a - b);
  return gather(batch, Uint32Array.from(rows));
}
