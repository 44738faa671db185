/** Reading the write-ahead log back at start: every file in the order it was written. */

import { join } from 'node:path';
import { StorageError } from '../../contract.ts';
import type { FileSystem } from '../file-system.ts';
import { readRecords, type WalRecord } from './record.ts';
import type { WalFile } from './wal.ts';

export interface ReplayedFile {
  readonly file: WalFile;
  readonly records: readonly WalRecord[];
  readonly damagedBytes: number;
  readonly tornBytes: number;
}

/** File numbers in the directory, ascending. */
export async function listWal(files: FileSystem, directory: string): Promise<number[]> {
  const names = await files.list(directory);
  return names
    .map((name) => /^(\d+)\.wal$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

export interface ReplayOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly salt: number;
}

export async function replayFile(
  number: number,
  { files, directory, salt }: ReplayOptions,
): Promise<ReplayedFile> {
  const path = join(directory, `${number}.wal`);
  const bytes = await files.read(path);
  const content = readRecords(bytes, salt);
  if (content.newerVersion !== undefined) {
    throw new StorageError('unusable', `${path} has format ${content.newerVersion}`, {
      hint: 'it was written by a newer Spoor; start that one',
    });
  }
  const lastSeqs = new Map<string, number>();
  for (const { seq, batch } of content.records) lastSeqs.set(batch.tenant, seq);
  const { records, damagedBytes, tornBytes } = content;
  return { file: { path, bytes: bytes.length, lastSeqs }, records, damagedBytes, tornBytes };
}
