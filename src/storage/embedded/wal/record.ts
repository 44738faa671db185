/** The bytes of a write-ahead log: a file header, then records. Drawn in docs/formats/wal.md.
 *  A record's checksum covers its header and the frame's header, in which the frame's own checksum
 *  stands: so every byte is covered and none is summed twice. */

import { crc32 } from 'node:zlib';
import { FrameError, decodeFrame } from '../../../model/batch/frame.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';

export const WAL_MAGIC = 0x57525053; // "SPRW"
export const WAL_VERSION = 1;
export const FILE_HEADER_BYTES = 16;

const RECORD_MAGIC = 0x52525053; // "SPRR"
export const RECORD_HEADER_BYTES = 24;
const FRAME_HEADER_BYTES = 64;
const CRC_AT = 20;
const WORD = 0x1_0000_0000;

/** The version stands there twice, so that a flipped bit is not taken for a newer format. */
export function fileHeader(): Uint8Array {
  const header = new Uint8Array(FILE_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, WAL_MAGIC, true);
  view.setUint32(4, WAL_VERSION, true);
  view.setUint32(8, WAL_VERSION, true);
  return header;
}

/** Checksums begin with `salt`, a secret of the store, so that span content that looks like a record
 *  is not taken for one after damage. */
export function recordHeader(seq: number, frame: Uint8Array, salt: number): Uint8Array {
  const header = new Uint8Array(RECORD_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, RECORD_MAGIC, true);
  view.setUint32(4, frame.length, true);
  view.setUint32(8, seq % WORD, true);
  view.setUint32(12, Math.floor(seq / WORD), true);
  view.setUint32(CRC_AT, checksum(header, frame, salt), true);
  return header;
}

function checksum(header: Uint8Array, frame: Uint8Array, salt: number): number {
  return crc32(frame.subarray(0, FRAME_HEADER_BYTES), crc32(header.subarray(0, CRC_AT), salt));
}

export interface WalRecord {
  readonly seq: number;
  readonly batch: SpanBatch;
  readonly frame: Uint8Array;
}

export interface WalContent {
  readonly records: readonly WalRecord[];
  /** Bytes that are no whole record, between good ones: damage. */
  readonly damagedBytes: number;
  /** Where they lie. */
  readonly damage?: readonly { readonly at: number; readonly bytes: number }[] | undefined;
  /** Bytes after the last good record: a write that was cut short. */
  readonly tornBytes: number;
  /** Set when the file was written by a newer program. */
  readonly newerVersion?: number;
}

/** All whole records. After bytes that are none it goes on at the next record that checks out, so
 *  a damaged block costs itself and nothing behind it. */
export function readRecords(bytes: Uint8Array, salt: number): WalContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const newerVersion = newerVersionOf(view);
  if (newerVersion !== undefined)
    return { records: [], damagedBytes: 0, tornBytes: 0, newerVersion };
  const records: WalRecord[] = [];
  if (bytes.length < FILE_HEADER_BYTES) {
    return { records, damagedBytes: 0, tornBytes: bytes.length };
  }
  let good = FILE_HEADER_BYTES;
  let damagedBytes = 0;
  const damage: { at: number; bytes: number }[] = [];
  for (let at = good; at + RECORD_HEADER_BYTES <= bytes.length;) {
    const record = recordAt({ bytes, view, salt }, at);
    if (record === undefined) {
      at += 8; // Records lie on 8-byte boundaries, frames being padded to them.
      continue;
    }
    damagedBytes += at - good;
    if (at > good) damage.push({ at: good, bytes: at - good });
    at += RECORD_HEADER_BYTES + record.frame.length;
    good = at;
    records.push(record);
  }
  return { records, damagedBytes, damage, tornBytes: bytes.length - good };
}

function newerVersionOf(view: DataView): number | undefined {
  if (view.byteLength < FILE_HEADER_BYTES) return undefined;
  const version = view.getUint32(4, true);
  return version > WAL_VERSION && version === view.getUint32(8, true) ? version : undefined;
}

interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly salt: number;
}

function recordAt({ bytes, view, salt }: Source, at: number): WalRecord | undefined {
  if (view.getUint32(at, true) !== RECORD_MAGIC) return undefined;
  const length = view.getUint32(at + 4, true);
  const start = at + RECORD_HEADER_BYTES;
  if (length < FRAME_HEADER_BYTES || start + length > bytes.length) return undefined;
  const header = bytes.subarray(at, start);
  const frame = bytes.subarray(start, start + length);
  if (view.getUint32(at + CRC_AT, true) !== checksum(header, frame, salt)) return undefined;
  const seq = view.getUint32(at + 12, true) * WORD + view.getUint32(at + 8, true);
  try {
    return { seq, frame, batch: decodeFrame(frame) };
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}
