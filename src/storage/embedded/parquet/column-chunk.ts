/** One column of one row group as bytes: a dictionary page when there is one, and a single data
 *  page. One page, because small pages cost space and no reader here uses a page index.
 *  Hot: benchmark `bench/row-group.ts`. */

import { constants, crc32, zstdCompressSync } from 'node:zlib';
import { ByteSink } from './byte-sink.ts';
import { writeDeltas, writeDeltas32, writeHybrid } from './encodings.ts';
import {
  binary,
  i32,
  i64,
  list,
  nested,
  struct,
  text,
  type ThriftStruct,
  type ThriftValue,
  writeStruct,
} from './thrift.ts';

/** parquet.thrift: Type, Encoding, CompressionCodec, PageType. */
export const Physical = { boolean: 0, int32: 1, int64: 2, double: 5, bytes: 6, fixed: 7 } as const;
export type Physical = (typeof Physical)[keyof typeof Physical];
export const Encoding = { plain: 0, rle: 3, delta: 5, deltaLength: 6, dictionary: 8 } as const;
export const Codec = { none: 0, zstd: 6 } as const;
export const PageType = { data: 0, dictionary: 2 } as const;

/** What a query engine makes of the physical type. */
export type Logical = 'string' | 'uint32' | 'uint64' | 'uuid';

export interface ColumnSpec {
  readonly name: string;
  readonly physical: Physical;
  /** Of physical type fixed. */
  readonly fixedBytes?: number | undefined;
  readonly logical?: Logical | undefined;
  readonly isNullable: boolean;
}

/** The values of the rows that are not null. */
export type ColumnValues =
  /** Encoded as PLAIN already. */
  | { readonly kind: 'plain'; readonly bytes: Uint8Array; readonly isRandom?: boolean }
  /** `dictionary` holds `size` values as PLAIN; `codes` are positions in it. */
  | {
      readonly kind: 'dictionary';
      readonly dictionary: Uint8Array;
      readonly size: number;
      readonly codes: Uint16Array | Uint32Array;
    }
  /** Byte strings one after another; two words a length. Apart they compress better than mixed. */
  | { readonly kind: 'strings'; readonly bytes: Uint8Array; readonly lengths: Uint32Array }
  /** Two words (low, high) a value. */
  | { readonly kind: 'delta'; readonly words: Uint32Array }
  | { readonly kind: 'delta32'; readonly numbers: Uint32Array }
  /** 0 or 1. */
  | { readonly kind: 'boolean'; readonly flags: Uint8Array };

export interface ColumnInput {
  readonly spec: ColumnSpec;
  readonly values: ColumnValues;
  /** How many rows are not null. */
  readonly count: number;
  /** 1 where a row has a value; absent when every row has one. */
  readonly present?: Uint8Array | undefined;
  /** PLAIN encodings of the least and greatest value, for pruning. */
  readonly min?: Uint8Array | undefined;
  readonly max?: Uint8Array | undefined;
  /** Compress as far as costs little. */
  readonly isThorough?: boolean | undefined;
}

/** A chunk without its place: offsets count from its first byte. */
export interface ColumnChunk {
  readonly spec: ColumnSpec;
  readonly bytes: Uint8Array;
  readonly uncompressedBytes: number;
  readonly codec: number;
  readonly encodings: readonly number[];
  readonly dataPageAt: number;
  readonly hasDictionary: boolean;
  readonly rows: number;
  readonly nulls: number;
  readonly min?: Uint8Array | undefined;
  readonly max?: Uint8Array | undefined;
}

const LEVEL_BYTES = 4;
/** Compressing less than this saves less than it costs. */
const COMPRESS_BYTES_MIN = 64;

const { ZSTD_c_compressionLevel: LEVEL, ZSTD_c_minMatch: MIN_MATCH } = constants;

/** How far zstd searches, by what is in a page. */
const EFFORTS = {
  fast: { [LEVEL]: 1 },
  /** Repeats are short, and many. */
  codes: { [LEVEL]: 5 },
  /** Repeats are long, and what is between them is random: short ones there cost more than they save. */
  text: { [LEVEL]: 7, [MIN_MATCH]: 6 },
} as const;
type Effort = keyof typeof EFFORTS;
/** Beyond, a search as far takes longer than a flush may. */
const TEXT_BYTES_MAX = 1 << 20;
/** What zstd may add to bytes it cannot shrink, and more. */
const ZSTD_EXTRA_BYTES = 1024;

/** Told how long the input is, zstd makes tables that fit it; a chunk that holds the output keeps
 *  it from being put together of pieces. */
function compress(raw: Uint8Array, effort: Effort): Uint8Array {
  return zstdCompressSync(raw, {
    params: EFFORTS[effort],
    pledgedSrcSize: raw.length,
    chunkSize: raw.length + ZSTD_EXTRA_BYTES,
  });
}

/** Encodes columns; keeps its buffers from one to the next. */
export class ChunkEncoder {
  readonly #page = new ByteSink();
  readonly #out = new ByteSink();

