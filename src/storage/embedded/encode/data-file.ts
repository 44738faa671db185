/** Data files on the disk: a Parquet file and the index beside it. The index gets its name first, so
 *  a Parquet file that is there has one; both are durable before either has its name. */

import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../../lib/errors.ts';
import { StorageError } from '../../contract.ts';
import { type FileSystem, writeAll, writeError } from '../file-system.ts';
import { headerOf, openIndex } from '../index-file.ts';
import { type DataFile, indexPathOf } from '../manifest.ts';
import { footerBytes, readFooter, TRAILER_BYTES } from '../parquet/file.ts';
import type { Write } from '../parquet/stitch.ts';
import { columnOfName } from '../schema.ts';
import type { SegmentHeader, SegmentIndex } from '../segment-index.ts';
import { METADATA_KEY } from './file-builder.ts';

/** A file found at start, or just written. Its index is absent when that is damaged. Throws
 *  StorageError 'damaged' when the Parquet file is. */
export async function openDataFile(path: string, kind?: DataFile['kind']): Promise<DataFile> {
  const parquetBytes = await sizeOf(path);
  const index = openIndexOrNothing(indexPathOf(path));
  const header = index?.header ?? (await readParquetHeader(path));
  const columns = header.columns.map((name) => columnOfName(name));
  return {
    path,
    kind: kind ?? (header.from === header.to ? 'flush' : 'segment'),
    from: header.from,
    to: header.to,
    rows: header.rows,
    rowGroups: header.rowGroups,
    rowGroupRows: header.rowGroupRows,
    writtenAtMs: header.writtenAtMs,
    bytes: parquetBytes + (index?.bytes ?? 0),
    minStartNano: header.minStartNano,
    maxStartNano: header.maxStartNano,
    walTo: header.walTo,
    columns: columns.filter((column) => column !== undefined),
    textKeys: header.textKeys,
    index,
  };
}

/** Opens an index alone. Throws StorageError 'damaged'. */
export function readSegmentIndex(path: string): Promise<SegmentIndex> {
  return Promise.resolve().then(() => openIndex(path));
}

function openIndexOrNothing(path: string): SegmentIndex | undefined {
  try {
    return openIndex(path);
  } catch (error) {
    if (error instanceof StorageError && error.code === 'damaged') return undefined;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const file = await open(path, 'r');
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/** The header that the Parquet file's own metadata repeats. */
async function readParquetHeader(path: string): Promise<SegmentHeader> {
  try {
    const file = await open(path, 'r');
    try {
      return await headerFromFooter(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw damaged(path, cause);
  }
}

async function headerFromFooter(file: FileHandle): Promise<SegmentHeader> {
  const { size } = await file.stat();
  const trailer = await readAt(file, Math.max(0, size - TRAILER_BYTES), TRAILER_BYTES);
  const fromEnd = footerBytes(trailer);
  if (fromEnd === undefined || fromEnd > size) throw new RangeError('it has no footer');
  const { metadata, specs } = readFooter(await readAt(file, size - fromEnd, fromEnd));
  const facts = metadata[METADATA_KEY];
  if (facts === undefined) throw new RangeError('it was not written by spoor');
  const columns = specs.map(({ name }) => name);
  return headerOf({ ...JSON.parse(facts), columns, textKeys: {}, traces: 0, sections: {} });
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

function damaged(path: string, cause: unknown): StorageError {
  return new StorageError('damaged', `${path} cannot be read: ${messageOf(cause)}`, {
    cause,
    hint: 'check the disk; move the file away to start without its spans',
  });
}

export interface PublishOptions {
  readonly files: FileSystem;
  readonly path: string;
  /** False for files that a restart throws away. */
  readonly isDurable: boolean;
}

/** Writes both files under temporary names and gives them theirs. `build` writes the Parquet file
 *  and returns the index. What was begun is removed when something fails. */
export async function publishDataFile(
  { files, path, isDurable }: PublishOptions,
  build: (write: Write) => Promise<Uint8Array>,
): Promise<void> {
  const indexPath = indexPathOf(path);
  const temporary = [`${path}.tmp`, `${indexPath}.tmp`] as const;
  const writeOne = async (name: string, write: (write: Write) => Promise<void>): Promise<void> => {
    const fd = await files.open(name, 'w');
    try {
      let position = 0;
      await write(async (parts) => {
        position = await writeAll(files, fd, { parts, position });
      });
      if (isDurable) await files.datasync(fd);
    } finally {
      await files.close(fd);
    }
  };
  try {
    let index: Uint8Array | undefined;
    await writeOne(temporary[0], async (write) => {
      index = await build(write);
    });
    await writeOne(temporary[1], async (write) => {
      if (index !== undefined) await write([index]);
    });
    await files.rename(temporary[1], indexPath);
    await files.rename(temporary[0], path);
    if (isDurable) await files.syncDirectory(dirname(path));
  } catch (error) {
    for (const name of temporary) await files.unlink(name).catch(() => {});
    if (error instanceof StorageError) throw error;
    throw writeError(`${path} cannot be written`, error);
  }
}
