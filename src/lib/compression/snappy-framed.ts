/** The Snappy framing format (github.com/google/snappy, framing_format.txt): chunks of at most
 *  64 KiB, each with its checksum. What gRPC and `x-snappy-framed` mean by Snappy. */
import { crc32c } from './crc32c.ts';
import { damaged, tooLarge } from './error.ts';
import { snappyCompress, snappyDecompress } from './snappy.ts';

const STREAM_HEAD = Buffer.from([0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]);
const COMPRESSED = 0x00;
const PLAIN = 0x01;
/** Chunk types from here on may be passed over by those who do not know them. */
const SKIPPABLE_MIN = 0x80;
const CHUNK_BYTES_MAX = 65_536;

export function isSnappyFramed(bytes: Uint8Array): boolean {
  return STREAM_HEAD.equals(bytes.subarray(0, STREAM_HEAD.length));
}

/** @throws CompressionError */
export function snappyFramedDecompress(bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (!isSnappyFramed(bytes)) throw damaged('not a Snappy stream');
  // One buffer that grows: a body of the smallest chunks would be millions of pieces.
  let out = new Uint8Array(Math.min(bytes.length * 2, bytesMax));
  let length = 0;
  for (let at = STREAM_HEAD.length; at < bytes.length;) {
    if (at + 4 > bytes.length) throw damaged('a chunk is cut short');
    const type = bytes[at]!;
    const size = bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16);
    const body = bytes.subarray(at + 4, at + 4 + size);
    if (body.length < size) throw damaged('a chunk is cut short');
    at += 4 + size;
    if (type >= SKIPPABLE_MIN) continue;
    const piece = pieceOf(type, body);
    if (length + piece.length > bytesMax) throw tooLarge(bytesMax);
    if (length + piece.length > out.length) {
      const larger = new Uint8Array(
        Math.min(Math.max(out.length * 2, length + piece.length), bytesMax),
      );
      larger.set(out.subarray(0, length));
      out = larger;
    }
    out.set(piece, length);
    length += piece.length;
  }
  return out.subarray(0, length);
}

function pieceOf(type: number, body: Uint8Array): Uint8Array {
  if (type !== COMPRESSED && type !== PLAIN) throw damaged(`chunk type ${type} is not known`);
  if (body.length < 4) throw damaged('a chunk has no checksum');
  const data = body.subarray(4);
  const piece = type === PLAIN ? data : snappyDecompress(data, CHUNK_BYTES_MAX);
  if (piece.length > CHUNK_BYTES_MAX) throw damaged('a chunk is larger than 64 KiB');
  const checksum = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  if (masked(crc32c(piece)) !== checksum) throw damaged('a checksum does not fit');
  return piece;
}

export function snappyFramedCompress(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [STREAM_HEAD];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) {
    const plain = bytes.subarray(at, at + CHUNK_BYTES_MAX);
    const small = snappyCompress(plain);
    const isSmaller = small.length < plain.length - plain.length / 8;
    const body = isSmaller ? small : plain;
    const head = Buffer.alloc(8);
    head.writeUInt32LE((isSmaller ? COMPRESSED : PLAIN) + (body.length + 4) * 256);
    head.writeUInt32LE(masked(crc32c(plain)), 4);
    parts.push(head, body);
  }
  return Buffer.concat(parts);
}

/** The format masks its checksums, so that one of data with checksums in it stays good. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
