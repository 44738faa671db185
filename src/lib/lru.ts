/** The keys used last, at most so many: a Set remembers the order of insertion. */

export class LruSet<K> {
  readonly #keys = new Set<K>();
  readonly #most: number;

  /** `most` 0 remembers nothing. */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Also marks the key as used. */
  has(key: K): boolean {
    if (!this.#keys.delete(key)) return false;
    this.#keys.add(key);
    return true;
  }

  add(key: K): void {
    if (this.#most === 0) return;
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= this.#most) return;
    const [oldest] = this.#keys;
    if (oldest !== undefined) this.#keys.delete(oldest);
  }
}
