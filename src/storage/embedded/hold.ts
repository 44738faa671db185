/** Keeps work from beginning while somebody needs things to stay as they are. Who begins work looks
 *  again after each wait, and begins in the same turn in which nobody holds it:
 *
 *    while (hold.isHeld) await hold.released; */

export class Hold {
  #held: Promise<void> | undefined;

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  get released(): Promise<void> {
    return this.#held ?? Promise.resolve();
  }

  /** Only while nobody holds it. The returned function lets go. */
  take(): () => void {
    if (this.#held !== undefined) throw new Error('held already');
    let release = () => {};
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      this.#held = undefined;
      release();
    };
  }
}
