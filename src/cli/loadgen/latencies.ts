/** Durations in buckets 5 % apart, from a microsecond to minutes: a percentile without keeping every
 *  value. */

const GROWTH = Math.log(1.05);
const BUCKETS = 512;

export class Latencies {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, 1e-3) * 1e3) / GROWTH);
    const index = Math.min(BUCKETS - 1, Math.max(0, bucket));
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count++;
  }

  /** Milliseconds that this part of all values does not exceed; 0 without any. */
  percentile(part: number): number {
    let left = this.#count * part;
    if (left === 0) return 0;
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.#counts[i] ?? 0;
      if (left <= 0) return Math.exp(i * GROWTH) / 1e3;
    }
    return Math.exp(BUCKETS * GROWTH) / 1e3;
  }
}
