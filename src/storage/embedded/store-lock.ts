/** The lock of the store's directory, taken through its file system. */

import type { Clock } from '../../lib/clock.ts';
import {
  type DirectoryLock,
  DirectoryLockError,
  lockDirectory,
  type LockFiles,
} from '../../lib/directory-lock.ts';
import { StorageError } from '../contract.ts';
import { type FileSystem, writeAll } from './file-system.ts';

/** Throws StorageError 'unusable' when another process has it. */
export async function lockStore(
  root: string,
  { clock, files }: { readonly clock: Clock; readonly files: FileSystem },
): Promise<DirectoryLock> {
  try {
    return await lockDirectory(root, { clock, files: lockFiles(files) });
  } catch (cause) {
    if (!(cause instanceof DirectoryLockError)) throw cause;
    throw new StorageError('unusable', cause.message, { cause, hint: cause.hint });
  }
}

function lockFiles(files: FileSystem): LockFiles {
  return {
    read: (path) => files.read(path),
    write: async (path, content, flags) => {
      const fd = await files.open(path, flags);
      try {
        await writeAll(files, fd, { parts: [new TextEncoder().encode(content)], position: 0 });
      } finally {
        await files.close(fd);
      }
    },
    rename: (from, to) => files.rename(from, to),
    link: (from, to) => files.link(from, to),
    unlink: (path) => files.unlink(path),
    list: (path) => files.list(path),
    stat: (path) => files.stat(path),
    touch: (path) => files.touch(path),
  };
}
