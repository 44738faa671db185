/** The pages of a column chunk: their headers checked against what the footer says, their bytes
 *  against their checksum, and only then decompressed. Page headers have no checksum, so whatever
 *  they say is compared with what must be so. Throws RangeError, or what zstd throws. */

import { crc32, zstdDecompressSync } from 'node:zlib';
import { Codec, Encoding, PageType, type Physical } from './column-chunk.ts';
import { numberField, readStructAt, structField, type ThriftStruct } from './thrift.ts';

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
  readonly codec: number;
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
  let rest = bytes;
  let dictionary: ChunkPages['dictionary'];
  if (chunk.hasDictionary) {
    const page = readPage(rest, chunk, PageType.dictionary);
    const header = structField(page.header, 7);
    expectEqual('encoding of its dictionary', numberField(header, 2), Encoding.plain);
    dictionary = { bytes: page.bytes, size: numberField(header, 1) };
    if (dictionary.size < 0 || dictionary.size > page.bytes.length + 1) {
      throw new RangeError(`a dictionary of ${dictionary.size} values in ${page.bytes.length} B`);
    }
    rest = page.rest;
  }
  const page = readPage(rest, chunk, PageType.data);
  const header = structField(page.header, 5);
  const encoding = numberField(header, 2);
  expectEqual('number of values', numberField(header, 1), chunk.rows);
  expectEqual('encoding of levels', numberField(header, 3), Encoding.rle);
  if ((encoding === Encoding.dictionary) !== chunk.hasDictionary) {
    throw new RangeError(
      `encoding ${encoding} ${chunk.hasDictionary ? 'beside' : 'without'} a dictionary`,
    );
  }
  if (page.rest.length > 0) throw new RangeError(`${page.rest.length} bytes behind its pages`);
  return { dictionary, data: { bytes: page.bytes, encoding } };
}

function readPage(
  bytes: Uint8Array,
  { codec }: ChunkPlace,
  type: number,
): { header: ThriftStruct; bytes: Uint8Array; rest: Uint8Array } {
  const { fields: header, length: headerBytes } = readStructAt(bytes);
  expectEqual('page type', numberField(header, 1), type);
  const rawBytes = numberField(header, 2);
  const end = headerBytes + numberField(header, 3);
  if (rawBytes < 0 || rawBytes > PAGE_BYTES_MAX) throw new RangeError(`a page of ${rawBytes} B`);
  if (end < headerBytes || end > bytes.length) throw new RangeError('a page passes its chunk');
  const body = bytes.subarray(headerBytes, end);
  expectEqual('checksum of a page', numberField(header, 4), crc32(body) | 0);
  const raw = codec === Codec.none ? body : decompress(body, rawBytes);
  expectEqual('length of a page', raw.length, rawBytes);
  return { header, bytes: raw, rest: bytes.subarray(end) };
}

/** Told the length, zstd fills one buffer, and refuses to make more of the bytes. */
function decompress(bytes: Uint8Array, rawBytes: number): Uint8Array {
  const limit = Math.max(rawBytes, 64);
  return zstdDecompressSync(bytes, { chunkSize: limit + 1, maxOutputLength: limit });
}

function expectEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw new RangeError(`${what}: ${found} instead of ${expected}`);
}
