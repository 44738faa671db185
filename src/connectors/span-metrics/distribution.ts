/** Durations by bucket: between given bounds, or exponential ones that widen as needed (the
 *  OpenTelemetry data model: base 2^(2^-scale), index i holds (base^i, base^(i+1)]). */

export type Distribution = ExplicitDistribution | ExponentialDistribution;

export class ExplicitDistribution {
  readonly kind = 'explicit';
  readonly bounds: readonly number[];
  readonly counts: number[];
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  record(value: number): void {
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value > (this.bounds[middle] ?? 0)) low = middle + 1;
      else high = middle;
    }
    this.counts[low] = (this.counts[low] ?? 0) + 1;
    this.count += 1;
    this.sum += value;
  }
}

const SCALE_MAX = 20;

export class ExponentialDistribution {
  readonly kind = 'exponential';
  readonly #sizeMax: number;
  scale = SCALE_MAX;
  offset = 0;
  counts: number[] = [];
  zeroCount = 0;
  count = 0;
  sum = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  record(value: number): void {
    this.count += 1;
    this.sum += value;
    if (value <= 0) {
      this.zeroCount += 1;
      return;
    }
    const index = Math.ceil(Math.log2(value) * 2 ** this.scale) - 1;
    if (this.counts.length === 0) {
      this.offset = index;
      this.counts = [1];
      return;
    }
    this.#add(index >> this.#makeRoom(index));
  }

  /** Halves the resolution until the index fits; answers how often. */
  #makeRoom(index: number): number {
    let low = Math.min(index, this.offset);
    let high = Math.max(index, this.offset + this.counts.length - 1);
    let halvings = 0;
    for (; high - low >= this.#sizeMax; halvings += 1) {
      low >>= 1;
      high >>= 1;
    }
    if (halvings === 0) return 0;
    const offset = this.offset >> halvings;
    const counts: number[] = [];
    for (const [i, count] of this.counts.entries()) {
      const at = ((this.offset + i) >> halvings) - offset;
      counts[at] = (counts[at] ?? 0) + count;
    }
    this.scale -= halvings;
    this.offset = offset;
    this.counts = counts;
    return halvings;
  }

  #add(index: number): void {
    if (index < this.offset) {
      const before = Array.from({ length: this.offset - index }, () => 0);
      this.counts = [...before, ...this.counts];
      this.offset = index;
    }
    const at = index - this.offset;
    while (this.counts.length <= at) this.counts.push(0);
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }
}
