/** Counts how often each bucket of each cell was added: one open table for all cells, since nearly
 *  all cells use few of their buckets. Hot: benchmark `bench/row-group.ts`. */

/** Codes of buckets lie below. Cells are fewer than 2^32 / CODES: a batch has not so many rows. */
const CODES = 2050;

export class BucketCounts {
  #slots = new Uint32Array(8192);
  #counts = new Uint32Array(8192);
  #used = 0;

  add(cell: number, code: number): void {
    const key = cell * CODES + code;
    const mask = this.#slots.length - 1;
    let slot = Math.imul(key, 0x9e3779b1) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    for (;;) {
      // 0 stands for a free slot.
      const known = this.#slots[slot]!;
      if (known === key + 1) {
        this.#counts[slot]!++;
        return;
      }
      if (known === 0) break;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = key + 1;
    this.#counts[slot] = 1;
    if (++this.#used * 2 > mask) this.#grow();
  }

  #grow(): void {
    const keys = this.#slots;
    const counts = this.#counts;
    const size = keys.length * 2;
    this.#slots = new Uint32Array(size);
    this.#counts = new Uint32Array(size);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key === 0) continue;
      let slot = Math.imul(key - 1, 0x9e3779b1) >>> 0;
      slot = (slot ^ (slot >>> 15)) & (size - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = key;
      this.#counts[slot] = counts[i]!;
    }
  }

  /** By the rank of their cell, then by code: two stable counting sorts, the second one first. */
  sorted(ranks: Uint32Array): { starts: Uint32Array; codes: Uint16Array; counts: Uint32Array } {
    const used = this.#used;
    const slots = new Uint32Array(used);
    const cellOf = new Uint32Array(used);
    const codeOf = new Uint16Array(used);
    let at = 0;
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const key = this.#slots[slot]! - 1;
      if (key < 0) continue;
      const cell = Math.floor(key / CODES);
      slots[at] = slot;
      cellOf[at] = ranks[cell]!;
      codeOf[at++] = key - cell * CODES;
    }
    const byCode = countingSort(
      slots.map((_, i) => i),
      codeOf,
      CODES,
    );
    const byCell = countingSort(byCode.order, cellOf, ranks.length);
    return {
      starts: byCell.starts,
      codes: Uint16Array.from(byCell.order, (i) => codeOf[i]!),
      counts: Uint32Array.from(byCell.order, (i) => this.#counts[slots[i]!]!),
    };
  }
}

/** `order` by `values`, which lie below `limit`; where each value's run starts. */
function countingSort(
  order: Uint32Array,
  values: Uint16Array | Uint32Array,
  limit: number,
): { order: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(limit + 1);
  for (let i = 0; i < values.length; i++) starts[values[i]! + 1]!++;
  for (let i = 1; i <= limit; i++) starts[i]! += starts[i - 1]!;
  const at = starts.slice();
  const sorted = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[at[values[order[i]!]!]!++] = order[i]!;
  return { order: sorted, starts };
}
