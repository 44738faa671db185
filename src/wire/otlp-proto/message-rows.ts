/** Rows of messages met before in one request, by their encoded bytes: a resource that a Collector
 *  repeats for every scope is decoded once. Equal bytes mean equal content; equal content in
 *  another order of fields becomes a second row, which costs space and nothing else.
 *  Hot: benchmark `bench/decode.ts`. */

const FIRST_SLOTS = 64;
/** A look-up that meets more entries than this gives up: crafted collisions cost rows, not time. */
const PROBES_MAX = 64;

export class MessageRows {
  #bytes: Uint8Array = new Uint8Array(0);
  #slots = new Int32Array(FIRST_SLOTS);
  #count = 0;
  /** Of entry i: start, end, schema URL, hash, row. */
  #entries: number[] = [];
  /** What `find` looked for last: `add` gives it its row. */
  #wanted: [start: number, end: number, schemaUrl: number, hash: number] | undefined;

  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#entries = [];
    this.#count = 0;
    if (this.#slots.length > FIRST_SLOTS) this.#slots = new Int32Array(FIRST_SLOTS);
    else this.#slots.fill(0);
  }

  /** The row of the same message, or -1. `ranges` are the pieces it came in: a message in several
   *  pieces, which protobuf allows and nobody sends, is not looked up. */
  find(ranges: readonly number[], schemaUrl: number): number {
    this.#wanted = undefined;
    if (ranges.length > 2) return -1;
    const start = ranges[0] ?? 0;
    const end = ranges[1] ?? 0;
    const hash = this.#hash(start, end) ^ Math.imul(schemaUrl, 0x85ebca6b);
    this.#wanted = [start, end, schemaUrl, hash];
    const mask = this.#slots.length - 1;
    for (let probes = 0; probes < PROBES_MAX; probes++) {
      const entry = (this.#slots[(hash + probes) & mask]! - 1) * 5;
      if (entry < 0) return -1;
      if (this.#entries[entry + 3] === hash && this.#isSame(entry, start, end, schemaUrl)) {
        return this.#entries[entry + 4]!;
      }
    }
    this.#wanted = undefined;
    return -1;
  }

  add(row: number): void {
    if (this.#wanted === undefined) return;
    if (this.#count * 2 >= this.#slots.length) this.#grow();
    this.#entries.push(...this.#wanted, row);
    this.#place(this.#count++);
  }

  #isSame(entry: number, start: number, end: number, schemaUrl: number): boolean {
    const from = this.#entries[entry]!;
    if (this.#entries[entry + 2] !== schemaUrl) return false;
    if (this.#entries[entry + 1]! - from !== end - start) return false;
    const bytes = this.#bytes;
    for (let i = 0; i < end - start; i++) if (bytes[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #place(index: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#entries[index * 5 + 3]! & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index + 1;
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 4);
    for (let i = 0; i < this.#count; i++) this.#place(i);
  }

  #hash(start: number, end: number): number {
    const bytes = this.#bytes;
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    return hash ^ (hash >>> 15);
  }
}
