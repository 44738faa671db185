/** The rows that files have of some traces. The index says which file to ask; a file whose index is
 *  damaged is asked always. */

import { setImmediate } from 'node:timers/promises';
import { bytesFromHex, hexAt } from '../../../model/ids.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { SpanBatchBuilder } from '../../../model/batch/builder.ts';
import type { DataFile } from '../manifest.ts';
import type { PartialSummary } from '../segment-index.ts';
import { askFiles, type ReadContext } from './read-context.ts';
import type { QueryPlan, QueryResult } from './messages.ts';
import { RowReader, selectRows } from './rows-to-batch.ts';
import { allTrue, quoteText, SqlBuilder } from './sql-builder.ts';

/** What a file's index says of a trace: its part, nothing, or that it cannot tell. */
export type IndexAnswer = { readonly summary: PartialSummary } | 'absent' | 'damaged';

export function askIndex(
  { onWarning }: ReadContext,
  { index, path, deleted }: DataFile,
  traceId: Uint8Array,
): IndexAnswer {
  if (deleted?.has(hexAt(traceId, 0, 16))) return 'absent';
  if (index === undefined) return 'damaged';
  try {
    const position = index.find(traceId);
    return position < 0 ? 'absent' : { summary: index.summaryAt(position) };
  } catch (error) {
    onWarning(`the index of ${path} is damaged: ${messageOf(error)}`);
    return 'damaged';
  }
}

/** Some milliseconds of work: a large trace must not keep acknowledgements waiting. */
const ROWS_AT_ONCE = 1024;

/** Some traces' rows of one file. */
export class TraceRows {
  readonly #file: DataFile;
  readonly #result: QueryResult;
  readonly #byTrace = new Map<string, number[]>();

  constructor(file: DataFile, result: QueryResult) {
    this.#file = file;
    this.#result = result;
    const ids = result.columns.find((column) => column.name === 'trace_id');
    if (ids?.kind !== 'bytes') return;
    for (let row = 0; row < result.rows; row++) {
      const id = hexAt(ids.bytes, ids.offsets[row] ?? 0, 16);
      const known = this.#byTrace.get(id);
      if (known === undefined) this.#byTrace.set(id, [row]);
      else known.push(row);
    }
  }

  count(traceId: string): number {
    return this.#byTrace.get(traceId)?.length ?? 0;
  }

  drop(traceId: string): void {
    this.#byTrace.delete(traceId);
  }

  /** Adds the trace's rows to a batch and returns how many there are. Lets others work between. */
  async addTo(builder: SpanBatchBuilder, traceId: string): Promise<number> {
    const rows = this.#byTrace.get(traceId);
    if (rows === undefined) return 0;
    const reader = new RowReader(builder, this.#result, this.#file.columns);
    for (const [i, row] of rows.entries()) {
      if (i > 0 && i % ROWS_AT_ONCE === 0) await setImmediate();
      reader.add(row);
    }
    return rows.length;
  }
}

/** A trace to look for in a file. */
interface Sought {
  readonly traceId: string;
  readonly id: Uint8Array;
  /** What the index says of it, when it can. */
  readonly summary: PartialSummary | undefined;
}

/** What the files have, or may have, of them. */
export async function readTraceRows(
  context: ReadContext,
  traceIds: readonly string[],
  files: readonly DataFile[],
): Promise<TraceRows[]> {
  const found = await Promise.all(
    files.map((file) => readFileRows(context, file, soughtIn(context, file, traceIds))),
  );
  return found.flat();
}

function soughtIn(
  context: ReadContext,
  file: DataFile,
  traceIds: readonly string[],
): readonly Sought[] {
  return traceIds.flatMap((traceId) => {
    const id = bytesFromHex(traceId, 16);
    const answer = id === undefined ? 'absent' : askIndex(context, file, id);
    if (id === undefined || answer === 'absent') return [];
    return [{ traceId, id, summary: answer === 'damaged' ? undefined : answer.summary }];
  });
}

async function readFileRows(
  context: ReadContext,
  file: DataFile,
  sought: readonly Sought[],
): Promise<TraceRows[]> {
  const ask = async (plan: QueryPlan): Promise<TraceRows[]> => {
    const result = await askFiles(context, [file], (good) => (good.length > 0 ? plan : undefined));
    return result === undefined ? [] : [new TraceRows(file, result)];
  };
  if (sought.length === 0) return [];
  const [rows, ...none] = await ask(rowsPlan(file, clusters(file, sought)));
  if (rows === undefined) return none;
  // A span that ends before it starts may start behind all ends: the count tells.
  const short = sought.filter(
    ({ traceId, summary }) => summary !== undefined && rows.count(traceId) < summary.spanCount,
  );
  if (short.length === 0) return [rows];
  for (const { traceId } of short) rows.drop(traceId);
  return [rows, ...(await ask(rowsPlan(file, [{ sought: short }])))];
}

interface Cluster {
  readonly sought: readonly Sought[];
  /** Bounds of their starts, as the index knows them. */
  readonly bounds?: { readonly first: bigint; readonly last: bigint } | undefined;
}

/** Row groups follow each other in time, and all columns of a row group are read for one row of it:
 *  bounds spare the others. Traces that lie apart in time are asked for apart. */
function clusters(file: DataFile, sought: readonly Sought[]): Cluster[] {
  const apart = (file.maxStartNano - file.minStartNano) / BigInt(Math.max(1, file.rowGroups));
  const unbounded = sought.filter(({ summary }) => summary === undefined);
  const found: Cluster[] = unbounded.length > 0 ? [{ sought: unbounded }] : [];
  const known = sought
    .flatMap((each) => (each.summary === undefined ? [] : [{ each, ...each.summary }]))
    .toSorted((a, b) => (a.startNano < b.startNano ? -1 : 1));
  let open: { sought: Sought[]; bounds: { first: bigint; last: bigint } } | undefined;
  for (const { each, startNano: first, endNano: last } of known) {
    if (open === undefined || first > open.bounds.last + apart) {
      open = { sought: [], bounds: { first, last } };
      found.push(open);
    }
    open.sought.push(each);
    if (last > open.bounds.last) open.bounds.last = last;
  }
  return found;
}

function rowsPlan(file: DataFile, parts: readonly Cluster[]): QueryPlan {
  const sql = new SqlBuilder();
  const selects = parts.map(({ sought, bounds }) => {
    const ids = sought.map(({ id }) => sql.bind(id, 'BLOB'));
    const isTrace = ids.length === 1 ? `trace_id = ${ids[0]}` : `trace_id IN (${ids.join(', ')})`;
    const conditions = [isTrace];
    if (bounds !== undefined) {
      conditions.push(`start_nano >= ${sql.bind(bounds.first, 'UBIGINT')}`);
      conditions.push(`start_nano <= ${sql.bind(bounds.last, 'UBIGINT')}`);
    }
    const source = `read_parquet([${quoteText(file.path)}])`;
    return `SELECT ${selectRows(file.columns)} FROM ${source} WHERE ${allTrue(conditions)}`;
  });
  return sql.plan(selects.join(' UNION ALL '));
}
