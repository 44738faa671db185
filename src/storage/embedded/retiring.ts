/** Data files on their way out: retention has decided that they go, and first their rates, errors and
 *  durations are kept. Meanwhile they are read as ever and become part of no segment, so that what
 *  a day has counted never comes back under another name. */

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { messageOf } from '../../lib/errors.ts';
import type { FileSet } from './file-set.ts';
import type { IndexRepair } from './index-repair.ts';
import type { DataFile } from './manifest.ts';
import type { RollupLimits, Rollups } from './red/rollups.ts';

export interface RetiringDeps {
  readonly rollups: Rollups;
  readonly limits: RollupLimits;
  readonly files: FileSet;
  readonly repairs: Pick<IndexRepair, 'repair'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves when no stitch is under way that began before. */
  readonly stitched: () => Promise<void>;
  /** Keeps what only this file says; rejects when that cannot be. */
  readonly remember: (file: DataFile) => Promise<void>;
}

export class Retiring {
  readonly #deps: RetiringDeps;
  /** By path: a file is another object when something is hidden in it. */
  readonly #runs = new Map<string, Promise<void>>();

  constructor(deps: RetiringDeps) {
    this.#deps = deps;
  }

  /** The files that stay. */
  get others(): readonly DataFile[] {
    return this.#deps.files.all.filter(({ path }) => !this.#runs.has(path));
  }

  /** Finishes what a crash interrupted. */
  resume(): void {
    const { files, rollups } = this.#deps;
    for (const file of files.all) if (rollups.hasBegun(file)) this.take(file);
  }

  take(file: DataFile): void {
    if (this.#runs.has(file.path)) return;
    const run = this.#take(file)
      .catch((error: unknown) => {
        const { logger } = this.#deps;
        logger.error({ path: file.path, error: messageOf(error) }, 'retention failed');
      })
      .finally(() => this.#runs.delete(file.path));
    this.#runs.set(file.path, run);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#runs.values());
  }

  /** A damaged index is made again first: it is what is left to count the spans by. */
  async #withRollup(file: DataFile): Promise<DataFile> {
    const { files, repairs } = this.#deps;
    if (hasRollup(file) || !(await repairs.repair(file))) return file;
    return files.all.find(({ path }) => path === file.path) ?? file;
  }

  async #take(file: DataFile): Promise<void> {
    const { rollups, limits, files, clock, stitched, remember } = this.#deps;
    await stitched();
    // Its rows are in a segment now, which goes when its time has come.
    if (!files.has(file)) return;
    const whole = await this.#withRollup(file);
    await rollups.absorb(whole, { ...limits, nowMs: clock.nowMs() });
    await remember(whole);
    files.remove(whole);
  }
}

function hasRollup({ index }: DataFile): boolean {
  try {
    return index?.red() !== undefined;
  } catch {
    return false;
  }
}
