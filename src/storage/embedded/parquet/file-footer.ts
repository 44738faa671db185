/** A footer as reading needs it: where each chunk lies, checked for being possible at all, in a tenth
 *  of the memory that its thrift takes. */

import { Codec, type ColumnSpec } from './column-chunk.ts';
import { chunkStart, type FileMetadata, type Footer, MAGIC } from './file.ts';
import type { ChunkPlace } from './pages.ts';
import { numberField, numbersField, structField, type ThriftStruct } from './thrift.ts';

/** A row group has tens of thousands of rows; nothing that was written comes near this. */
const ROWS_MAX = 1 << 24;

export interface FileRowGroup {
  readonly rows: number;
  /** By column. */
  readonly chunks: ReadonlyMap<string, ChunkPlace>;
}

/** What a footer says, as far as reading goes. */
export interface FileFooter {
  readonly columns: readonly string[];
  readonly rowGroups: readonly FileRowGroup[];
  readonly metadata: FileMetadata;
  /** About what it takes in memory. */
  readonly byteSize: number;
}

/** A place, its entry in a map and the name's share of memory. */
const PLACE_BYTES = 280;

export function describe({ specs, rowGroups, metadata }: Footer, fileBytes: number): FileFooter {
  const groups = rowGroups.map(({ rows, chunks }): FileRowGroup => {
    if (!(rows >= 0 && rows <= ROWS_MAX)) throw new RangeError(`a row group of ${rows} rows`);
    const places = specs.map((spec, i) => placeOf(spec, chunks[i], { rows, fileBytes }));
    return { rows, chunks: new Map(places.map((place) => [place.name, place])) };
  });
  return {
    columns: specs.map(({ name }) => name),
    rowGroups: groups,
    metadata,
    byteSize: groups.reduce((sum, { chunks }) => sum + chunks.size * PLACE_BYTES, 4096),
  };
}

function placeOf(
  { name, physical, fixedBytes, logical, isNullable }: ColumnSpec,
  chunk: ThriftStruct | undefined,
  { rows, fileBytes }: { rows: number; fileBytes: number },
): ChunkPlace {
  if (chunk === undefined) throw new RangeError(`no chunk of column "${name}"`);
  const meta = structField(chunk, 3);
  const start = chunkStart(meta);
  const bytes = numberField(meta, 7);
  const rawBytes = numberField(meta, 6);
  const codec = numberField(meta, 4);
  const nulls = numberField(structField(meta, 12), 3);
  const checks = [
    start >= MAGIC.length && bytes > 0 && start + bytes <= fileBytes,
    codec === Codec.none || codec === Codec.zstd,
    nulls >= 0 && nulls <= (isNullable ? rows : 0),
    numberField(meta, 5) === rows,
  ];
  if (checks.includes(false)) {
    throw new RangeError(`the chunk of column "${name}" is described wrongly`);
  }
  const isUnsigned = logical === 'uint32' || logical === 'uint64';
  const hasDictionary = meta.has(11);
  const type = { name, physical, fixedBytes, isUnsigned, isNullable };
  const encodings = numbersField(meta, 2);
  return { ...type, start, bytes, rawBytes, codec, encodings, hasDictionary, rows, nulls };
}