  encode(input: ColumnInput, rows: number): ColumnChunk {
    const out = this.#out.reset();
    const { spec, values, count } = input;
    const isPlainBytes = values.kind === 'plain' && values.isRandom === true;
    const page = this.#writeDataPage(input, rows);
    const dictionary = values.kind === 'dictionary' ? values.dictionary : undefined;
    const isCompressed =
      !isPlainBytes && page.length + (dictionary?.length ?? 0) >= COMPRESS_BYTES_MIN;
    const codec = isCompressed ? Codec.zstd : Codec.none;
    let uncompressedBytes = 0;
    if (values.kind === 'dictionary') {
      const header = { 1: i32(values.size), 2: i32(Encoding.plain) };
      uncompressedBytes += writePage(out, values.dictionary, codec, {
        type: PageType.dictionary,
        effort: 'fast',
        field: 7,
        header,
      });
    }
    const dataPageAt = out.length;
    const encoding = encodingOf(values);
    uncompressedBytes += writePage(out, page, codec, {
      type: PageType.data,
      effort: effortFor(input, page.length),
      field: 5,
      header: { 1: i32(rows), 2: i32(encoding), 3: i32(Encoding.rle), 4: i32(Encoding.rle) },
    });
    return {
      spec,
      bytes: out.take(),
      uncompressedBytes,
      codec,
      encodings: [...new Set([encoding, Encoding.rle, ...(dictionary ? [Encoding.plain] : [])])],
      dataPageAt,
      hasDictionary: dictionary !== undefined,
      rows,
      nulls: rows - count,
      min: input.min,
      max: input.max,
    };
  }

  /** Levels and values; a view of a buffer that the next page reuses. */
  #writeDataPage({ spec, values, count, present }: ColumnInput, rows: number): Uint8Array {
    const page = this.#page.reset();
    if (spec.isNullable) {
      page.u32(0);
      if (present === undefined) writeSameLevels(page, rows, 1);
      else writeHybrid(page, present, rows, 1);
      page.setU32(0, page.length - LEVEL_BYTES);
    }
    switch (values.kind) {
      case 'plain':
        page.append(values.bytes);
        break;
      case 'strings':
        writeDeltas(page, values.lengths, count);
        page.append(values.bytes);
        break;
      case 'delta':
        writeDeltas(page, values.words, count);
        break;
      case 'delta32':
        writeDeltas32(page, values.numbers, count);
        break;
      case 'boolean': {
        const lengthAt = page.length;
        page.u32(0);
        writeHybrid(page, values.flags, count, 1);
        page.setU32(lengthAt, page.length - lengthAt - LEVEL_BYTES);
        break;
      }
      case 'dictionary': {
        const width = codeWidth(values.size);
        page.u8(width);
        writeHybrid(page, values.codes, count, width);
        break;
      }
    }
    return page.view();
  }
}

function effortFor({ spec, values, isThorough }: ColumnInput, bytes: number): Effort {
  if (isThorough === true) return 'codes';
  const isText = values.kind === 'strings' || spec.physical === Physical.double;
  return isText && values.kind !== 'dictionary' && bytes <= TEXT_BYTES_MAX ? 'text' : 'fast';
}

function codeWidth(size: number): number {
  if (size <= 1 << 8) return 8;
  return size <= 1 << 16 ? 16 : 24;
}

function encodingOf(values: ColumnValues): number {
  switch (values.kind) {
    case 'plain':
      return Encoding.plain;
    case 'strings':
      return Encoding.deltaLength;
    case 'delta':
    case 'delta32':
      return Encoding.delta;
    case 'boolean':
      return Encoding.rle;
    case 'dictionary':
      return Encoding.dictionary;
  }
}

function writeSameLevels(page: ByteSink, rows: number, level: number): void {
  if (rows === 0) return;
  page.varint(rows * 2);
  page.u8(level);
}

interface PageKind {
  readonly type: number;
  readonly effort: Effort;
  /** The field of PageHeader that holds `header`. */
  readonly field: number;
  readonly header: Record<number, ThriftValue>;
}

/** Returns what the page would take uncompressed, its header included. */
// oxlint-disable-next-line max-params -- once a page, and each of the four is another thing
function writePage(out: ByteSink, raw: Uint8Array, codec: number, page: PageKind): number {
  const bytes = codec === Codec.zstd ? compress(raw, page.effort) : raw;
  const start = out.length;
  writeStruct(
    out,
    struct({
      1: i32(page.type),
      2: i32(raw.length),
      3: i32(bytes.length),
      4: i32(crc32(bytes) | 0),
      [page.field]: nested(page.header),
    }),
  );
  const headerBytes = out.length - start;
  out.append(bytes);
  return headerBytes + raw.length;
}

/** A chunk of nulls only, for a row group that lacks the column. */
export function nullChunk(spec: ColumnSpec, rows: number): ColumnChunk {
  const page = new ByteSink();
  page.u32(0);
  writeSameLevels(page, rows, 0);
  page.setU32(0, page.length - LEVEL_BYTES);
  const out = new ByteSink();
  const uncompressedBytes = writePage(out, page.view(), Codec.none, {
    type: PageType.data,
    effort: 'fast',
    field: 5,
    header: { 1: i32(rows), 2: i32(Encoding.plain), 3: i32(Encoding.rle), 4: i32(Encoding.rle) },
  });
  return {
    spec,
    bytes: out.take(),
    uncompressedBytes,
    codec: Codec.none,
    encodings: [Encoding.plain, Encoding.rle],
    dataPageAt: 0,
    hasDictionary: false,
    rows,
    nulls: rows,
  };
}

/** parquet.thrift's ColumnChunk for a chunk whose first byte lies at `offset` of the file. */
export function describeChunk(chunk: ColumnChunk, offset: number): ThriftStruct {
  const { spec } = chunk;
  return struct({
    2: i64(0),
    3: nested({
      1: i32(spec.physical),
      2: list('i32', chunk.encodings.map(i32)),
      3: list('binary', [text(spec.name)]),
      4: i32(chunk.codec),
      5: i64(chunk.rows),
      6: i64(chunk.uncompressedBytes),
      7: i64(chunk.bytes.length),
      9: i64(offset + chunk.dataPageAt),
      11: chunk.hasDictionary ? i64(offset) : undefined,
      12: nested({
        3: i64(chunk.nulls),
        5: chunk.max && binary(chunk.max),
        6: chunk.min && binary(chunk.min),
      }),
    }),
  });
}
