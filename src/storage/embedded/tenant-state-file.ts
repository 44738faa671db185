/** Keeps `catalogue.json` as new as the data files. Without it lists are shorter after a restart,
 *  nothing is lost. One writes it at a time. */

import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Catalogue } from './catalogue.ts';
import { type FileSystem, replaceFile } from './file-system.ts';
import { encodeTenantState, type TenantState } from './tenant-state.ts';

interface StateFileDeps {
  readonly files: FileSystem;
  readonly logger: Logger;
}

export class TenantStateFile {
  readonly #deps: StateFileDeps;
  readonly #path: string;
  readonly #catalogue: Catalogue;
  #saving: Promise<void> = Promise.resolve();

  constructor(deps: StateFileDeps, path: string, catalogue: Catalogue) {
    this.#deps = deps;
    this.#path = path;
    this.#catalogue = catalogue;
  }

  /** Writes it when the catalogue has changed. */
  save(numbers: () => Omit<TenantState, 'catalogue'>): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveNow(numbers));
    return this.#saving;
  }

  async #saveNow(numbers: () => Omit<TenantState, 'catalogue'>): Promise<void> {
    if (!this.#catalogue.isDirty) return;
    const state = { ...numbers(), catalogue: this.#catalogue.takeState() };
    try {
      await replaceFile(this.#deps.files, this.#path, encodeTenantState(state));
    } catch (error) {
      this.#catalogue.markDirty();
      this.#deps.logger.warn({ error: messageOf(error) }, 'the catalogue cannot be written');
    }
  }
}
