/** The fields of one JSON message by the bytes of their names, so that no string is made of a key.
 *  A name is found as OTLP writes it (`traceId`) and as proto files do (`trace_id`). */

const encoder = new TextEncoder();

export class Fields<Read> {
  readonly #names: Uint8Array[] = [];
  readonly #reads: Read[] = [];
  /** Index + 1 by hash; open addressing. */
  readonly #slots: Uint8Array;

  constructor(reads: Readonly<Record<string, Read>>) {
    const names = Object.keys(reads);
    this.#slots = new Uint8Array(2 ** Math.ceil(Math.log2(names.length * 4 + 4)));
    for (const [name, read] of Object.entries(reads)) {
      this.#add(name, read);
      const other = name.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
      if (other !== name) this.#add(other, read);
    }
  }

  /** How to read the field named bytes[start, end); undefined when it is none of ours. */
  find(bytes: Uint8Array, start: number, end: number): Read | undefined {
    const mask = this.#slots.length - 1;
    for (let slot = hash(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
      const index = (this.#slots[slot] ?? 0) - 1;
      if (index < 0) return undefined;
      const name = this.#names[index];
      if (name?.length !== end - start) continue;
      let i = 0;
      while (i < name.length && name[i] === bytes[start + i]) i++;
      if (i === name.length) return this.#reads[index];
    }
  }

  #add(name: string, read: Read): void {
    const bytes = encoder.encode(name);
    const mask = this.#slots.length - 1;
    let slot = hash(bytes, 0, bytes.length) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = this.#names.push(bytes);
    this.#reads.push(read);
  }
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = end - start;
  for (let i = start; i < end; i++) value = Math.imul(value, 31) + (bytes[i] ?? 0);
  return value ^ (value >>> 7);
}
