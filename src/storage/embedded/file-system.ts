/** The few calls through which the store changes its directory. A seam and no more: tests put one in
 *  front that fails at the k-th call, tears a write or forgets what was not synced, and thereby every
 *  way a disk can fail gets a case. The encoder's thread has the same seam: what starts the thread is
 *  an argument (`startWorker`), so a test does its work on the test's own file system, and the program
 *  itself has no switch for tests.
 *
 *  Indices, Parquet files and days are also read past it, synchronously and piece by piece, each
 *  piece against its checksum: what a disk can do to these is done to their bytes in tests. */

import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, systemCodeOf } from '../../lib/errors.ts';
import { StorageError } from '../contract.ts';

export interface FileStat {
  readonly bytes: number;
  readonly modifiedMs: number;
}

export interface FileSystem {
  /** `mode` as of a new file, rw-r--r-- unless told. */
  open(path: string, flags: 'r' | 'w' | 'wx', mode?: number): Promise<number>;
  /** Bytes written, perhaps fewer than asked. */
  writev(fd: number, parts: readonly Uint8Array[], position: number): Promise<number>;
  datasync(fd: number): Promise<void>;
  truncate(fd: number, bytes: number): Promise<void>;
  close(fd: number): Promise<void>;
  read(path: string): Promise<Uint8Array>;
  rename(from: string, to: string): Promise<void>;
  /** A second name; fails when it is taken. */
  link(from: string, to: string): Promise<void>;
  /** Nothing happens when it is not there. */
  unlink(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Names, sorted; none when the directory is not there. */
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<FileStat | undefined>;
  /** It was modified now. */
  touch(path: string): Promise<void>;
  /** Makes names that appeared or vanished in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const fdatasync = promisify(fs.fdatasync);
const fsync = promisify(fs.fsync);
const ftruncate = promisify(fs.ftruncate);

export const realFileSystem: FileSystem = {
  open: (path, flags, mode = 0o644) => open(path, flags, mode),
  writev: (fd, parts, position) =>
    new Promise((resolve, reject) => {
      fs.writev(fd, [...parts], position, (error, written) => {
        if (error) reject(error);
        else resolve(written);
      });
    }),
  datasync: (fd) => fdatasync(fd),
  truncate: (fd, bytes) => ftruncate(fd, bytes),
  close: (fd) => close(fd),
  read: (path) => fs.promises.readFile(path),
  rename: (from, to) => fs.promises.rename(from, to),
  link: (from, to) => fs.promises.link(from, to),
  unlink: (path) => fs.promises.rm(path, { force: true }),
  makeDirectory: async (path) => void (await fs.promises.mkdir(path, { recursive: true })),
  list: async (path) => {
    try {
      return (await fs.promises.readdir(path)).sort();
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return [];
      throw error;
    }
  },
  stat: async (path) => {
    try {
      const { size, mtimeMs } = await fs.promises.stat(path);
      return { bytes: size, modifiedMs: mtimeMs };
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  },
  touch: (path) => {
    const now = new Date();
    return fs.promises.utimes(path, now, now);
  },
  syncDirectory: async (path) => {
    // Windows opens no directories; its file systems journal names by themselves.
    if (process.platform === 'win32') return;
    const fd = await open(path, 'r');
    try {
      await fsync(fd);
    } finally {
      await close(fd);
    }
  },
};

/** Writes all parts at `position`, however little each call takes. */
export async function writeAll(
  files: FileSystem,
  fd: number,
  { parts, position }: { parts: readonly Uint8Array[]; position: number },
): Promise<number> {
  let rest = parts.filter((part) => part.length > 0);
  let at = position;
  while (rest.length > 0) {
    let written = await files.writev(fd, rest, at);
    if (written <= 0) throw new Error('the disk takes no more bytes');
    at += written;
    const left: Uint8Array[] = [];
    for (const part of rest) {
      if (written < part.length) left.push(part.subarray(written));
      written = Math.max(0, written - part.length);
    }
    rest = left;
  }
  return at;
}

/** Makes a directory and what is missing above it, so that a crash does not take it away with what
 *  is in it. */
export async function makeDurableDirectory(files: FileSystem, path: string): Promise<void> {
  if ((await files.stat(path)) !== undefined) return;
  const parent = dirname(path);
  if (parent !== path) await makeDurableDirectory(files, parent);
  await files.makeDirectory(path);
  await files.syncDirectory(parent);
}

/** What a crash may leave of `replaceFile`. */
export function temporaryPath(path: string): string {
  return `${path}.tmp`;
}

/** Replaces a file so that after a crash it is there whole, old or new. */
export async function replaceFile(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = temporaryPath(path);
  const fd = await files.open(temporary, 'w');
  try {
    await writeAll(files, fd, { parts: [bytes], position: 0 });
    await files.datasync(fd);
  } finally {
    await files.close(fd);
  }
  await files.rename(temporary, path);
  await files.syncDirectory(dirname(path));
}

/** What a failed write means for who asked for it. */
export function writeError(what: string, cause: unknown): StorageError {
  const code = systemCodeOf(cause);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new StorageError(isFull ? 'full' : 'unavailable', `${what}: ${messageOf(cause)}`, {
    cause,
    retryable: true,
    retryAfterMs: isFull ? 5000 : 1000,
    hint: isFull ? 'free space on the disk of the data directory' : 'check the disk',
  });
}
