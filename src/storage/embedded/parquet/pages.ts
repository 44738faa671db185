/** The pages of a column chunk: their headers checked against what the footer says, their bytes
 *  against their checksum, and only then decompressed. Page headers have no checksum, so whatever
 *  they say is compared with what must be so. Throws RangeError, or what zstd throws. */

import { crc32, zstdDecompressSync } from 'node:zlib';
import { Codec, Encoding, PageType, Physical } from './column-chunk.ts';
import { readStructAt, structField, type ThriftStruct } from './thrift.ts';

/** A page larger than this was never written: a flush is bounded far below. */
const PAGE_BYTES_MAX = 1 << 30;

/** What a footer says of a column chunk, and of its column. */
export interface ChunkPlace {
  readonly name: string;
  readonly physical: Physical;
  /** Of physical type fixed. */
  readonly fixedBytes: number | undefined;
  readonly isUnsigned: boolean;
  readonly isNullable: boolean;
  readonly start: number;
  readonly bytes: number;
  /** Its pages before compression, their headers as they are. */
  readonly rawBytes: number;
  readonly codec: number;
  /** A bit each. */
  readonly encodings: number;
  readonly hasDictionary: boolean;
  readonly rows: number;
  readonly nulls: number;
}

export interface ChunkPages {
  readonly dictionary: { readonly bytes: Uint8Array; readonly size: number } | undefined;
  readonly data: { readonly bytes: Uint8Array; readonly encoding: number };
}

/** `bytes` are those of the chunk, no more. */
export function readPages(bytes: Uint8Array, chunk: ChunkPlace): ChunkPages {
  const { dictionary, data } = pagesOf(bytes, chunk);
  return {
    dictionary: dictionary && { bytes: unpacked(dictionary, chunk), size: dictionary.size },
    data: { bytes: unpacked(data, chunk), encoding: data.encoding },
  };
}

/** Whether any reader will find in the chunk what was written, without unpacking it. Returns nothing:
 *  it throws. */
export function checkPages(bytes: Uint8Array, chunk: ChunkPlace): void {
  const { dictionary, data } = pagesOf(bytes, chunk);
  const rawBytes = (dictionary?.rawBytes ?? 0) + data.rawBytes;
  const headerBytes = bytes.length - (dictionary?.body.length ?? 0) - data.body.length;
  expectEqual('length of its pages', headerBytes + rawBytes, chunk.rawBytes);
  if (data.encoding > 31 || ((chunk.encodings >> data.encoding) & 1) === 0) {
    throw new RangeError(`encoding ${data.encoding}, which its footer does not name`);
  }
  const width = chunk.fixedBytes ?? WIDTHS[chunk.physical];
  if (dictionary === undefined || width === undefined) return;
  expectEqual('length of its dictionary', dictionary.rawBytes, dictionary.size * width);
}

/** Bytes of a value. */
const WIDTHS: Readonly<Record<number, number>> = {
  [Physical.int32]: 4,
  [Physical.int64]: 8,
  [Physical.double]: 8,
};

interface Page {
  readonly header: ThriftStruct;
  readonly body: Uint8Array;
  readonly rawBytes: number;
  readonly rest: Uint8Array;
}

interface Pages {
  readonly dictionary: (Page & { readonly size: number }) | undefined;
  readonly data: Page & { readonly encoding: number };
}

/** Checked against their checksums, and not unpacked. */
function pagesOf(bytes: Uint8Array, chunk: ChunkPlace): Pages {
  const dictionary = chunk.hasDictionary ? dictionaryAt(bytes) : undefined;
  const data = pageAt(dictionary?.rest ?? bytes, PageType.data);
  const header = structField(data.header, 5);
  const encoding = intField(header, 2);
  expectEqual('number of values', intField(header, 1), chunk.rows);
  expectEqual('encoding of levels', intField(header, 3), Encoding.rle);
  expectEqual('encoding of repetitions', intField(header, 4), Encoding.rle);
  if ((encoding === Encoding.dictionary) !== chunk.hasDictionary) {
    throw new RangeError(
      `encoding ${encoding} ${chunk.hasDictionary ? 'beside' : 'without'} a dictionary`,
    );
  }
  if (data.rest.length > 0) throw new RangeError(`${data.rest.length} bytes behind its pages`);
  return { dictionary, data: { ...data, encoding } };
}

function dictionaryAt(bytes: Uint8Array): Page & { readonly size: number } {
  const page = pageAt(bytes, PageType.dictionary);
  const header = structField(page.header, 7);
  expectEqual('encoding of its dictionary', intField(header, 2), Encoding.plain);
  const size = intField(header, 1);
  if (size < 0 || size > page.rawBytes + 1) {
    throw new RangeError(`a dictionary of ${size} values in ${page.rawBytes} B`);
  }
  return { ...page, size };
}

function pageAt(bytes: Uint8Array, type: number): Page {
  const { fields: header, length: headerBytes } = readStructAt(bytes);
  expectEqual('page type', intField(header, 1), type);
  const rawBytes = intField(header, 2);
  const end = headerBytes + intField(header, 3);
  if (rawBytes < 0 || rawBytes > PAGE_BYTES_MAX) throw new RangeError(`a page of ${rawBytes} B`);
  if (end < headerBytes || end > bytes.length) throw new RangeError('a page passes its chunk');
  const body = bytes.subarray(headerBytes, end);
  expectEqual('checksum of a page', intField(header, 4), crc32(body) | 0);
  return { header, body, rawBytes, rest: bytes.subarray(end) };
}

function unpacked({ body, rawBytes }: Page, { codec }: ChunkPlace): Uint8Array {
  const raw = codec === Codec.none ? body : decompress(body, rawBytes);
  expectEqual('length of a page', raw.length, rawBytes);
  return raw;
}

/** Told the length, zstd fills one buffer, and refuses to make more of the bytes. */
function decompress(bytes: Uint8Array, rawBytes: number): Uint8Array {
  const limit = Math.max(rawBytes, 64);
  return zstdDecompressSync(bytes, { chunkSize: limit + 1, maxOutputLength: limit });
}

/** Another type of number is one to this reader and nothing to others. */
function intField(fields: ThriftStruct, id: number): number {
  const field = fields.get(id);
  if (field?.kind !== 'i32') throw new RangeError(`field ${id} of a page's header is no number`);
  return field.value;
}

function expectEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw new RangeError(`${what}: ${found} instead of ${expected}`);
}
