/** The keys used last, at most so many: a Map remembers the order of insertion. */

export class LruMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #most: number;

  /** `most` 0 remembers nothing. */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Also marks the key as used. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined || !this.#entries.delete(key)) return undefined;
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    if (this.#most === 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#most) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

export class LruSet<K> {
  readonly #keys: LruMap<K, true>;

  /** `most` 0 remembers nothing. */
  constructor(most: number) {
    this.#keys = new LruMap(most);
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Also marks the key as used. */
  has(key: K): boolean {
    return this.#keys.get(key) ?? false;
  }

  add(key: K): void {
    this.#keys.set(key, true);
  }
}
