/** Reads back the two columns that stitching looks into, of files this writer made: numbers that are
 *  PLAIN and not compressed, and codes with their dictionary. */

import { zstdDecompressSync } from 'node:zlib';
import { Codec } from './column-chunk.ts';
import { chunkStart, type Footer } from './file.ts';
import { numberField, readStruct, structBytes, structField, type ThriftStruct } from './thrift.ts';

/** The pages of a chunk, a view. */
export function chunkBytes(file: Uint8Array, chunk: ThriftStruct): Uint8Array {
  const meta = structField(chunk, 3);
  const start = chunkStart(meta);
  const end = start + numberField(meta, 7);
  if (end > file.length) throw new RangeError('parquet: a chunk passes the end of the file');
  return file.subarray(start, end);
}

/** Pages of a column, decompressed: dictionary first, where there is one. */
function pages(file: Uint8Array, chunk: ThriftStruct): Uint8Array[] {
  let rest = chunkBytes(file, chunk);
  const isCompressed = numberField(structField(chunk, 3), 4) === Codec.zstd;
  const found: Uint8Array[] = [];
  while (rest.length > 0) {
    const header = readStruct(rest);
    const start = structBytes(rest);
    const end = start + numberField(header, 3);
    const bytes = rest.subarray(start, end);
    found.push(isCompressed ? zstdDecompressSync(bytes) : bytes);
    rest = rest.subarray(end);
  }
  return found;
}

function chunkOf(footer: Footer, rowGroup: number, name: string): ThriftStruct {
  const column = footer.specs.findIndex((spec) => spec.name === name);
  const chunk = footer.rowGroups[rowGroup]?.chunks[column];
  if (chunk === undefined) throw new RangeError(`parquet: no column ${name}`);
  return chunk;
}

/** The values of a required PLAIN column in one row group. */
export function readPlain(
  file: Uint8Array,
  footer: Footer,
  { rowGroup, name }: { rowGroup: number; name: string },
): Uint8Array {
  const [values] = pages(file, chunkOf(footer, rowGroup, name));
  if (values === undefined) throw new RangeError(`parquet: column ${name} has no page`);
  return values;
}

/** Dictionary and codes of a required dictionary column in one row group. */
export function readCodes(
  file: Uint8Array,
  footer: Footer,
  { rowGroup, name }: { rowGroup: number; name: string },
): { dictionary: Uint8Array; codes: Uint32Array } {
  const [dictionary, data] = pages(file, chunkOf(footer, rowGroup, name));
  if (dictionary === undefined || data === undefined) {
    throw new RangeError(`parquet: column ${name} has no dictionary`);
  }
  const rows = footer.rowGroups[rowGroup]?.rows ?? 0;
  return { dictionary, codes: readHybrid(data.subarray(1), rows, data[0] ?? 0) };
}

/** The reverse of `writeHybrid` for widths of whole bytes. */
function readHybrid(bytes: Uint8Array, count: number, width: number): Uint32Array {
  const codes = new Uint32Array(count);
  const size = width / 8;
  let at = 0;
  const value = (): number => {
    let code = 0;
    for (let i = 0; i < size; i++) code |= (bytes[at++] ?? 0) << (i * 8);
    return code;
  };
  for (let row = 0; row < count;) {
    let header = 0;
    let shift = 0;
    let part = 0x80;
    while (part >= 0x80) {
      part = bytes[at++] ?? 0;
      header += (part & 0x7f) * 2 ** shift;
      shift += 7;
      if (at > bytes.length) throw new RangeError('parquet: codes are cut short');
    }
    const isPacked = header % 2 === 1;
    const length = Math.floor(header / 2) * (isPacked ? 8 : 1);
    const end = Math.min(row + length, count);
    if (end === row) throw new RangeError('parquet: a run of no codes');
    if (isPacked) {
      const next = at + length * size;
      while (row < end) codes[row++] = value();
      at = next;
    } else {
      codes.fill(value(), row, end);
      row = end;
    }
  }
  return codes;
}
