/** Calls of a stitched file whose parent is in none of its row groups: what its edges (partial.ts) leave
 *  out, so that who asks for all calls need not look through the rows for them. Drawn in
 *  docs/formats/index.md. */

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { hexAt, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { ByteSink } from '../parquet/byte-sink.ts';

export interface MissingCall {
  /** As hex. */
  readonly traceId: string;
  readonly parentId: bigint;
  /** Service of the span that was called. */
  readonly child: string;
  /** Since 1970, that it starts in. */
  readonly minute: number;
  readonly isError: boolean;
}

/** A file with more keeps none: its rows are asked. */
export const CALLS_MAX = 65_536;
/** More than any has; a damaged length must not reserve memory. */
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;
const ID_BYTES = TRACE_ID_BYTES + SPAN_ID_BYTES;
const NUMBERS_BYTES = 8;

/** Ids, 24 bytes a call; of each the place of its service doubled, plus one of a span in error, and
 *  its minute, as words; then the services as JSON. */
export function packCalls(calls: readonly MissingCall[]): Uint8Array {
  const services = [...new Set(calls.map(({ child }) => child))];
  const places = new Map(services.map((service, i) => [service, i]));
  const sink = new ByteSink(calls.length * (ID_BYTES + NUMBERS_BYTES) + 4096);
  const id = Buffer.alloc(SPAN_ID_BYTES);
  sink.u32(calls.length);
  for (const { traceId, parentId } of calls) {
    sink.append(Buffer.from(traceId, 'hex'));
    id.writeBigUInt64BE(parentId);
    sink.append(id);
  }
  for (const { child, isError } of calls) sink.u32((places.get(child) ?? 0) * 2 + Number(isError));
  for (const { minute } of calls) sink.u32(minute);
  sink.append(Buffer.from(JSON.stringify(services)));
  return zstdCompressSync(sink.view(), { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
}

/** Throws what zstd, JSON or a view throws when the bytes are none. */
export function unpackCalls(packed: Uint8Array): MissingCall[] {
  const bytes = zstdDecompressSync(packed, { maxOutputLength: UNPACKED_BYTES_MAX });
  const count = bytes.readUInt32LE(0);
  const numbersAt = 4 + count * ID_BYTES;
  const services: unknown = JSON.parse(bytes.toString('utf8', numbersAt + count * NUMBERS_BYTES));
  if (!Array.isArray(services)) throw new RangeError('calls without a list of services');
  return Array.from({ length: count }, (_, i) => {
    const at = 4 + i * ID_BYTES;
    const number = bytes.readUInt32LE(numbersAt + i * 4);
    return {
      traceId: hexAt(bytes, at, TRACE_ID_BYTES),
      parentId: bytes.readBigUInt64BE(at + TRACE_ID_BYTES),
      child: String(services[number >>> 1]),
      minute: bytes.readUInt32LE(numbersAt + (count + i) * 4),
      isError: (number & 1) === 1,
    };
  });
}
