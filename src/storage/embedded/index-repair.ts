/** Has damaged indices made again from their Parquet files, in the encoder's thread. Until then reads
 *  look into every row group of the file, so a damaged index costs time and no answer. */

import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { SegmentEncoder } from './encoder-port.ts';
import type { FileSet } from './file-set.ts';
import type { HashSeed } from './identity.ts';
import type { DataFile } from './manifest.ts';

export interface IndexRepairDeps {
  readonly tenant: string;
  readonly hashSeed: HashSeed;
  readonly encoder: SegmentEncoder;
  readonly files: FileSet;
  readonly logger: Logger;
}

export class IndexRepair {
  readonly #deps: IndexRepairDeps;
  /** Being looked at, or of no hope: each is told once. */
  readonly #known = new Map<string, Promise<boolean>>();
  readonly #problems = new Map<DataFile, string>();
  #repaired = 0;

  constructor(deps: IndexRepairDeps) {
    this.#deps = deps;
  }

  /** Indices that were made again since start. */
  get repaired(): number {
    return this.#repaired;
  }

  /** Indices that were found damaged since start. */
  get damaged(): number {
    return this.#repaired + this.#problems.size;
  }

  /** What cannot be repaired, for people: of files that are still there. */
  get problems(): readonly string[] {
    const { files } = this.#deps;
    return [...this.#problems].filter(([file]) => files.has(file)).map(([, problem]) => problem);
  }

  /** Does nothing for an index that is as it was written. Resolves with true when it was not, and is
   *  now. Never rejects. */
  repair(file: DataFile): Promise<boolean> {
    const known = this.#known.get(file.path);
    if (known !== undefined) return known;
    const repair = this.#repair(file);
    this.#known.set(file.path, repair);
    return repair;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#known.values());
  }

  async #repair(file: DataFile): Promise<boolean> {
    const { tenant, encoder, files, logger } = this.#deps;
    const { path } = file;
    const release = files.pin([file]);
    try {
      const renewed = await encoder.reindex(file, this.#deps.hashSeed);
      this.#known.delete(path);
      if (renewed === undefined) return false;
      files.renew(renewed);
      this.#repaired++;
      logger.warn({ tenant, path }, 'the index was damaged and has been made again');
      return true;
    } catch (error) {
      const problem = `the index of ${path} is damaged: ${messageOf(error)}`;
      if (files.has(file)) this.#problems.set(file, problem);
      logger.error({ tenant, path, error: messageOf(error) }, 'a damaged index stays as it is');
      return false;
    } finally {
      release();
    }
  }
}
