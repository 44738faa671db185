/** Numbers tuples of one width in the order of their first appearance. A look-up makes no object,
 *  so that spans can be told apart by a dozen numbers each without leaving garbage. */

const FIRST_SLOTS = 256;

export class TupleTable {
  /** Fill it, then ask for `index`. */
  readonly tuple: Uint32Array;
  #count = 0;
  #keys: Uint32Array;
  /** Index plus one; 0 is free. At most half of them are taken. */
  #slots = new Int32Array(FIRST_SLOTS);

  constructor(width: number) {
    this.tuple = new Uint32Array(width);
    this.#keys = new Uint32Array((width * FIRST_SLOTS) / 2);
  }

  /** The tuple's number; a new tuple gets the number of tuples before it. */
  index(): number {
    const mask = this.#slots.length - 1;
    let slot = hash(this.tuple, 0, this.tuple.length) & mask;
    for (;;) {
      const found = this.#slots[slot] ?? 0;
      if (found === 0) return this.#add(slot);
      if (this.#equals(found - 1)) return found - 1;
      slot = (slot + 1) & mask;
    }
  }

  #equals(index: number): boolean {
    const { tuple } = this;
    const at = index * tuple.length;
    for (let i = 0; i < tuple.length; i++) if (this.#keys[at + i] !== tuple[i]) return false;
    return true;
  }

  #add(slot: number): number {
    const index = this.#count++;
    this.#slots[slot] = index + 1;
    this.#keys.set(this.tuple, index * this.tuple.length);
    if (this.#count * 2 >= this.#slots.length) this.#grow();
    return index;
  }

  #grow(): void {
    const width = this.tuple.length;
    const keys = new Uint32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let index = 0; index < this.#count; index++) {
      let slot = hash(keys, index * width, width) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

function hash(words: Uint32Array, start: number, length: number): number {
  let mixed = 0x9747b28c;
  for (let i = start; i < start + length; i++) {
    mixed = Math.imul(mixed ^ (words[i] ?? 0), 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  mixed = Math.imul(mixed, 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
