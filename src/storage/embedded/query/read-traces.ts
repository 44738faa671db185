/** Whole traces by their ids: rows from the files whose index has them and from the head, as one
 *  batch a trace, ordered by start, with exact resends left out. */

import { bytesFromHex, hexAt } from '../../../model/ids.ts';
import { SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { appendBatch, gather } from '../../../model/batch/gather.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import type { TraceRef } from '../../contract.ts';
import { type HashSeed, identityHashes } from '../identity.ts';
import type { DataFile } from '../manifest.ts';
import { columnNames } from './file-rows.ts';
import type { ReadContext } from './find-traces.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import { runOnFiles } from './run-on-files.ts';
import { RowReader, selectRows } from './rows-to-batch.ts';
import { allTrue, quoteText, SqlBuilder } from './sql-builder.ts';

export interface TraceContext extends ReadContext {
  /** What identity hashes are made with. */
  readonly seed: HashSeed;
  /** Told of what an answer leaves out. */
  readonly onWarning: (warning: string) => void;
}

/** Traces asked from the files at once: bounds what is held in memory. */
const TRACES_AT_ONCE = 20;

/** One batch a trace, in the order asked for; unknown ids are left out. */
export async function* readTraces(
  context: TraceContext,
  refs: readonly TraceRef[],
): AsyncGenerator<SpanBatch> {
  for (let i = 0; i < refs.length; i += TRACES_AT_ONCE) {
    const ids = refs.slice(i, i + TRACES_AT_ONCE).map(({ traceId }) => traceId.toLowerCase());
    const rows = await fileRows(context, new Set(ids));
    for (const id of ids) {
      const batch = assemble(context, id, rows);
      if (batch !== undefined) yield batch;
    }
  }
}

interface FileRows {
  readonly file: DataFile;
  readonly result: QueryResult;
  readonly byTrace: ReadonlyMap<string, readonly number[]>;
}

async function fileRows(context: TraceContext, ids: ReadonlySet<string>): Promise<FileRows[]> {
  const { port, manifest, signal, onWarning } = context;
  const wanted = [...ids].map((id) => bytesFromHex(id, 16)).filter((id) => id !== undefined);
  const asked = await Promise.all(
    manifest.files.map(async (file) => {
      const own = wanted.filter((id) => file.index === undefined || file.index.find(id) >= 0);
      if (own.length === 0) return undefined;
      const outcome = await runOnFiles(
        [file],
        (some) => (some.length > 0 ? tracePlan(file, own) : undefined),
        (plan) => port.run(plan, { lane: manifest.tenant, signal }),
      );
      for (const warning of outcome.warnings) onWarning(warning);
      const { result } = outcome;
      return result && { file, result, byTrace: rowsByTrace(result) };
    }),
  );
  return asked.filter((rows) => rows !== undefined);
}

function tracePlan(file: DataFile, ids: readonly Uint8Array[]): QueryPlan {
  const sql = new SqlBuilder();
  const list = ids.map((id) => sql.bind(id, 'BLOB'));
  const [only] = list;
  const isTrace = list.length === 1 ? `trace_id = ${only}` : `trace_id IN (${list.join(', ')})`;
  const where = allTrue([isTrace, ...timeBounds(sql, file, ids)]);
  const source = `read_parquet([${quoteText(file.path)}])`;
  return sql.plan(`SELECT ${selectRows(file.columns)} FROM ${source} WHERE ${where}`);
}

/** Row groups are in the order of time, so bounds spare the reading of most. */
function timeBounds(sql: SqlBuilder, file: DataFile, ids: readonly Uint8Array[]): string[] {
  const { index } = file;
  if (index === undefined || !columnNames(file).has('start_nano')) return [];
  const parts = ids.map((id) => index.summaryAt(index.find(id)));
  const starts = parts.map(({ startNano }) => startNano);
  const first = starts.reduce((least, nano) => (nano < least ? nano : least));
  return [`start_nano >= ${sql.bind(first, 'UBIGINT')}`];
}

function rowsByTrace({ rows, columns }: QueryResult): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const ids = columns.find((column) => column.name === 'trace_id');
  if (ids?.kind !== 'bytes') return found;
  for (let row = 0; row < rows; row++) {
    const id = hexAt(ids.bytes, ids.offsets[row] ?? 0, 16);
    const known = found.get(id);
    if (known === undefined) found.set(id, [row]);
    else known.push(row);
  }
  return found;
}

function assemble(
  { manifest, seed }: TraceContext,
  traceId: string,
  sources: readonly FileRows[],
): SpanBatch | undefined {
  const id = bytesFromHex(traceId, 16);
  if (id === undefined) return undefined;
  const builder = new SpanBatchBuilder();
  let parts = 0;
  for (const { file, result, byTrace } of sources) {
    const rows = byTrace.get(traceId);
    if (rows === undefined) continue;
    parts++;
    const reader = new RowReader(builder, result, file.columns);
    for (const row of rows) reader.add(row);
  }
  for (const batch of manifest.head.find(id)) {
    parts++;
    appendBatch(builder, batch);
  }
  if (parts === 0) return undefined;
  return inOrder(builder.seal(manifest.tenant), seed);
}

/** Rows by start, each content once. */
function inOrder(batch: SpanBatch, seed: HashSeed): SpanBatch {
  const hashes = identityHashes(batch, seed);
  const seen = new Set<string>();
  const rows: number[] = [];
  for (let row = 0; row < batch.count; row++) {
    const hash = `${hashes[row * 2]},${hashes[row * 2 + 1]}`;
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
