/** Spans as one Parquet file of their own, as segments have them (docs/formats/segment.md), for other
 *  programs and for `spoor store import`. Row groups are written as they fill. */

import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { Stitcher, type Write } from '../parquet/stitch.ts';
import type { SegmentHeader } from '../segment-index.ts';
import { encodeRows, metadataOf } from './file-builder.ts';
import { RowGroupEncoder } from './row-group.ts';
import { RowCollector } from './rows.ts';

const ROW_GROUP_ROWS = 32_768;

export class ParquetExport {
  readonly #stitcher: Stitcher;
  readonly #facts: Pick<SegmentHeader, 'tenant' | 'from' | 'to' | 'walTo' | 'writtenAtMs'>;
  readonly #rows = new RowCollector(0);
  readonly #encoder = new RowGroupEncoder(this.#rows);
  #minStartNano: bigint | undefined;
  #maxStartNano = 0n;

  constructor(write: Write, { tenant, nowMs }: { tenant: string; nowMs: number }) {
    this.#stitcher = new Stitcher(write);
    this.#facts = { tenant, from: 0, to: 0, walTo: 0, writtenAtMs: nowMs };
  }

  async add(batch: SpanBatch): Promise<void> {
    this.#rows.add(batch, 0);
    if (this.#rows.count >= ROW_GROUP_ROWS) await this.#endRowGroup();
  }

  /** Also without a span there is a file. */
  async finish(): Promise<void> {
    if (this.#rows.count > 0 || this.#minStartNano === undefined) await this.#endRowGroup();
    const { columns, rowGroupRows } = this.#stitcher;
    await this.#stitcher.finish(
      metadataOf({
        ...this.#facts,
        columns,
        rowGroupRows,
        rows: rowGroupRows.reduce((sum, rows) => sum + rows, 0),
        rowGroups: rowGroupRows.length,
        minStartNano: this.#minStartNano ?? 0n,
        maxStartNano: this.#maxStartNano,
        textKeys: {},
      }),
    );
  }

  async #endRowGroup(): Promise<void> {
    const { header, parquet } = encodeRows(this.#rows, this.#encoder, this.#facts);
    const { minStartNano: least, maxStartNano: most } = header;
    const min = this.#minStartNano;
    this.#minStartNano = min === undefined || least < min ? least : min;
    if (most > this.#maxStartNano) this.#maxStartNano = most;
    await this.#stitcher.add(parquet);
    this.#rows.reset();
  }
}
