/** What makes two spans the same span: equal ids and equal content, resource and scope included.
 *  Each row gets a 64-bit hash that depends on values only, not on where strings, resources or
 *  attributes stand in their tables, so the hash of a span that was stored and read back is the
 *  hash of the span that was sent. The seed is secret and of one store: nobody can craft two
 *  spans that collide. Two 32-bit lanes, no BigInt and no string is made.
 *  Hot: benchmark `bench/store.ts`. */

import { holdsString } from '../../model/batch/gather.ts';
import type { AttributeTable, SpanBatch, Table } from '../../model/batch/span-batch.ts';
import type { StringTable } from '../../model/batch/string-table.ts';

/** Two words of store-wide randomness; `format.json` keeps them. */
export type HashSeed = readonly [number, number];

/** A seed for each tenant: what one has stored says nothing of another. */
export function tenantSeed(seed: HashSeed, tenant: string): HashSeed {
  let [low, high] = seed;
  for (const byte of new TextEncoder().encode(tenant)) {
    low = mix(low + high, byte);
    high = mix(high ^ low, byte);
  }
  return [low >>> 0, high >>> 0];
}

/** Low and high word of each row's hash: row i is words 2i and 2i + 1. */
export function identityHashes(batch: SpanBatch, seed: HashSeed): Uint32Array<ArrayBuffer> {
  return new Hasher(batch, seed).rows();
}

/** Of tables that several batches share, as traces do that were read together: each by itself would
 *  hash the strings of all. */
const sharedHashes = new WeakMap<object, { seed: HashSeed; hashes: Uint32Array }>();

class Hasher {
  #low = 0;
  #high = 0;
  readonly #batch: SpanBatch;
  readonly #seed: HashSeed;
  readonly #strings: Uint32Array;
  readonly #resources: Uint32Array;
  readonly #scopes: Uint32Array;

