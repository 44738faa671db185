/** The few calls through which the engine touches the disk. A seam and no more: tests put one in
 *  front that fails at the k-th call, and thereby every way a disk can fail gets a case. */

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
  open(path: string, flags: 'r' | 'w' | 'wx'): Promise<number>;
  /** Bytes written, perhaps fewer than asked. */
  writev(fd: number, parts: readonly Uint8Array[], position: number): Promise<number>;
  datasync(fd: number): Promise<void>;
  truncate(fd: number, bytes: number): Promise<void>;
  close(fd: number): Promise<void>;
  read(path: string): Promise<Uint8Array>;
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens when it is not there. */
  unlink(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Names, sorted; none when the directory is not there. */
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<FileStat | undefined>;
  /** Makes names that appeared or vanished in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const fdatasync = promisify(fs.fdatasync);
const fsync = promisify(fs.fsync);
const ftruncate = promisify(fs.ftruncate);

export const realFileSystem: FileSystem = {
  open: (path, flags) => open(path, flags, 0o644),
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

/** Replaces a file so that after a crash it is there whole, old or new. */
export async function replaceFile(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = `${path}.tmp`;
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
