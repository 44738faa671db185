/** Keeps a message that repeats itself from filling the disk: of the same level and message the
 *  first few in each stretch of time are written, then one in so many. */

export interface LogSampling {
  readonly tickMs: number;
  /** Written in each stretch. */
  readonly initial: number;
  /** Of the rest every so many-th; 0 writes none. */
  readonly thereafter: number;
}

/** More different messages than any program has; past it they are written unsampled. */
const messagesMax = 4096;

export class LogSampler {
  readonly #sampling: LogSampling;
  readonly #nowMs: () => number;
  readonly #counts = new Map<string, number>();
  #untilMs = 0;

  constructor(sampling: LogSampling, nowMs: () => number) {
    this.#sampling = sampling;
    this.#nowMs = nowMs;
  }

  isWritten(level: number, message: string): boolean {
    const { tickMs, initial, thereafter } = this.#sampling;
    const now = this.#nowMs();
    if (now >= this.#untilMs) {
      this.#counts.clear();
      this.#untilMs = now + tickMs;
    }
    const key = `${level} ${message}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    if (count > 1 || this.#counts.size < messagesMax) this.#counts.set(key, count);
    if (count <= initial) return true;
    return thereafter > 0 && (count - initial) % thereafter === 0;
  }
}
