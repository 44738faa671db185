/** A copy of a store that may be in use, which opens as a store of its own and holds everything that
 *  had been acknowledged when the copying began.
 *
 *  Rows only ever move from the log to files, and from files to larger ones. So what names things goes
 *  first (catalogue, tombstones), then the log, then the files: a log that vanished before it was
 *  copied left its rows in files that are listed after. Data files never change under their name; when
 *  one vanishes, its successor is in the next listing, and the copying goes round again. Done again
 *  into the same place it copies what is new and removes what is gone. */

import { constants } from 'node:fs';
import {
  copyFile,
  link,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { StorageError } from '../../contract.ts';
import { indexPathOf } from '../manifest.ts';
import { realFileSystem } from '../file-system.ts';
import { type Inventory, readInventory } from './inventory.ts';
import { unlessGone } from './unless-gone.ts';

export interface BackupOptions {
  readonly source: string;
  readonly target: string;
  /** Share the bytes of data files with the source instead of copying them: at once, on the same disk
   *  only, and no help when that disk dies. */
  readonly isLinked: boolean;
  readonly onProgress: (progress: BackupProgress) => void;
}

export interface BackupProgress {
  readonly files: number;
  readonly wantedFiles: number;
  readonly bytes: number;
}

const ROUNDS_MAX = 20;
/** Says of the copy whether it is whole. */
const MARK = 'backup.json';

export async function backUp(options: BackupOptions): Promise<BackupProgress> {
  return new Backup(options).run();
}

class Backup {
  readonly #options: BackupOptions;
  readonly #source: string;
  readonly #target: string;
  #files = 0;
  #wanted = 0;
  #bytes = 0;

  constructor(options: BackupOptions) {
    this.#options = options;
    this.#source = resolve(options.source);
    this.#target = resolve(options.target);
    const inside = relative(this.#source, this.#target);
    if (!inside.startsWith('..') && resolve(inside) !== inside) {
      throw new StorageError(
        'invalid',
        `${this.#target} lies in the directory it would be a copy of`,
      );
    }
  }

  async run(): Promise<BackupProgress> {
    const startedAt = new Date().toISOString();
    const inventory = await readInventory(this.#source);
    await this.#begin(inventory, startedAt);
    await this.#copyNames(inventory);
    await this.#copyLog();
    const kept = await this.#copyFiles();
    await this.#removeOthers(kept);
    await this.#mark({ startedAt, source: this.#source, finishedAt: new Date().toISOString() });
    return this.#progress();
  }

  /** Never over a store that is no copy: what is there would be removed. */
  async #begin({ format }: Inventory, startedAt: string): Promise<void> {
    await mkdir(this.#target, { recursive: true });
    const names = await realFileSystem.list(this.#target);
    if (names.length > 0 && !names.includes(MARK)) {
      throw new StorageError('invalid', `${this.#target} is not empty, and no backup`, {
        hint: 'give a directory that is new or holds an earlier backup',
      });
    }
    const before = await unlessGone(() => readFile(this.#at(format), 'utf8'));
    if (before !== undefined && before !== (await readFile(format, 'utf8'))) {
      throw new StorageError('invalid', `${this.#target} holds a backup of another store`, {
        hint: 'give another directory',
      });
    }
    await this.#mark({ startedAt, source: this.#source });
    await this.#copy(format);
  }

  async #copyNames({ tenants }: Inventory): Promise<void> {
    for (const { directory, tombstones } of tenants) {
      await rm(this.#at(directory.tombstones), { recursive: true, force: true });
      for (const path of [directory.catalogue, ...tombstones]) {
        await unlessGone(() => this.#copy(path));
      }
    }
  }

  /** What is behind the last whole record of a file was not acknowledged when its copying began. */
  async #copyLog(): Promise<void> {
    const { wal } = await readInventory(this.#source);
    await rm(join(this.#target, 'wal'), { recursive: true, force: true });
    await mkdir(join(this.#target, 'wal'), { recursive: true });
    for (const path of wal) await unlessGone(() => this.#copy(path));
  }

  /** Returns what the copy is to hold, by paths in the source. */
  async #copyFiles(): Promise<ReadonlySet<string>> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const inventory = await readInventory(this.#source);
      const paths = inventory.tenants.flatMap(({ files }) =>
        files.flatMap(({ path }) => [indexPathOf(path), path]),
      );
      const others = inventory.tenants.flatMap(({ spentIndexes, red }) => [
        ...spentIndexes,
        ...red,
      ]);
      this.#wanted = paths.length;
      this.#files = 0;
      let isWhole = true;
      for (const path of paths) {
        const isCopied = await unlessGone(() => this.#copyOnce(path));
        // A file whose index was lost is a file all the same.
        if (isCopied === undefined && path.endsWith('.parquet')) isWhole = false;
        this.#files++;
        this.#options.onProgress(this.#progress());
      }
      for (const path of others) await unlessGone(() => this.#copy(path));
      if (isWhole) return new Set([...paths, ...others]);
    }
    throw new StorageError('unavailable', 'files vanish faster than they can be copied', {
      retryable: true,
      hint: 'do it again: what has been copied is kept',
    });
  }

  /** Data files do not change under their name. A copy gets its name when it is whole. */
  async #copyOnce(path: string): Promise<true> {
    const { size } = await stat(path);
    const there = await unlessGone(() => stat(this.#at(path)));
    if (there?.size === size) return true;
    if (!this.#options.isLinked) {
      await this.#copy(path);
      return true;
    }
    const to = this.#at(path);
    await mkdir(dirname(to), { recursive: true });
    await rm(to, { force: true });
    await link(path, to);
    this.#bytes += size;
    return true;
  }

  async #copy(path: string): Promise<true> {
    const to = this.#at(path);
    const temporary = `${to}.tmp`;
    await mkdir(dirname(to), { recursive: true });
    await copyFile(path, temporary, constants.COPYFILE_FICLONE);
    const file = await open(temporary, 'r+');
    try {
      await file.datasync();
      this.#bytes += (await file.stat()).size;
    } finally {
      await file.close();
    }
    await rename(temporary, to);
    return true;
  }

  async #removeOthers(kept: ReadonlySet<string>): Promise<void> {
    const { tenants } = await readInventory(this.#target);
    const folders = tenants.flatMap(({ directory }) => [
      directory.segments,
      join(directory.root, 'red'),
    ]);
    for (const folder of folders) {
      for (const name of await realFileSystem.list(folder)) {
        const source = join(this.#source, relative(this.#target, join(folder, name)));
        if (!kept.has(source)) await rm(join(folder, name), { force: true });
      }
      await unlessGone(() => realFileSystem.syncDirectory(folder));
    }
    await realFileSystem.syncDirectory(join(this.#target, 'wal'));
  }

  async #mark(content: object): Promise<void> {
    const path = join(this.#target, MARK);
    await writeFile(`${path}.tmp`, `${JSON.stringify(content)}\n`, { flush: true });
    await rename(`${path}.tmp`, path);
    await realFileSystem.syncDirectory(this.#target);
  }

  #at(path: string): string {
    return this.#target + sep + relative(this.#source, path);
  }

  #progress(): BackupProgress {
    return { files: this.#files, wantedFiles: this.#wanted, bytes: this.#bytes };
  }
}
