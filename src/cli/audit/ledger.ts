/** Which traces were acknowledged. Numbers are given out in order and nearly all are acknowledged in
 *  that order, so all of a run's for ever are one number and a few exceptions. */

export class Ledger {
  #next = 0;
  /** All below are settled: acknowledged, or among the unsure. */
  #settled = 0;
  readonly #ahead = new Set<number>();
  readonly #unsure = new Set<number>();

  /** The number of the next trace to send. */
  begin(): number {
    return this.#next++;
  }

  acknowledge(number: number): void {
    this.#settle(number);
  }

  /** Sent, and nobody knows whether it was taken: nothing may be concluded from it. */
  giveUp(number: number): void {
    this.#unsure.add(number);
    this.#settle(number);
  }

  /** How many numbers were given out. */
  get begun(): number {
    return this.#next;
  }

  get acknowledged(): number {
    return this.#settled + this.#ahead.size - this.#unsure.size;
  }

  isAcknowledged(number: number): boolean {
    return (number < this.#settled || this.#ahead.has(number)) && !this.#unsure.has(number);
  }

  #settle(number: number): void {
    this.#ahead.add(number);
    while (this.#ahead.delete(this.#settled)) this.#settled++;
  }
}
