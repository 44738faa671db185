/** Keeps `catalogue.json` as new as the data files. Without it lists are shorter after a restart,
 *  nothing is lost. One writes it at a time. */

import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { StorageError } from '../contract.ts';
import type { Catalogue } from './catalogue.ts';
import type { FileSet } from './file-set.ts';
import { type FileSystem, replaceFile } from './file-system.ts';
import type { DataFile } from './manifest.ts';
import { encodeTenantState, type TenantState } from './tenant-state.ts';

export interface StateFileDeps {
  readonly path: string;
  readonly disk: FileSystem;
  readonly logger: Logger;
  readonly catalogue: Catalogue;
  readonly files: Pick<FileSet, 'all'>;
  readonly numbers: () => Omit<TenantState, 'catalogue'>;
}

export class TenantStateFile {
  readonly #deps: StateFileDeps;
  #saving: Promise<boolean> = Promise.resolve(true);

  constructor(deps: StateFileDeps) {
    this.#deps = deps;
  }

  /** Writes it when the catalogue has changed. False when that failed. */
  save(): Promise<boolean> {
    this.#saving = this.#saving.then(() => this.#saveNow());
    return this.#saving;
  }

  /** To be called before a file goes and leaves nothing behind: the newest one says which numbers of
   *  flushes and of the log have been used, and nothing may ever get them again. */
  async remember(file: DataFile): Promise<void> {
    const { catalogue, files } = this.#deps;
    if (files.all.at(-1)?.path !== file.path) return;
    catalogue.markDirty();
    if (await this.save()) return;
    throw new StorageError('unavailable', `${file.path} stays: the catalogue cannot be written`);
  }

  async #saveNow(): Promise<boolean> {
    const { path, disk, logger, catalogue, numbers } = this.#deps;
    if (!catalogue.isDirty) return true;
    const state = { ...numbers(), catalogue: catalogue.takeState() };
    try {
      await replaceFile(disk, path, encodeTenantState(state));
      return true;
    } catch (error) {
      catalogue.markDirty();
      logger.warn({ error: messageOf(error) }, 'the catalogue cannot be written');
      return false;
    }
  }
}
