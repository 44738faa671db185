/** One run of the query process as its parent sees it: started, spoken to, ended once. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { entryUrl } from '../../../lib/entry.ts';
import type { ChildSettings, FromChild, ToChild } from './messages.ts';

const STDERR_KEPT = 2000;

export interface ChildEvents {
  message(message: FromChild): void;
  /** Once, whatever the reason; `said` is the end of what it wrote to stderr. */
  ended(reason: string, said: string): void;
}

export class ChildHandle {
  readonly #process: ChildProcess;
  #said = '';
  #hasEnded = false;

  constructor(settings: ChildSettings, events: ChildEvents) {
    const entry = fileURLToPath(entryUrl('./query-child.ts', import.meta.url));
    this.#process = fork(entry, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const end = (reason: string) => {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      events.ended(reason, this.#said.trim());
    };
    this.#process.on('error', (error) => end(error.message));
    this.#process.on('exit', (code, signal) => end(`exit ${signal ?? code ?? ''}`));
    this.#process.on('message', (message: FromChild) => events.message(message));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-STDERR_KEPT);
    });
    this.send({ kind: 'open', settings });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  send(message: ToChild): void {
    // A child that is gone reports it by its exit; the message's own failure says no more.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    if (this.#hasEnded) return;
    const gone = new Promise<void>((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve());
    });
    this.kill();
    await gone;
  }
}
