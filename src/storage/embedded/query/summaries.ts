/** Traces in a line each, put together from what every file and the head know of them. */

import { setImmediate } from 'node:timers/promises';
import { hexAt, isZeroAt } from '../../../model/ids.ts';
import { SpanView } from '../../../model/batch/view.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { STATUS_ERROR } from '../../../model/attribute.ts';
import type { ServiceCount, TraceSummary } from '../../contract.ts';
import type { DataFile } from '../manifest.ts';
import type { PartialSummary, RootSpan } from '../segment-index.ts';
import { rowsOf } from './file-rows.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import { SqlBuilder } from './sql-builder.ts';
import { askIndex } from './ask-index.ts';
import { readFromFiles } from './read-traces.ts';

/** Of a look-up in vain; others get a turn after some milliseconds. */
const WORK_OF_SUMMARY = 16;
const WORK_A_TURN = 512;

interface Part {
  readonly summary: PartialSummary;
  /** undefined for the head. */
  readonly file: DataFile | undefined;
}

/** In the order of the ids; ids that nobody knows are left out. */
export async function summarize(
  context: ReadContext,
  traceIds: readonly string[],
): Promise<TraceSummary[]> {
  const parts = new Map<string, Part[]>(traceIds.map((traceId) => [traceId, []]));
  const unindexed = await addIndexed(context, parts);
  for (const [traceId, known] of parts) {
    for (const batch of context.manifest.head.find(Buffer.from(traceId, 'hex'))) {
      known.push({ summary: summarizeBatch(traceId, batch), file: undefined });
    }
  }
  await addUnindexed(context, unindexed, parts);
  const unclear = [...parts.values()].filter((each) => each.length > 1 && each.some(hasMissing));
  const found = await foundParents(context, unclear.flat());
  return [...parts.values()].filter((each) => each.length > 0).map((each) => merge(each, found));
}

/** What the indices tell, file by file: in the order of their ids, neighbours are in one block. Resolves
 *  with the files whose index is damaged, and what may be in them. */
async function addIndexed(
  context: ReadContext,
  parts: ReadonlyMap<string, Part[]>,
): Promise<ReadonlyMap<DataFile, readonly string[]>> {
  const unindexed = new Map<DataFile, string[]>();
  const traceIds = [...parts.keys()].toSorted();
  const ids = Buffer.from(traceIds.join(''), 'hex');
  let work = 0;
  for (const file of context.manifest.files) {
    for (const [i, traceId] of traceIds.entries()) {
      const answer = askIndex(context, file, ids.subarray(i * 16, (i + 1) * 16));
      if (answer === 'damaged') unindexed.set(file, [...(unindexed.get(file) ?? []), traceId]);
      else if (answer !== 'absent') parts.get(traceId)?.push({ summary: answer.summary, file });
      work += answer === 'absent' ? 1 : WORK_OF_SUMMARY;
      if (work < WORK_A_TURN) continue;
      work = 0;
      await setImmediate();
    }
  }
  return unindexed;
}

/** Reads the rows where no index tells. */
async function addUnindexed(
  context: ReadContext,
  unindexed: ReadonlyMap<DataFile, readonly string[]>,
  parts: ReadonlyMap<string, Part[]>,
): Promise<void> {
  for (const [file, traceIds] of unindexed) {
    const batches = await readFromFiles(context, traceIds, [file]);
    for (const [i, traceId] of traceIds.entries()) {
      const batch = batches[i];
      if (batch !== undefined)
        parts.get(traceId)?.push({ summary: summarizeBatch(traceId, batch), file });
    }
  }
}

function hasMissing({ summary }: Part): boolean {
  return summary.missingParents.length > 0;
}

