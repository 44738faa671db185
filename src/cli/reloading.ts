/** Reads the configuration again when asked to, by SIGHUP or by a change of its files, and puts it in
 *  force when it is sound. Otherwise the one before goes on and the log says why. */
import type { Sources } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf, SpoorError } from '../lib/errors.ts';
import { FileWatch } from '../lib/file-watch.ts';
import type { Logger } from '../lib/logger.ts';
import { ackLines } from '../pipeline/acks.ts';
import { isEmpty, type Changes } from '../pipeline/diff.ts';
import type { Runtime } from '../pipeline/runtime.ts';
import type { Settings } from '../pipeline/settings.ts';
import { readConfiguration, type FilesRead } from './configuration.ts';

export interface Reloading {
  readonly sources: Sources;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** The settings in force. */
  readonly settings: Settings;
  readonly drainMaxMs: number;
  /** Called before new settings are put in force. */
  readonly onSettings: (settings: Settings) => void;
}

export class Reloader {
  readonly #with: Reloading;
  readonly #outcomes: ReturnType<typeof outcomesOf>;
  #settings: Settings;
  #watch: FileWatch | undefined;
  #files: FilesRead = new Map();
  #isRunning = false;
  #isAskedAgain = false;
  #isClosed = false;

  constructor(reloading: Reloading) {
    this.#with = reloading;
    this.#settings = reloading.settings;
    this.#outcomes = outcomesOf(reloading.runtime);
  }

  /** Reloads from now on whenever one of the files changes. */
  async watchFiles(files: FilesRead): Promise<void> {
    this.#files = files;
    this.#watch = new FileWatch({
      clock: systemClock,
      onChange: () => this.ask('a file of it has changed'),
    });
    await this.#watch.look(files);
    const { logger } = this.#with;
    if (files.size === 0) logger.warn({}, 'the configuration comes from no file, nothing to watch');
    else logger.info({ files: [...files.keys()] }, 'watching the configuration');
  }

  /** Asked while it is at it, it does it once more afterwards. */
  ask(because: string): void {
    if (this.#isClosed) return;
    this.#isAskedAgain = true;
    if (!this.#isRunning) void this.#run(because);
  }

  /** An exchange under way is not cut short: the runtime finishes it before it stops. */
  close(): void {
    this.#isClosed = true;
    this.#watch?.close();
  }

  async #run(because: string): Promise<void> {
    this.#isRunning = true;
    while (this.#isAskedAgain && !this.#isClosed) {
      this.#isAskedAgain = false;
      this.#with.logger.info({ because }, 'reading the configuration again');
      const files: FilesRead = new Map();
      const isDone = await this.#reload(files).catch((error: unknown) => {
        this.#complain(error);
        return false;
      });
      this.#outcomes(isDone);
      // A change of a file that only the failed attempt named may mend it.
      this.#files = isDone ? files : new Map([...this.#files, ...files]);
      await this.#watch?.look(this.#files);
    }
    this.#isRunning = false;
  }

  async #reload(files: FilesRead): Promise<boolean> {
    const { sources, runtime, logger, onSettings, drainMaxMs } = this.#with;
    const { settings, warnings } = await readConfiguration(sources, files);
    if (this.#isClosed) return false;
    for (const warning of warnings) logger.warn({}, warning);
    const changes = await runtime.reload(settings, AbortSignal.timeout(drainMaxMs));
    onSettings(settings);
    const known = new Set(ackLines(this.#settings));
    for (const line of ackLines(settings)) if (!known.has(line)) logger.info({}, line);
    this.#settings = settings;
    this.#report(changes);
    return true;
  }

  #report(changes: Changes): void {
    const { logger } = this.#with;
    if (isEmpty(changes)) {
      logger.info({}, 'configuration reloaded, no component has changed');
      return;
    }
    const keys = (nodes: readonly { readonly key: string }[]) => nodes.map(({ key }) => key);
    const fields = {
      kept: changes.kept.size,
      stopped: [...keys(changes.stopFirst), ...keys(changes.stopLater)],
      started: keys(changes.start),
    };
    logger.info(fields, 'configuration reloaded');
  }

  #complain(error: unknown): void {
    const { logger } = this.#with;
    const problems = error instanceof ConfigError ? error.problems : [];
    for (const { at, path, message } of problems) {
      const place = { ...(at === undefined ? {} : { at }), path: path.join('::') };
      logger.error(place, message);
    }
    const reason = problems.length > 0 ? `problems: ${problems.length}` : messageOf(error);
    const hint =
      error instanceof SpoorError && error.hint !== undefined ? { hint: error.hint } : {};
    logger.error({ reason, ...hint }, 'not reloaded, the configuration before goes on');
  }
}

function outcomesOf({ metrics }: Runtime): (isDone: boolean) => void {
  const reloads = metrics.counter({
    name: 'spoor_config_reloads_total',
    help: 'Times the configuration was read again, by what came of it.',
    labels: ['outcome'],
  });
  const last = metrics.gauge({
    name: 'spoor_config_last_reload_success_timestamp_seconds',
    help: 'When the configuration in force was read, in seconds since 1970.',
    labels: [],
  });
  const success = reloads.labels({ outcome: 'success' });
  const failure = reloads.labels({ outcome: 'failure' });
  const isNow = () => last.set(systemClock.nowMs() / 1000);
  isNow();
  return (isDone) => {
    (isDone ? success : failure).inc();
    if (isDone) isNow();
  };
}
