/** Makes segments of a tenant's flushes, one after another, as long as it is time to. */

import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { StorageError } from '../contract.ts';
import type { TenantDirectory } from './directory.ts';
import type { SegmentEncoder } from './encoder-port.ts';
import type { FileSet } from './file-set.ts';
import type { FileSystem } from './file-system.ts';
import type { IndexRepair } from './index-repair.ts';
import { type DataFile, indexPathOf } from './manifest.ts';
import { nextStitch } from './stitch-policy.ts';

export interface StitchingDeps {
  readonly tenant: string;
  readonly directory: TenantDirectory;
  readonly disk: FileSystem;
  readonly files: FileSet;
  readonly encoder: SegmentEncoder;
  readonly repairs: IndexRepair;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stitchRowGroups: number;
  /** The files that retention does not take just now. */
  readonly staying: () => readonly DataFile[];
  /** False while files must stay as they are. */
  readonly mayStart: () => boolean;
}

/** A stitch that failed reads as much again. */
const RETRY_MS = 300_000;

export class Stitching {
  readonly #deps: StitchingDeps;
  #run: Promise<void> | undefined;
  #notBeforeMs = 0;
  #repeatedRows = 0;

  constructor(deps: StitchingDeps) {
    this.#deps = deps;
  }

  /** Rows found since start that repeat others of their segment. */
  get repeatedRows(): number {
    return this.#repeatedRows;
  }

  start(): void {
    this.#run ??= this.#stitchAll().finally(() => {
      this.#run = undefined;
    });
  }

  async settled(): Promise<void> {
    await this.#run;
  }

  async #stitchAll(): Promise<void> {
    const { files, clock, stitchRowGroups, staying, mayStart } = this.#deps;
    while (mayStart() && clock.nowMs() >= this.#notBeforeMs) {
      const limits = { rowGroups: stitchRowGroups, nowMs: clock.nowMs() };
      const inputs = nextStitch(staying(), limits);
      if (inputs.length === 0) return;
      const release = files.pin(inputs);
      try {
        await this.#stitch(inputs);
      } finally {
        release();
      }
    }
  }

  async #stitch(inputs: readonly DataFile[]): Promise<void> {
    const { tenant, directory, disk, files, encoder, clock, logger } = this.#deps;
    const path = join(directory.segments, `${inputs[0]?.from}-${inputs.at(-1)?.to}.parquet`);
    try {
      const output = await encoder.stitch(inputs, path);
      // Retention may have taken inputs meanwhile; then the stitched file says too much.
      if (!inputs.every((file) => files.has(file))) return files.discard(output);
      files.replace(inputs, output);
      this.#repeatedRows += output.index?.header.repeatedRows ?? 0;
    } catch (error) {
      await disk.unlink(path).catch(() => {});
      await disk.unlink(indexPathOf(path)).catch(() => {});
      if (await this.#repairAny(inputs, error)) return;
      logger.error({ tenant, error: messageOf(error) }, 'stitching failed');
      this.#notBeforeMs = clock.nowMs() + RETRY_MS;
    }
  }

  /** True when an index was the reason, and is whole now. */
  async #repairAny(inputs: readonly DataFile[], error: unknown): Promise<boolean> {
    if (!(error instanceof StorageError) || error.code !== 'damaged') return false;
    const repaired = await Promise.all(inputs.map((file) => this.#deps.repairs.repair(file)));
    return repaired.includes(true);
  }
}
