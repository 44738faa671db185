/** What each column of a data file takes on the disk, from its footer alone: no page is read. */

import { open, type FileHandle } from 'node:fs/promises';
import { type Footer, footerBytes, readFooter, TRAILER_BYTES } from './parquet/file.ts';
import { numberField, structField } from './parquet/thrift.ts';

export interface ColumnSize {
  /** Pages with their headers, as they lie on the disk. */
  readonly bytes: number;
  /** The same before compression. */
  readonly uncompressedBytes: number;
  /** Rows that have a value. */
  readonly values: number;
}

export interface ColumnSizes {
  readonly rows: number;
  readonly rowGroups: number;
  readonly fileBytes: number;
  /** What is no column's: footer and magic. */
  readonly footerBytes: number;
  /** Largest first. */
  readonly columns: ReadonlyMap<string, ColumnSize>;
}

/** Reads the footer of a Parquet file. Throws RangeError when it has none of ours. */
export async function columnSizesOf(path: string): Promise<ColumnSizes> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const trailer = await readAt(file, Math.max(0, size - TRAILER_BYTES), TRAILER_BYTES);
    const fromEnd = footerBytes(trailer);
    if (fromEnd === undefined || fromEnd > size) throw new RangeError(`${path} has no footer`);
    return columnSizesIn(readFooter(await readAt(file, size - fromEnd, fromEnd)), size);
  } finally {
    await file.close();
  }
}

export function columnSizesIn({ specs, rowGroups }: Footer, fileBytes: number): ColumnSizes {
  const columns = new Map<string, { bytes: number; uncompressedBytes: number; values: number }>();
  let inColumns = 0;
  for (const { chunks } of rowGroups) {
    chunks.forEach((chunk, i) => {
      const name = specs[i]?.name ?? '';
      const meta = structField(chunk, 3);
      const nulls = meta.has(12) ? numberField(structField(meta, 12), 3) : 0;
      const size = columns.get(name) ?? { bytes: 0, uncompressedBytes: 0, values: 0 };
      columns.set(name, size);
      size.bytes += numberField(meta, 7);
      size.uncompressedBytes += numberField(meta, 6);
      size.values += numberField(meta, 5) - nulls;
      inColumns += numberField(meta, 7);
    });
  }
  return {
    rows: rowGroups.reduce((sum, { rows }) => sum + rows, 0),
    rowGroups: rowGroups.length,
    fileBytes,
    footerBytes: fileBytes - inColumns,
    columns: new Map([...columns].toSorted(([, a], [, b]) => b.bytes - a.bytes)),
  };
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}
