/** Whole traces out of files: of each row group the rows of all traces that are asked for at once, so
 *  that no page is decompressed twice. Works in steps of a row group, and in any thread. A row group
 *  that is damaged is left out and named. */

import { messageOf } from '../../../lib/errors.ts';
import { bytesFromHex, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { decodeFrame, encodeFrame } from '../../../model/batch/frame.ts';
import { appendBatch } from '../../../model/batch/gather.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { StorageError } from '../../contract.ts';
import type { FooterCache } from '../parquet/footer-cache.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import type { ReadColumn } from '../parquet/read-column.ts';
import { inOrder, repeatsSpans } from './assemble.ts';
import type { ReadOrder, SoughtFile, SoughtTrace } from './messages.ts';
import { KnownOwners, namedColumns, RowReader } from './rows-to-batch.ts';
import { type ColumnChoice, readSpanColumns } from './span-columns.ts';

export interface ReadTraces {
  readonly frames: readonly (Uint8Array | undefined)[];
  readonly warnings: readonly string[];
}

/** Called between steps; throws to stop. */
export type Pause = () => Promise<void>;

export async function readTraceFiles(
  order: ReadOrder,
  footers: FooterCache,
  pause: Pause,
): Promise<ReadTraces> {
  const reading = new TraceReading(order, footers, pause);
  const batches = await reading.read(order.choice, () => true);
  if (order.choice === 'waterfall') {
    // Whether two spans are one is told by all of their columns.
    const isUnclear = batches.map((batch) => batch !== undefined && repeatsSpans(batch));
    if (isUnclear.includes(true)) {
      const whole = await reading.read('all', (trace) => isUnclear[trace] === true);
      isUnclear.forEach((unclear, trace) => {
        if (unclear) batches[trace] = whole[trace];
      });
    }
  }
  const frames: (Uint8Array | undefined)[] = [];
  for (const batch of batches) {
    frames.push(batch && encodeFrame(inOrder(batch, order.seed)));
    await pause();
  }
  return { frames, warnings: [...reading.warnings] };
}

interface Part {
  readonly builder: SpanBatchBuilder;
  readonly owners: KnownOwners;
  rows: number;
}

/** Bytes that a span takes in a batch beside its strings, about. */
const SPAN_BYTES = 200;

class TraceReading {
  readonly warnings = new Set<string>();
  readonly #order: ReadOrder;
  readonly #footers: FooterCache;
  readonly #pause: Pause;
  readonly #ids: readonly Uint8Array[];

  constructor(order: ReadOrder, footers: FooterCache, pause: Pause) {
    this.#order = order;
    this.#footers = footers;
    this.#pause = pause;
    this.#ids = order.traceIds.map(
      (id) => bytesFromHex(id, TRACE_ID_BYTES) ?? new Uint8Array(TRACE_ID_BYTES),
    );
  }

  /** Of the traces that are wanted the rows as they come. */
  async read(
    choice: ColumnChoice,
    isWanted: (trace: number) => boolean,
  ): Promise<(SpanBatch | undefined)[]> {
    const { tenant, files, head } = this.#order;
    const parts = this.#ids.map((): Part => ({
      builder: new SpanBatchBuilder(),
      owners: new KnownOwners(),
      rows: 0,
    }));
    for (const { path, traces } of files) {
      const wanted = traces.filter(({ trace }) => isWanted(trace));
      await this.#readFile({ path, traces: wanted }, parts, choice);
    }
    for (const { trace, frame } of head) {
      const part = parts[trace];
      if (part === undefined || !isWanted(trace)) continue;
      const batch = decodeFrame(frame);
      appendBatch(part.builder, batch);
      part.rows += batch.count;
    }
    return parts.map(({ builder, rows }) => (rows === 0 ? undefined : builder.seal(tenant)));
  }

  async #readFile(sought: SoughtFile, parts: readonly Part[], choice: ColumnChoice): Promise<void> {
    const { path, traces } = sought;
    if (traces.length === 0) return;
    const file = this.#attempt(() => ParquetFile.open(path, this.#footers));
    if (file === undefined) return;
    try {
      const found = new Map<number, number>();
      const seek = async (some: readonly SoughtTrace[], rowGroups: Iterable<number>) => {
        for (const rowGroup of rowGroups) {
          const here = some.filter((one) => one.rowGroups?.includes(rowGroup) ?? true);
          await this.#readRowGroup({ file, rowGroup, traces: here, choice }, parts, found);
        }
      };
      const all = [...file.footer.rowGroups.keys()];
      const named = new Set(traces.flatMap(({ rowGroups }) => rowGroups ?? all));
      await seek(
        traces,
        [...named].toSorted((a, b) => a - b),
      );
      // The index may be wrong: then every row group is looked into.
      for (const { trace, spans, rowGroups } of traces) {
        if (spans === undefined || (found.get(trace) ?? 0) >= spans) continue;
        const others = all.filter((rowGroup) => rowGroups?.includes(rowGroup) === false);
        await seek([{ trace }], others);
        if ((found.get(trace) ?? 0) >= spans) continue;
        const id = this.#order.traceIds[trace];
        this.warnings.add(`${path} has fewer spans of trace ${id} than its index says`);
      }
    } finally {
      file.close();
    }
  }

  async #readRowGroup(
    { file, rowGroup, traces, choice }: Place,
    parts: readonly Part[],
    found: Map<number, number>,
  ): Promise<void> {
    await this.#pause();
    const rows = this.#attempt(() => this.#findRows(file, rowGroup, traces));
    if (rows === undefined || rows.rows.length === 0) return;
    const traceIds = this.#traceIds(traces, rows.which);
    const columns = this.#attempt(() =>
      readSpanColumns({ file, rowGroup, choice, rows: rows.rows, traceIds }),
    );
    if (columns === undefined) return;
    const named = namedColumns(columns.values());
    for (const [i, own] of rowsByTrace(rows.which)) {
      const trace = traces[i]?.trace ?? -1;
      const part = parts[trace];
      if (part === undefined) continue;
      const reader = new RowReader({ ...part, choice }, named);
      for (const row of own) reader.add(row);
      part.rows += own.length;
      found.set(trace, (found.get(trace) ?? 0) + own.length);
    }
    this.#expectRoom(parts);
  }

  #findRows(file: ParquetFile, rowGroup: number, traces: readonly SoughtTrace[]) {
    return file.findRows(rowGroup, TRACE_ID, this.#idsOf(traces));
  }

  #idsOf(traces: readonly SoughtTrace[]): Uint8Array[] {
    return traces.map(({ trace }) => this.#ids[trace] ?? new Uint8Array(TRACE_ID_BYTES));
  }

  /** The column again, of which only the rows were read. */
  #traceIds(traces: readonly SoughtTrace[], codes: Uint32Array): ReadColumn {
    const bytes = Buffer.concat(this.#idsOf(traces));
    const offsets = Uint32Array.from({ length: traces.length + 1 }, (_, i) => i * TRACE_ID_BYTES);
    return { name: TRACE_ID, kind: 'bytes', bytes, offsets, codes };
  }

  #expectRoom(parts: readonly Part[]): void {
    const bytes = parts.reduce(
      (sum, { builder, rows }) => sum + builder.strings.byteLength + rows * SPAN_BYTES,
      0,
    );
    if (bytes <= this.#order.bytesMax) return;
    throw new StorageError('unavailable', 'the query needs too much memory: a trace is too large', {
      hint: 'ask for fewer traces at once',
    });
  }

  /** Undefined when it is damaged, which is noted. */
  #attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'damaged') throw error;
      this.warnings.add(`left out: ${messageOf(error)}`);
      return undefined;
    }
  }
}

function rowsByTrace(which: Uint32Array): Map<number, number[]> {
  const byTrace = new Map<number, number[]>();
  for (const [row, trace] of which.entries()) {
    const known = byTrace.get(trace);
    if (known === undefined) byTrace.set(trace, [row]);
    else known.push(row);
  }
  return byTrace;
}

interface Place {
  readonly file: ParquetFile;
  readonly rowGroup: number;
  readonly traces: readonly SoughtTrace[];
  readonly choice: ColumnChoice;
}

const TRACE_ID = 'trace_id';
