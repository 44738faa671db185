/** A small secret in a file that somebody may write anew: read at start, looked at again every few
 *  seconds. What cannot be read later is logged once, and the last text stays. */
import { readFile } from 'node:fs/promises';
import type { Clock, Timer } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { PipelineError } from '../consumer.ts';

const LOOK_EVERY_MS = 5000;

interface Around {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class RenewedFile {
  readonly #path: string;
  readonly #around: Around;
  readonly #onText: (text: string) => void;
  #text: string | undefined;
  #timer: Timer | undefined;
  #lastProblem = '';

  /** @param onText given the text at start and whenever it is another; throws when it is no use */
  constructor(path: string, around: Around, onText: (text: string) => void) {
    this.#path = path;
    this.#around = around;
    this.#onText = onText;
  }

  /** @throws PipelineError `bad_settings` naming the file */
  async start(): Promise<void> {
    try {
      await this.#read();
    } catch (cause) {
      throw new PipelineError('bad_settings', this.#sentence(cause), { cause });
    }
    this.#timer = this.#around.clock.every(LOOK_EVERY_MS, () => void this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    try {
      await this.#read();
      this.#lastProblem = '';
    } catch (error) {
      const problem = this.#sentence(error);
      if (problem === this.#lastProblem) return;
      this.#lastProblem = problem;
      this.#around.logger.error({ problem }, 'what was read before stays in use');
    }
  }

  async #read(): Promise<void> {
    const text = await readFile(this.#path, 'utf8');
    if (text === this.#text) return;
    this.#onText(text);
    this.#text = text;
  }

  #sentence(cause: unknown): string {
    return `cannot use ${this.#path}: ${messageOf(cause)}`;
  }
}
