/** The head as a file, for searches: made when a search comes and rows have arrived since the last
 *  one, never fsynced, replaced as a whole. While it is being searched it costs the encoder at most
 *  half of its time: the next one waits as long as the last one took. */

import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { DataFile, FileDamage } from './manifest.ts';

export interface FreshFileDeps {
  readonly directory: string;
  readonly clock: Clock;
  /** Undefined when there is nothing to search in it. */
  readonly encode: (path: string) => Promise<DataFile | undefined>;
  /** The file is of no use any more. */
  readonly discard: (file: DataFile) => void;
}

export class FreshFile {
  readonly #deps: FreshFileDeps;
  #current: DataFile | undefined;
  #number = 0;
  #run: Promise<void> | undefined;
  #notBeforeMs = 0;

  constructor(deps: FreshFileDeps) {
    this.#deps = deps;
  }

  get current(): DataFile | undefined {
    return this.#current;
  }

  /** Makes a new one, or waits for one that is being made. */
  async renew(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#run === undefined) {
      const waitMs = this.#notBeforeMs - this.#deps.clock.monotonicMs();
      if (waitMs > 0) await this.#deps.clock.sleep(waitMs, signal ?? new AbortController().signal);
      this.#run ??= this.#encode().finally(() => {
        this.#run = undefined;
      });
    }
    await this.#run;
    signal?.throwIfAborted();
  }

  spoil(path: string, damage: FileDamage | undefined): void {
    if (this.#current?.path === path) this.#current = { ...this.#current, damage };
  }

  drop(): void {
    if (this.#current !== undefined) this.#deps.discard(this.#current);
    this.#current = undefined;
  }

  async #encode(): Promise<void> {
    const { clock, encode, directory } = this.#deps;
    const startMs = clock.monotonicMs();
    const file = await encode(join(directory, `${++this.#number}.parquet`));
    const endMs = clock.monotonicMs();
    this.#notBeforeMs = endMs + (endMs - startMs);
    if (file === undefined) return;
    this.drop();
    this.#current = file;
  }
}
