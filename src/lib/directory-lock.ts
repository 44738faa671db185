/** One process at a time in a directory. Node has no file locks, so `LOCK` names its owner:
 *  host, process id, and when that process started, since ids are given out again. An owner on
 *  another host cannot be asked; it touches the file while it lives. */

import { execFile } from 'node:child_process';
import { link, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from './clock.ts';
import { SpoorError, systemCodeOf } from './errors.ts';

/** It belongs to another process, or that cannot be told. */
export class DirectoryLockError extends SpoorError<'in_use'> {
  constructor(message: string, hint: string) {
    super('in_use', message, { hint });
    this.name = 'DirectoryLockError';
  }
}

/** The calls to the disk, an argument so that tests make them fail. */
export interface LockFiles {
  read(path: string): Promise<Uint8Array>;
  write(path: string, content: string, flags: 'w' | 'wx'): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A second name; fails when it is taken. */
  link(from: string, to: string): Promise<void>;
  /** Nothing happens when it is not there. */
  unlink(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<{ readonly modifiedMs: number } | undefined>;
  touch(path: string): Promise<void>;
}

export const realLockFiles: LockFiles = {
  read: (path) => readFile(path),
  write: (path, content, flags) => writeFile(path, content, { flag: flags }),
  rename,
  link,
  unlink: (path) => rm(path, { force: true }),
  list: (path) => readdir(path),
  stat: async (path) => ({ modifiedMs: (await stat(path)).mtimeMs }),
  touch: (path) => utimes(path, new Date(), new Date()),
};

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** When the process started, as its system tells; '' where it does not. */
  readonly started: string;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

const TOUCH_MS = 5000;
/** A lock of another host that nobody touched for so long belongs to nobody. */
const FOREIGN_STALE_MS = 20_000;
const ATTEMPTS = 5;

export interface LockDeps {
  readonly clock: Clock;
  readonly files: LockFiles;
}

export async function lockDirectory(directory: string, deps: LockDeps): Promise<DirectoryLock> {
  const { files } = deps;
  const path = join(directory, 'LOCK');
  const own = JSON.stringify(await describeProcess(process.pid));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // What nobody holds goes first: on a full disk the new one needs its room.
    const found = await readText(files, path);
    if (found !== undefined) {
      const owner = ownerOf(found);
      if (owner !== undefined && (await isAlive(owner, path, deps))) throw inUse(directory, owner);
      await removeStale(files, path, found);
    }
    if (await create(files, path, own)) {
      await removeLeftovers(files, directory);
      return hold(path, own, deps);
    }
  }
  throw new DirectoryLockError(
    `${directory}: the file LOCK cannot be taken`,
    `remove ${path} if no other process uses the directory`,
  );
}

function inUse(directory: string, owner: Owner): DirectoryLockError {
  const where = owner.host === hostname() ? '' : ` on ${owner.host}`;
  return new DirectoryLockError(
    `${directory} is in use by process ${owner.pid}${where}`,
    'stop that process, or give this one a directory of its own',
  );
}

function hold(path: string, own: string, { clock, files }: LockDeps): DirectoryLock {
  const touch = clock.every(TOUCH_MS, () => {
    files.touch(path).catch(() => {});
  });
  return {
    release: async () => {
      touch.cancel();
      if ((await readText(files, path)) === own) await files.unlink(path);
    },
  };
}

/** Of processes that ended while they tried. One that is trying now finds the lock taken anyway. */
async function removeLeftovers(files: LockFiles, directory: string): Promise<void> {
  for (const name of await files.list(directory)) {
    if (/^LOCK\.\d+\.(tmp|stale)$/.test(name)) await files.unlink(join(directory, name));
  }
}

async function readText(files: LockFiles, path: string): Promise<string | undefined> {
  const bytes = await files.read(path).catch(() => undefined);
  return bytes && new TextDecoder().decode(bytes);
}

/** True when the file was not there and now is, with its content: a link appears at once. */
async function create(files: LockFiles, path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await files.write(temporary, content, 'w');
    return await linkOrCreate(files, path, { temporary, content });
  } finally {
    await files.unlink(temporary);
  }
}

async function linkOrCreate(
  files: LockFiles,
  path: string,
  { temporary, content }: { temporary: string; content: string },
): Promise<boolean> {
  try {
    await files.link(temporary, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    return createWithoutLink(files, path, content);
  }
}

/** For file systems without hard links. */
async function createWithoutLink(
  files: LockFiles,
  path: string,
  content: string,
): Promise<boolean> {
  try {
    await files.write(path, content, 'wx');
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the lock aside and looks at it again: another process may have replaced it meanwhile. */
async function removeStale(files: LockFiles, path: string, judged: string): Promise<void> {
  const aside = `${path}.${process.pid}.stale`;
  try {
    await files.rename(path, aside);
  } catch {
    return;
  }
  const moved = await readText(files, aside);
  if (moved !== judged) await files.link(aside, path).catch(() => {});
  await files.unlink(aside);
}

function ownerOf(content: string): Owner | undefined {
  try {
    const parsed: unknown = JSON.parse(content);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const { host, pid, started }: Partial<Record<keyof Owner, unknown>> = parsed;
    if (typeof host !== 'string' || typeof pid !== 'number') return undefined;
    return { host, pid, started: typeof started === 'string' ? started : '' };
  } catch {
    return undefined;
  }
}

async function isAlive(owner: Owner, path: string, { files }: LockDeps): Promise<boolean> {
  if (owner.host !== hostname()) {
    const touched = await files.stat(path).catch(() => undefined);
    return touched !== undefined && Date.now() - touched.modifiedMs < FOREIGN_STALE_MS;
  }
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it is there and not ours.
    if (systemCodeOf(error) !== 'EPERM') return false;
  }
  const { started } = await describeProcess(owner.pid);
  return started === owner.started;
}

async function describeProcess(pid: number): Promise<Owner> {
  return { host: hostname(), pid, started: await startOf(pid) };
}

async function startOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') {
      const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
      const fields = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The command's name may hold spaces: count from its closing bracket. Field 22 is the start.
      const start = fields.slice(fields.lastIndexOf(')') + 2).split(' ')[19];
      return `${boot.trim()} ${start}`;
    }
    if (process.platform === 'win32') return '';
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return stdout.trim();
  } catch {
    return '';
  }
}
