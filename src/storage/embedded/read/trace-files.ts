/** Whole traces out of files: of each row group the rows of all traces that are asked for at once, so
 *  that no page is decompressed twice. Works in steps of a row group, and in any thread. A row group
 *  that is damaged is left out and named. */

import { messageOf } from '../../../lib/errors.ts';
import { bytesFromHex, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { SpanBatchBuilder } from '../../../model/batch/builder.ts';
import { decodeFrame, encodeFrame } from '../../../model/batch/frame.ts';
import { appendBatch } from '../../../model/batch/gather.ts';
import { StorageError } from '../../contract.ts';
import type { FooterCache } from '../parquet/footer-cache.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import type { ReadColumn } from '../parquet/read-column.ts';
import { assemble, type AssembledTraces, type OwnedRows, repeatingTraces } from './assemble.ts';
import type { ReadOrder, SoughtFile, SoughtTrace, TracesFrame } from './messages.ts';
import { KnownOwners, namedColumns, RowReader } from './rows-to-batch.ts';
import { type ColumnChoice, readSpanColumns } from './span-columns.ts';

export interface ReadTraces {
  readonly parts: readonly TracesFrame[];
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
  const found = await reading.read(order.choice, () => true);
  const parts: TracesFrame[] = [];
  // Whether two spans are one is told by all of their columns.
  const isUnclear = order.choice === 'waterfall' ? repeatingTraces(found) : undefined;
  if (isUnclear?.includes(1)) {
    const whole = await reading.read('all', (trace) => isUnclear[trace] === 1);
    parts.push(frameOf(assemble(whole, order.seed)));
    await pause();
    parts.push(frameOf(assemble(found, order.seed, isUnclear)));
  } else parts.push(frameOf(assemble(found, order.seed)));
  return { parts, warnings: [...reading.warnings] };
}

function frameOf({ batch, ends }: AssembledTraces): TracesFrame {
  return { frame: encodeFrame(batch), ends };
}

/** The rows of all traces as they come. */
interface Gathered {
  readonly builder: SpanBatchBuilder;
  readonly owners: KnownOwners;
  /** Whose each row is. */
  readonly traceOf: number[];
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
  async read(choice: ColumnChoice, isWanted: (trace: number) => boolean): Promise<OwnedRows> {
    const { tenant, files, head, traceIds } = this.#order;
    const into: Gathered = {
      builder: new SpanBatchBuilder(),
      owners: new KnownOwners(),
      traceOf: [],
    };
    for (const { path, traces } of files) {
      const wanted = traces.filter(({ trace }) => isWanted(trace));
      await this.#readFile({ path, traces: wanted }, into, choice);
    }
    for (const { trace, frame } of head) {
      if (!isWanted(trace)) continue;
      const batch = decodeFrame(frame);
      appendBatch(into.builder, batch);
      for (let row = 0; row < batch.count; row++) into.traceOf.push(trace);
    }
    const { builder, traceOf } = into;
    return { batch: builder.seal(tenant), traceOf, traces: traceIds.length };
  }

  async #readFile(sought: SoughtFile, into: Gathered, choice: ColumnChoice): Promise<void> {
    const { path, traces } = sought;
    if (traces.length === 0) return;
    const file = this.#attempt(() => ParquetFile.open(path, this.#footers));
    if (file === undefined) return;
    try {
      const found = new Map<number, number>();
      const seek = async (some: readonly SoughtTrace[], rowGroups: Iterable<number>) => {
        for (const rowGroup of rowGroups) {
          const here = some.filter((one) => one.rowGroups?.includes(rowGroup) ?? true);
          await this.#readRowGroup({ file, rowGroup, traces: here, choice }, into, found);
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
    into: Gathered,
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
    const { builder, owners, traceOf } = into;
    const count = rows.rows.length;
    const batch = { builder, owners, choice, rows: count };
    const reader = new RowReader(batch, namedColumns(columns.values()));
    for (let row = 0; row < count; row++) {
      const trace = traces[rows.which[row] ?? -1]?.trace ?? -1;
      reader.add(row);
      traceOf.push(trace);
      found.set(trace, (found.get(trace) ?? 0) + 1);
    }
    this.#expectRoom(into);
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

  #expectRoom({ builder, traceOf }: Gathered): void {
    const bytes = builder.strings.byteLength + traceOf.length * SPAN_BYTES;
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

interface Place {
  readonly file: ParquetFile;
  readonly rowGroup: number;
  readonly traces: readonly SoughtTrace[];
  readonly choice: ColumnChoice;
}

const TRACE_ID = 'trace_id';