/** Parents that one part of a trace misses and another has, as `trace id:span id`. */
async function foundParents(
  context: ReadContext,
  parts: readonly Part[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const wanted = parts.flatMap(({ summary }) =>
    summary.missingParents.map((id) => parentKey(summary.traceId, id)),
  );
  if (wanted.length === 0) return found;
  const missing = new Set(wanted);
  for (const { traceId, spanId } of await spanIds(context, parts)) {
    const key = parentKey(traceId, spanId);
    if (missing.has(key)) found.add(key);
  }
  return found;
}

function parentKey(traceId: string, spanId: bigint): string {
  return `${traceId}:${spanId}`;
}

async function spanIds(
  context: ReadContext,
  parts: readonly Part[],
): Promise<{ traceId: string; spanId: bigint }[]> {
  const ids = [...new Set(parts.map(({ summary }) => summary.traceId))];
  const files = new Set(parts.map(({ file }) => file).filter((file) => file !== undefined));
  const result = await askFiles(context, [...files], (some) => spanIdPlan(some, ids));
  const found = result === undefined ? [] : readSpanIds(result);
  for (const traceId of ids) {
    for (const batch of context.manifest.head.find(Buffer.from(traceId, 'hex'))) {
      for (let row = 0; row < batch.count; row++) {
        found.push({ traceId, spanId: spanIdAt(batch.spans.columns.spanIds, row) });
      }
    }
  }
  return found;
}

function spanIdPlan(files: readonly DataFile[], ids: readonly string[]): QueryPlan | undefined {
  const sql = new SqlBuilder();
  const list = ids.map((id) => sql.bind(Buffer.from(id, 'hex'), 'BLOB')).join(', ');
  const rows = rowsOf(files, {
    select: () => 'trace_id, span_id',
    where: () => `trace_id IN (${list})`,
  });
  return rows === undefined ? undefined : sql.plan(`FROM ${rows}`);
}

function readSpanIds({ rows, columns }: QueryResult): { traceId: string; spanId: bigint }[] {
  const [traces, spans] = columns;
  if (traces?.kind !== 'bytes' || spans?.kind !== 'bigint') return [];
  const found: { traceId: string; spanId: bigint }[] = [];
  for (let row = 0; row < rows; row++) {
    const traceId = hexAt(traces.bytes, traces.offsets[row] ?? 0, 16);
    found.push({ traceId, spanId: BigInt.asUintN(64, spans.values[row] ?? 0n) });
  }
  return found;
}

function merge(parts: readonly Part[], found: ReadonlySet<string>): TraceSummary {
  const all = parts.map(({ summary }) => summary);
  const roots = all.map(({ root }) => root).filter((root) => root !== undefined);
  const root = earliest(roots) ?? earliest(all.map(({ first }) => first));
  const traceId = all[0]?.traceId ?? '';
  const isOrphan = (parent: bigint) => !found.has(parentKey(traceId, parent));
  return {
    traceId,
    startNano: minOf(all.map(({ startNano }) => startNano)),
    endNano: maxOf(all.map(({ endNano }) => endNano)),
    spanCount: sumOf(all.map(({ spanCount }) => spanCount)),
    errorCount: sumOf(all.map(({ errorCount }) => errorCount)),
    orphanCount: sumOf(all.map(({ missingParents }) => missingParents.filter(isOrphan).length)),
    rootService: root?.service ?? '',
    rootName: root?.name ?? '',
    services: mergeServices(all.map(({ services }) => services)),
  };
}

function earliest(spans: readonly RootSpan[]): RootSpan | undefined {
  return spans.reduce<RootSpan | undefined>(
    (best, span) => (best === undefined || span.startNano < best.startNano ? span : best),
    undefined,
  );
}

function mergeServices(lists: readonly (readonly ServiceCount[])[]): ServiceCount[] {
  const merged = new Map<string, ServiceCount>();
  for (const { name, spans, errors } of lists.flat()) {
    const known = merged.get(name) ?? { name, spans: 0, errors: 0 };
    merged.set(name, { name, spans: known.spans + spans, errors: known.errors + errors });
  }
  return [...merged.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What a file would know of the rows, which are all of one trace. */
export function summarizeBatch(traceId: string, batch: SpanBatch): PartialSummary {
  const { columns } = batch.spans;
  const view = new SpanView(batch);
  const own = new Set<bigint>();
  const services = new Map<string, { name: string; spans: number; errors: number }>();
  let root: RootSpan | undefined;
  let first: RootSpan | undefined;
  let errorCount = 0;
  let startNano = view.startNano;
  let endNano = view.endNano;
  for (let row = 0; row < batch.count; row++) {
    view.at(row);
    own.add(spanIdAt(columns.spanIds, row));
    const span = { startNano: view.startNano, service: view.service, name: view.name };
    if (first === undefined || span.startNano < first.startNano) first = span;
    const isRoot = isZeroAt(columns.parentSpanIds, row * 8, 8);
    if (isRoot && (root === undefined || span.startNano < root.startNano)) root = span;
    if (span.startNano < startNano) startNano = span.startNano;
    if (view.endNano > endNano) endNano = view.endNano;
    const isError = view.statusCode === STATUS_ERROR ? 1 : 0;
    errorCount += isError;
    const count = services.get(span.service) ?? { name: span.service, spans: 0, errors: 0 };
    count.spans++;
    count.errors += isError;
    services.set(span.service, count);
  }
  return {
    traceId,
    startNano,
    endNano,
    spanCount: batch.count,
    errorCount,
    root,
    first: first ?? { startNano, service: '', name: '' },
    missingParents: parentsNotIn(batch, own),
    services: [...services.values()],
  };
}

function parentsNotIn(batch: SpanBatch, own: ReadonlySet<bigint>): bigint[] {
  const ids = batch.spans.columns.parentSpanIds;
  const missing: bigint[] = [];
  for (let row = 0; row < batch.count; row++) {
    const parent = spanIdAt(ids, row);
    if (parent !== 0n && !own.has(parent)) missing.push(parent);
  }
  return missing;
}

/** As files keep it: the first byte highest. */
function spanIdAt(bytes: Uint8Array, row: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(row * 8);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function minOf(values: readonly bigint[]): bigint {
  return values.reduce((least, value) => (value < least ? value : least));
}

function maxOf(values: readonly bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most));
}
