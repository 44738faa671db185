/** The identity hashes of spans that came in lately: what a resend is recognised by. Two
 *  generations: when the younger one is full or as old as the window, it becomes the older one and
 *  the older one is forgotten. So a span is remembered for at least the window or at least as many
 *  spans as fit one generation, whichever ends first, and memory is bounded. */

const SHARDS = 16;
const FIRST_SLOTS = 1024;

export interface SeenOptions {
  readonly windowMs: number;
  /** Of one generation. */
  readonly spansMax: number;
}

export class SeenSpans {
  readonly #options: SeenOptions;
  #young: Generation;
  #old = new Generation(0);

  constructor(options: SeenOptions, nowMs: number) {
    this.#options = options;
    this.#young = new Generation(nowMs);
  }

  /** Notes a hash; true when it was there already. */
  add(low: number, high: number): boolean {
    const key = low === 0 ? 1 : low;
    if (this.#old.has(key, high)) return true;
    return this.#young.add(key, high);
  }

  /** Of spans that were not stored after all. */
  remove(low: number, high: number): void {
    const key = low === 0 ? 1 : low;
    this.#young.remove(key, high);
    this.#old.remove(key, high);
  }

  /** Two words each. */
  removeAll(hashes: Uint32Array): void {
    for (let i = 0; i < hashes.length; i += 2) this.remove(hashes[i] ?? 0, hashes[i + 1] ?? 0);
  }

  /** To be called now and then, between batches. */
  rotate(nowMs: number): void {
    const { windowMs, spansMax } = this.#options;
    if (this.#young.count < spansMax && nowMs - this.#young.bornMs < windowMs) return;
    this.#old = this.#young;
    this.#young = new Generation(nowMs);
  }

  get size(): number {
    return this.#young.count + this.#old.count;
  }

  /** What was stored before is not remembered. What is, may be older than the window: a generation
   *  ends when something is written, and begins with the spans of a window before it. */
  get sinceMs(): number {
    const oldest = this.#old.count > 0 ? this.#old : this.#young;
    return oldest.bornMs - this.#options.windowMs;
  }
}

class Generation {
  readonly bornMs: number;
  /** Apart by a part of the hash, so that growing one stops the program only briefly. */
  readonly #shards = Array.from({ length: SHARDS }, () => new HashSet());
  count = 0;

  constructor(bornMs: number) {
    this.bornMs = bornMs;
  }

  has(low: number, high: number): boolean {
    return this.#shard(high).has(low, high);
  }

  add(low: number, high: number): boolean {
    if (this.#shard(high).add(low, high)) return true;
    this.count++;
    return false;
  }

  remove(low: number, high: number): void {
    this.#shard(high).remove(low, high);
  }

  #shard(high: number): HashSet {
    const shard = this.#shards[high >>> 28];
    if (shard === undefined) throw new RangeError('a hash word has 32 bits');
    return shard;
  }
}

/** Open addressing over pairs of words. Low word 0 = free; (0, 1) = removed. */
class HashSet {
  #slots = new Uint32Array(0);
  #mask = -1;
  #used = 0;

  has(low: number, high: number): boolean {
    return this.#mask >= 0 && this.#slots[this.#find(low, high) * 2] === low;
  }

  add(low: number, high: number): boolean {
    if (this.#used * 2 > this.#mask) this.#grow();
    const slot = this.#find(low, high) * 2;
    if (this.#slots[slot] === low) return true;
    this.#slots[slot] = low;
    this.#slots[slot + 1] = high;
    this.#used++;
    return false;
  }

  remove(low: number, high: number): void {
    if (this.#mask < 0) return;
    const slot = this.#find(low, high) * 2;
    if (this.#slots[slot] !== low) return;
    this.#slots[slot] = 0;
    this.#slots[slot + 1] = 1;
  }

  /** The slot of the pair, or the free one where it would stand. */
  #find(low: number, high: number): number {
    const slots = this.#slots;
    let slot = low & this.#mask;
    for (;;) {
      const found = slots[slot * 2];
      const other = slots[slot * 2 + 1];
      if ((found === low && other === high) || (found === 0 && other === 0)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const slots = Math.max(FIRST_SLOTS, (this.#mask + 1) * 2);
    this.#slots = new Uint32Array(slots * 2);
    this.#mask = slots - 1;
    this.#used = 0;
    for (let i = 0; i < old.length; i += 2) {
      const low = old[i] ?? 0;
      if (low !== 0) this.add(low, old[i + 1] ?? 0);
    }
  }
}
