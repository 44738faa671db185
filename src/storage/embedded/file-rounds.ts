/** Verifies every data file once a day, newest first, at a leisurely pace: what a disk has damaged is
 *  found before somebody asks for it, also under a process that runs for months. */

import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { FileSet } from './file-set.ts';
import type { DataFile } from './manifest.ts';
import type { VerifiedFiles } from './query/verified-files.ts';

const ROUND_MS = 24 * 3_600_000;
/** A start has better things to do. */
const BEGIN_MS = 10_000;
/** Between looks for something to do. */
const IDLE_MS = 30_000;
/** Of the time, while there are files to verify: a core reads about a gigabyte in a second. */
const SHARE = 1 / 20;
/** A flush is part of a segment before it is older, in a store that is written to. */
const YOUNG_MS = 600_000;

interface Store {
  readonly files: Pick<FileSet, 'all' | 'pin'>;
}

export interface FileRoundsDeps {
  readonly verified: Pick<VerifiedFiles, 'verifyWhole' | 'wholeAtMs' | 'retain'>;
  readonly stores: () => readonly Store[];
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Visit {
  readonly store: Store;
  readonly file: DataFile;
}

export class FileRounds {
  readonly #deps: FileRoundsDeps;
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;

  constructor(deps: FileRoundsDeps) {
    this.#deps = deps;
    this.#run = this.#goOn().catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      deps.logger.error({ error: messageOf(error) }, 'data files are not verified any more');
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }

  async #goOn(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#stop;
    await clock.sleep(BEGIN_MS, signal);
    for (;;) {
      this.#forget();
      for (let visit = this.#next(); visit !== undefined; visit = this.#next()) {
        const startMs = clock.monotonicMs();
        if (!(await this.#verify(visit))) break;
        await clock.sleep((clock.monotonicMs() - startMs) * (1 / SHARE - 1), signal);
      }
      await clock.sleep(IDLE_MS, signal);
    }
  }

  /** Of files that no answer was made of before the newest, then those whose turn was longest ago. */
  #next(): Visit | undefined {
    const { clock, verified, stores } = this.#deps;
    const nowMs = clock.nowMs();
    const dueMs = clock.monotonicMs() - ROUND_MS;
    const due = stores()
      .flatMap((store) => store.files.all.map((file) => ({ store, file })))
      .filter(({ file }) => file.kind !== 'flush' || nowMs - (file.writtenAtMs ?? 0) > YOUNG_MS)
      .map((visit) => ({ ...visit, atMs: verified.wholeAtMs(visit.file) ?? -Infinity }))
      .filter(({ atMs }) => atMs < dueMs);
    return due.toSorted((a, b) => byTurn(a.atMs, b.atMs) || newestFirst(a.file, b.file))[0];
  }

  /** False when it is of no use to go on now. */
  async #verify({ store, file }: Visit): Promise<boolean> {
    const { verified, logger } = this.#deps;
    const { signal } = this.#stop;
    const release = store.files.pin([file]);
    try {
      await verified.verifyWhole(file, signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      logger.debug({ path: file.path, error: messageOf(error) }, 'a file was not verified');
      return false;
    } finally {
      release();
    }
  }

  #forget(): void {
    const { verified, stores } = this.#deps;
    verified.retain(stores().flatMap((store) => store.files.all));
  }
}

/** -Infinity minus itself is no number. */
function byTurn(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

function newestFirst(a: DataFile, b: DataFile): number {
  return a.maxStartNano > b.maxStartNano ? -1 : 1;
}
