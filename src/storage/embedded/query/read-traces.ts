/** Whole traces by their ids: rows from files and from the head, as one batch a trace, ordered by
 *  start, with exact resends left out. The index says which row groups of which files to read; the
 *  reader's thread reads them and puts the trace together. */

import { setImmediate } from 'node:timers/promises';
import { bytesFromHex, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { encodeFrame } from '../../../model/batch/frame.ts';
import { appendBatch } from '../../../model/batch/gather.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import type { TraceRef } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import { assembleOne } from '../read/assemble.ts';
import type { SoughtFile, SoughtTrace } from '../read/messages.ts';
import type { ColumnChoice } from '../read/span-columns.ts';
import { askIndex } from './ask-index.ts';
import type { ReadContext } from './read-context.ts';

/** Spans asked from the files at once: bounds what is held in memory, and a row group is taken apart
 *  once for all of them. */
const SPANS_AT_ONCE = 40_000;
/** Of a trace that nobody knows. */
const SPANS_ASSUMED = 1000;
/** A trace of the head alone is put together at once when it is no larger: that is done sooner than
 *  the reader is asked. */
const ROWS_AT_ONCE = 512;

/** One batch a trace, in the order asked for; unknown ids are left out. */
export async function* readTraces(
  context: ReadContext,
  refs: readonly TraceRef[],
): AsyncGenerator<SpanBatch> {
  for (const some of together(refs)) {
    const ids = some.map(({ traceId }) => traceId.toLowerCase());
    const distinct = [...new Set(ids)];
    const choice = some.every(({ columns }) => columns === 'waterfall') ? 'waterfall' : 'all';
    const batches = await readTraceBatches(context, distinct, choice);
    const places = new Map(distinct.map((id, i) => [id, i]));
    for (const id of ids) {
      context.signal?.throwIfAborted();
      const batch = batches[places.get(id) ?? -1];
      if (batch !== undefined) yield batch;
    }
  }
}

function* together(refs: readonly TraceRef[]): Generator<readonly TraceRef[]> {
  let from = 0;
  let spans = 0;
  for (const [i, { spanCount = SPANS_ASSUMED }] of refs.entries()) {
    if (i > from && spans + spanCount > SPANS_AT_ONCE) {
      yield refs.slice(from, i);
      from = i;
      spans = 0;
    }
    spans += spanCount;
  }
  if (from < refs.length) yield refs.slice(from);
}

/** One a trace, undefined for those that nobody knows. */
async function readTraceBatches(
  context: ReadContext,
  traceIds: readonly string[],
  choice: ColumnChoice,
): Promise<readonly (SpanBatch | undefined)[]> {
  const { manifest, seed } = context;
  const files = soughtFiles(context, traceIds, manifest.files);
  const head = traceIds.map((traceId) => {
    const id = bytesFromHex(traceId, TRACE_ID_BYTES);
    return id === undefined ? [] : manifest.head.find(id);
  });
  const rows = head.flat().reduce((sum, { count }) => sum + count, 0);
  if (files.length === 0 && rows <= ROWS_AT_ONCE) {
    return head.map((batches) => {
      if (batches.length === 0) return undefined;
      const builder = new SpanBatchBuilder();
      for (const batch of batches) appendBatch(builder, batch);
      return assembleOne(builder.seal(manifest.tenant), seed);
    });
  }
  return readFrom(context, { traceIds, files, choice, head });
}

/** The spans that the given files alone have of the traces. */
export function readFromFiles(
  context: ReadContext,
  traceIds: readonly string[],
  files: readonly DataFile[],
): Promise<readonly (SpanBatch | undefined)[]> {
  const sought = soughtFiles(context, traceIds, files);
  return readFrom(context, { traceIds, files: sought, choice: 'waterfall', head: [] });
}

interface Wanted {
  readonly traceIds: readonly string[];
  readonly files: readonly SoughtFile[];
  readonly choice: ColumnChoice;
  /** The batches of each trace. */
  readonly head: readonly (readonly SpanBatch[])[];
}

async function readFrom(
  { reader, manifest, seed, signal, onWarning }: ReadContext,
  { head, ...wanted }: Wanted,
): Promise<readonly (SpanBatch | undefined)[]> {
  const frames: { trace: number; frame: Uint8Array }[] = [];
  for (const [trace, batches] of head.entries()) {
    for (const batch of batches) {
      frames.push({ trace, frame: encodeFrame(batch) });
      // A large trace must not keep acknowledgements waiting.
      await setImmediate();
    }
  }
  const order = { ...wanted, tenant: manifest.tenant, seed, head: frames };
  const { batches, warnings } = await reader.read(order, signal);
  for (const warning of warnings) onWarning(warning);
  return batches;
}

/** Where to look, by what the indices say. */
function soughtFiles(
  context: ReadContext,
  traceIds: readonly string[],
  files: readonly DataFile[],
): SoughtFile[] {
  const ids = traceIds.map((traceId) => bytesFromHex(traceId, TRACE_ID_BYTES));
  // An index has its traces by id, and in memory the block that was read last.
  const byId = traceIds
    .map((traceId, trace) => ({ traceId, trace }))
    .toSorted((a, b) => (a.traceId < b.traceId ? -1 : 1));
  return files.flatMap((file) => {
    const traces: SoughtTrace[] = [];
    for (const { trace } of byId) {
      const id = ids[trace];
      const answer = id === undefined ? 'absent' : askIndex(context, file, id);
      if (answer === 'absent') continue;
      if (answer === 'damaged') traces.push({ trace });
      else {
        const { rowGroups, summary } = answer;
        traces.push({ trace, rowGroups, spans: summary.spanCount });
      }
    }
    return traces.length === 0 ? [] : [{ path: file.path, traces }];
  });
}