  constructor(batch: SpanBatch, seed: HashSeed) {
    this.#batch = batch;
    this.#seed = seed;
    this.#strings = this.#shared(batch.strings, () => hashStrings(batch.strings, seed));
    this.#resources = this.#shared(batch.resources, () =>
      this.#owners(batch.resources, (row) => this.#resource(row)),
    );
    this.#scopes = this.#shared(batch.scopes, () =>
      this.#owners(batch.scopes, (row) => this.#scope(row)),
    );
  }

  rows(): Uint32Array<ArrayBuffer> {
    const { count, events, links } = this.#batch;
    const out = new Uint32Array(count * 2);
    for (let row = 0; row < count; row++) {
      this.#span(row);
      if (events.starts[row]! < events.starts[row + 1]!) this.#events(row);
      if (links.starts[row]! < links.starts[row + 1]!) this.#links(row);
      this.#finish(out, row);
    }
    return out;
  }

  /** An exact batch has its tables for itself. */
  #shared(table: object, make: () => Uint32Array): Uint32Array {
    if (this.#batch.isExact) return make();
    const known = sharedHashes.get(table);
    if (known?.seed[0] === this.#seed[0] && known.seed[1] === this.#seed[1]) return known.hashes;
    const hashes = make();
    sharedHashes.set(table, { seed: this.#seed, hashes });
    return hashes;
  }

  #span(row: number): void {
    const { columns, attributes } = this.#batch.spans;
    const c = columns;
    this.#start(1);
    this.#bytes(c.traceIds, row * 16, 16);
    this.#bytes(c.spanIds, row * 8, 8);
    this.#bytes(c.parentSpanIds, row * 8, 8);
    this.#words(c.startNano[row * 2]!, c.startNano[row * 2 + 1]!);
    this.#words(c.endNano[row * 2]!, c.endNano[row * 2 + 1]!);
    this.#string(c.names[row]!);
    this.#words((c.kinds[row]! << 8) | c.statusCodes[row]!, c.flags[row]!);
    this.#string(c.statusMessages[row]!);
    this.#string(c.traceStates[row]!);
    this.#words(c.droppedAttributes[row]!, c.droppedEvents[row]!);
    const resource = c.resources[row]! * 2;
    const scope = c.scopes[row]! * 2;
    this.#words(this.#resources[resource]!, this.#resources[resource + 1]!);
    this.#words(this.#scopes[scope]!, this.#scopes[scope + 1]!);
    this.#attributes(attributes, row, c.droppedLinks[row]!);
  }

  #events(row: number): void {
    const { starts, columns, attributes } = this.#batch.events;
    for (let i = starts[row]!; i < starts[row + 1]!; i++) {
      this.#words(2, columns.droppedAttributes[i]!);
      this.#words(columns.timeNano[i * 2]!, columns.timeNano[i * 2 + 1]!);
      this.#string(columns.names[i]!);
      this.#attributes(attributes, i, 2);
    }
  }

  #links(row: number): void {
    const { starts, columns, attributes } = this.#batch.links;
    for (let i = starts[row]!; i < starts[row + 1]!; i++) {
      this.#words(3, columns.droppedAttributes[i]!);
      this.#bytes(columns.traceIds, i * 16, 16);
      this.#bytes(columns.spanIds, i * 8, 8);
      this.#string(columns.traceStates[i]!);
      this.#attributes(attributes, i, columns.flags[i]!);
    }
  }

  #resource(row: number): void {
    const { columns, attributes } = this.#batch.resources;
    this.#start(4);
    this.#string(columns.schemaUrls[row]!);
    this.#attributes(attributes, row, columns.droppedAttributes[row]!);
  }

  #scope(row: number): void {
    const { columns, attributes } = this.#batch.scopes;
    this.#start(5);
    this.#string(columns.names[row]!);
    this.#string(columns.versions[row]!);
    this.#string(columns.schemaUrls[row]!);
    this.#attributes(attributes, row, columns.droppedAttributes[row]!);
  }

  #owners(table: Table<object>, hash: (row: number) => void): Uint32Array {
    const out = new Uint32Array(table.count * 2);
    for (let row = 0; row < table.count; row++) {
      hash(row);
      this.#finish(out, row);
    }
    return out;
  }

  /** Adds up the hashes of the attributes: their order is not part of what a span is. */
  #attributes(table: AttributeTable, owner: number, extra: number): void {
    const strings = this.#strings;
    let sumLow = 0;
    let sumHigh = 0;
    const end = table.starts[owner + 1]!;
    for (let i = table.starts[owner]!; i < end; i++) {
      const key = table.keys[i]! * 2;
      const type = table.types[i]!;
      let low = table.values[i * 2]!;
      let high = table.values[i * 2 + 1]!;
      if (holdsString(type)) {
        high = strings[low * 2 + 1]!;
        low = strings[low * 2]!;
      }
      const a = mix(strings[key]! + type, low);
      const b = mix(strings[key + 1]! ^ a, high);
      sumLow = (sumLow + mix(a, b)) | 0;
      sumHigh = (sumHigh + b) | 0;
    }
    this.#words(sumLow, sumHigh);
    this.#words(end - table.starts[owner]!, extra);
  }

  #start(domain: number): void {
    this.#low = this.#seed[0] ^ domain;
    this.#high = this.#seed[1] + domain;
  }

  #words(a: number, b: number): void {
    this.#low = mix(this.#low + this.#high, a ^ Math.imul(b, 0x9e3779b1));
    this.#high = mix(this.#high ^ this.#low, b);
  }

  #string(id: number): void {
    this.#words(this.#strings[id * 2]!, this.#strings[id * 2 + 1]!);
  }

  #bytes(bytes: Uint8Array, start: number, length: number): void {
    for (let i = start; i < start + length; i += 8) {
      this.#words(wordAt(bytes, i), wordAt(bytes, i + 4));
    }
  }

  #finish(out: Uint32Array, row: number): void {
    const low = mix(this.#low, this.#high);
    out[row * 2] = low;
    out[row * 2 + 1] = mix(this.#high, low);
  }
}

/** One lane takes the words; the other follows the first through all its states, so that both end
 *  alike only if they went alike. */
function hashStrings(strings: StringTable, seed: HashSeed): Uint32Array {
  const { bytes, offsets, count } = strings;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Uint32Array(count * 2);
  for (let id = 0; id < count; id++) {
    const end = offsets[id + 1]!;
    let i = offsets[id]!;
    let low = seed[0] ^ (end - i);
    let high = seed[1] | 0;
    for (; i + 4 <= end; i += 4) {
      low = mix(low, view.getInt32(i, true));
      high = Math.imul(high ^ low, 0x9e3779b1);
    }
    let tail = 0;
    for (; i < end; i++) tail = (tail << 8) | bytes[i]!;
    low = mix(low, tail);
    out[id * 2] = low;
    out[id * 2 + 1] = mix(high, low);
  }
  return out;
}

function wordAt(bytes: Uint8Array, i: number): number {
  return bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
}

/** Not symmetric: a key and a value that change places give another hash. */
function mix(state: number, word: number): number {
  let h = (Math.imul(state ^ (state >>> 16), 0x85ebca6b) + word) | 0;
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  return h ^ (h >>> 13);
}
