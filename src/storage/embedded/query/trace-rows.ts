/** The rows that files have of some traces. The index says which file to ask; a file whose index is
 *  damaged is asked always. */

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
  { index, path }: DataFile,
  traceId: Uint8Array,
): IndexAnswer {
  if (index === undefined) return 'damaged';
  try {
    const position = index.find(traceId);
    return position < 0 ? 'absent' : { summary: index.summaryAt(position) };
  } catch (error) {
    onWarning(`the index of ${path} is damaged: ${messageOf(error)}`);
    return 'damaged';
  }
}

/** Some traces' rows of one file. */
export class TraceRows {
  readonly file: DataFile;
  readonly #result: QueryResult;
  readonly #byTrace = new Map<string, number[]>();

  constructor(file: DataFile, result: QueryResult) {
    this.file = file;
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

  /** Adds the trace's rows to a batch and returns how many there are. */
  addTo(builder: SpanBatchBuilder, traceId: string): number {
    const rows = this.#byTrace.get(traceId);
    if (rows === undefined) return 0;
    const reader = new RowReader(builder, this.#result, this.file.columns);
    for (const row of rows) reader.add(row);
    return rows.length;
  }
}

/** One entry for each file that has, or may have, rows of them. */
export async function readTraceRows(
  context: ReadContext,
  traceIds: readonly string[],
  files: readonly DataFile[],
): Promise<TraceRows[]> {
  const wanted = traceIds.map((id) => bytesFromHex(id, 16)).filter((id) => id !== undefined);
  const asked = files.map(async (file) => {
    const plan = tracePlan(context, file, wanted);
    if (plan === undefined) return undefined;
    const result = await askFiles(context, [file], (good) => (good.length > 0 ? plan : undefined));
    return result && new TraceRows(file, result);
  });
  return (await Promise.all(asked)).filter((rows) => rows !== undefined);
}

function tracePlan(
  context: ReadContext,
  file: DataFile,
  traceIds: readonly Uint8Array[],
): QueryPlan | undefined {
  const sql = new SqlBuilder();
  const conditions: string[] = [];
  let from: bigint | undefined = 2n ** 64n;
  for (const id of traceIds) {
    const answer = askIndex(context, file, id);
    if (answer === 'absent') continue;
    conditions.push(`trace_id = ${sql.bind(id, 'BLOB')}`);
    if (answer === 'damaged' || from === undefined) from = undefined;
    else if (answer.summary.startNano < from) from = answer.summary.startNano;
  }
  if (conditions.length === 0) return undefined;
  // Row groups are in the order of time: a bound spares the reading of most.
  const bound = from === undefined ? [] : [`start_nano >= ${sql.bind(from, 'UBIGINT')}`];
  const source = `read_parquet([${quoteText(file.path)}])`;
  const where = allTrue([anyOf(conditions), ...bound]);
  return sql.plan(`SELECT ${selectRows(file.columns)} FROM ${source} WHERE ${where}`);
}

function anyOf(conditions: readonly string[]): string {
  return `(${conditions.join(' OR ')})`;
}
