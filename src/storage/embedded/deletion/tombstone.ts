/** What has been deleted and may still lie in files: drawn in docs/formats/tombstones.md. A tombstone
 *  is durable before a deletion is acknowledged, and goes when nothing of its traces is left. It
 *  speaks of rows up to a record of the log: what is written for the same traces later is kept. */

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { bytesFromHex, hexAt, TRACE_ID_BYTES } from '../../../model/ids.ts';
import { StorageError } from '../../contract.ts';
import { type FileSystem, replaceFile } from '../file-system.ts';

export interface Tombstone {
  readonly path: string;
  /** Rows that came in records of the log up to this one are deleted. */
  readonly walTo: number;
  /** As lower-case hex. */
  readonly traceIds: ReadonlySet<string>;
  /** Identity hashes of deleted rows that may be sent again soon: two words each. */
  readonly hashes: Uint32Array;
}

const MAGIC = 0x54525053; // "SPRT"
const VERSION = 1;
const HEADER_BYTES = 40;
const WORD = 0x1_0000_0000;

export async function writeTombstone(files: FileSystem, tombstone: Tombstone): Promise<void> {
  await replaceFile(files, tombstone.path, encodeTombstone(tombstone));
}

export function encodeTombstone({ walTo, traceIds, hashes }: Tombstone): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + traceIds.size * TRACE_ID_BYTES + hashes.length * 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(16, traceIds.size, true);
  view.setUint32(20, hashes.length / 2, true);
  view.setUint32(24, walTo % WORD, true);
  view.setUint32(28, Math.floor(walTo / WORD), true);
  let at = HEADER_BYTES;
  for (const id of traceIds) {
    bytes.set(bytesFromHex(id, TRACE_ID_BYTES) ?? [], at);
    at += TRACE_ID_BYTES;
  }
  for (const word of hashes) {
    view.setUint32(at, word, true);
    at += 4;
  }
  view.setUint32(8, checksum(bytes), true);
  return bytes;
}

/** Throws StorageError 'damaged' when the bytes are none, 'unusable' when they are of a newer form. */
export function decodeTombstone(path: string, bytes: Uint8Array): Tombstone {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw damaged(path, 'it is no tombstone');
  }
  if (checksum(bytes) !== view.getUint32(8, true)) {
    throw damaged(path, 'its checksum differs');
  }
  const version = view.getUint32(4, true);
  if (version !== VERSION) {
    throw new StorageError('unusable', `${path} has format ${version}, which is not known`, {
      hint: 'use the version of spoor that wrote it, or a newer one',
    });
  }
  const ids = view.getUint32(16, true);
  const words = view.getUint32(20, true) * 2;
  const walTo = view.getUint32(28, true) * WORD + view.getUint32(24, true);
  const hashesAt = HEADER_BYTES + ids * TRACE_ID_BYTES;
  if (bytes.length !== hashesAt + words * 4) throw damaged(path, 'its length differs');
  const traceIds = new Set<string>();
  for (let at = HEADER_BYTES; at < hashesAt; at += TRACE_ID_BYTES) {
    traceIds.add(hexAt(bytes, at, TRACE_ID_BYTES));
  }
  const hashes = new Uint32Array(words);
  for (let i = 0; i < words; i++) hashes[i] = view.getUint32(hashesAt + i * 4, true);
  return { path, walTo, traceIds, hashes };
}

/** Of everything but itself. */
function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(12), crc32(bytes.subarray(0, 8)));
}

function damaged(path: string, why: string): StorageError {
  return new StorageError('damaged', `${path} cannot be read: ${why}`, {
    hint: 'delete again what was deleted last, then remove the file',
  });
}

/** Paths of the tombstones in a directory, oldest first, after removing what a crash left behind. */
export async function listTombstones(files: FileSystem, directory: string): Promise<string[]> {
  const numbers: number[] = [];
  for (const name of await files.list(directory)) {
    const number = /^(\d+)\.tomb$/.exec(name)?.[1];
    if (number === undefined) await files.unlink(join(directory, name));
    else numbers.push(Number(number));
  }
  return numbers.sort((a, b) => a - b).map((number) => tombstonePath(directory, number));
}

export function tombstonePath(directory: string, number: number): string {
  return join(directory, `${number}.tomb`);
}

export function tombstoneNumber(path: string): number {
  return Number(/(\d+)\.tomb$/.exec(path)?.[1] ?? 0);
}
