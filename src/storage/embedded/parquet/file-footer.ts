/** A footer as reading needs it: where each chunk lies, checked for being possible at all, in a tenth
 *  of the memory that its thrift takes. */

import { Codec, type ColumnSpec } from './column-chunk.ts';
import { chunkStart, type FileMetadata, type Footer, MAGIC } from './file.ts';
import type { ChunkPlace } from './pages.ts';
import { numberField, structField, type ThriftStruct } from './thrift.ts';

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
const PLACE_BYTES = 200;

export function describe({ specs, rowGroups, metadata }: Footer, fileBytes: number): FileFooter {
  const groups = rowGroups.map(({ rows, chunks }): FileRowGroup => {
    if (!(rows >= 0 && rows <= ROWS_MAX)) throw new RangeError(`a row group of ${rows} rows`);
    const places = new Map<string, ChunkPlace>();
    specs.forEach((spec, i) =>
      places.set(spec.name, placeOf(spec, chunks[i], { rows, fileBytes })),
    );
    return { rows, chunks: places };
  });
  return {
    columns: specs.map(({ name }) => name),
    rowGroups: groups,
    metadata,
    byteSize: groups.reduce((sum, { chunks }) => sum + chunks.size * PLACE_BYTES, 4096),
  };
}

/** A footer has thousands of them: nothing is made here that is not kept. */
function placeOf(
  spec: ColumnSpec,
  chunk: ThriftStruct | undefined,
  { rows, fileBytes }: { rows: number; fileBytes: number },
): ChunkPlace {
  if (chunk === undefined) throw new RangeError(`no chunk of column "${spec.name}"`);
  const meta = structField(chunk, 3);
  const start = chunkStart(meta);
  const bytes = numberField(meta, 7);
  const codec = numberField(meta, 4);
  const nulls = numberField(structField(meta, 12), 3);
  const isPossible =
    start >= MAGIC.length &&
    bytes > 0 &&
    start + bytes <= fileBytes &&
    (codec === Codec.none || codec === Codec.zstd) &&
    nulls >= 0 &&
    nulls <= (spec.isNullable ? rows : 0) &&
    numberField(meta, 5) === rows;
  if (!isPossible) throw new RangeError(`the chunk of column "${spec.name}" is described wrongly`);
  return {
    name: spec.name,
    physical: spec.physical,
    fixedBytes: spec.fixedBytes,
    isUnsigned: spec.logical === 'uint32' || spec.logical === 'uint64',
    isNullable: spec.isNullable,
    start,
    bytes,
    rawBytes: numberField(meta, 6),
    codec,
    encodings: bitsOf(meta, 2),
    hasDictionary: meta.has(11),
    rows,
    nulls,
  };
}

/** The small numbers of a list, a bit each. */
function bitsOf(fields: ThriftStruct, id: number): number {
  const field = fields.get(id);
  let bits = 0;
  if (field?.kind !== 'list') return bits;
  for (const { value } of field.value) if (typeof value === 'number') bits |= 1 << value;
  return bits;
}
