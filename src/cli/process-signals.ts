/** What the process is told from outside. SIGINT and SIGTERM drain and stop in order, a second one
 *  stops at once. SIGHUP reads the configuration again. */
import { closeSync, openSync } from 'node:fs';
import type { Logger } from '../lib/logger.ts';

const endings = ['SIGINT', 'SIGTERM'] as const;

export class ProcessSignals {
  /** Resolves when stopping is asked for, from outside or by `end`. */
  readonly asked: Promise<void>;
  /** What to do on SIGHUP; one that comes before there is anything to do is kept. */
  #onReload: (() => void) | undefined;
  #isReloadAsked = false;
  readonly #controller = new AbortController();
  readonly #hadTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  readonly #onEnd: () => void;
  readonly #onHangUp: () => void;
  /** A configuration may open nothing that keeps a process alive. */
  readonly #alive = setInterval(() => {}, 2 ** 30);
  #resolve: () => void = () => {};

  constructor(logger: Logger) {
    this.asked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#onEnd = () => {
      // 130 is what shells report for Ctrl-C.
      if (this.#controller.signal.aborted) process.exit(130);
      logger.info({}, 'draining, once more stops at once');
      this.end();
    };
    this.#onHangUp = () => {
      if (this.#hadTerminal && !hasTerminal()) this.#onEnd();
      else if (this.#onReload) this.#onReload();
      else this.#isReloadAsked = true;
    };
    for (const signal of endings) process.on(signal, this.#onEnd);
    process.on('SIGHUP', this.#onHangUp);
  }

  /** Aborted once stopping has been asked for: a start under way gives up. */
  get ending(): AbortSignal {
    return this.#controller.signal;
  }

  onReload(reload: () => void): void {
    this.#onReload = reload;
    if (this.#isReloadAsked) reload();
  }

  end(): void {
    this.#controller.abort(new Error('stopping was asked for'));
    this.#resolve();
  }

  forget(): void {
    clearInterval(this.#alive);
    for (const signal of endings) process.off(signal, this.#onEnd);
    process.off('SIGHUP', this.#onHangUp);
  }
}

/** SIGHUP also says that the terminal was closed; whoever closed it means the program to end. */
function hasTerminal(): boolean {
  if (process.platform === 'win32') return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
