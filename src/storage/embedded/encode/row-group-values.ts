/** The value filter of the collected rows: every text in a string column of attributes, and the
 *  names of services and spans. Hot: benchmark `bench/row-group.ts`. */

import {
  hashOfPair,
  hashOfText,
  hashOfValue,
  isIpv4Bytes,
  writeValueFilter,
} from '../value-filter.ts';
import type { Owners } from './owners.ts';
import type { RowCollector } from './rows.ts';
import type { StringArena } from './string-arena.ts';

export function valueFilterOf(rows: RowCollector): Uint8Array {
  const pairs = new Pairs(rows.arena);
  pairs.begin('name');
  for (let row = 0; row < rows.count; row++) pairs.add(rows.dense.names[row]!);
  for (const { column, values, count } of rows.attributes.columns) {
    if (column.type !== 'string') continue;
    pairs.begin(column.name);
    for (let i = 0; i < count; i++) pairs.add(values[i]!);
  }
  addOwners(pairs, rows.resources);
  addOwners(pairs, rows.scopes);
  return writeValueFilter(pairs.hashes, pairs.count);
}

function addOwners(pairs: Pairs, { list, columns }: Owners): void {
  for (const [name, column] of columns) {
    if (column.kind === 'attribute' && column.type !== 'string') continue;
    pairs.begin(name);
    for (const { values } of list) {
      const value = values.get(name);
      if (value !== undefined) pairs.add(value.low);
    }
  }
}

const HASHED = 1;
const LEFT_OUT = 2;

/** Hashes of (column, value), each once. */
class Pairs {
  hashes = new Uint32Array(8192);
  count = 0;
  readonly #arena: StringArena;
  /** Of each string: its hash, and the column that met it last. */
  readonly #hashOf: Uint32Array;
  /** HASHED or LEFT_OUT, 0 before it was looked at. */
  readonly #known: Uint8Array;
  readonly #metIn: Uint16Array;
  #column = 0;
  #columns = 0;

  constructor(arena: StringArena) {
    this.#arena = arena;
    this.#hashOf = new Uint32Array(arena.count);
    this.#known = new Uint8Array(arena.count);
    this.#metIn = new Uint16Array(arena.count);
  }

  begin(column: string): void {
    this.#column = hashOfText(column);
    this.#columns++;
  }

  add(id: number): void {
    if (this.#metIn[id] === this.#columns) return;
    this.#metIn[id] = this.#columns;
    if (this.#known[id] === 0) this.#hash(id);
    if (this.#known[id] === LEFT_OUT) return;
    if (this.count === this.hashes.length) {
      const grown = new Uint32Array(this.hashes.length * 2);
      grown.set(this.hashes);
      this.hashes = grown;
    }
    this.hashes[this.count++] = hashOfPair(this.#column, this.#hashOf[id]!);
  }
  #hash(id: number): void {
    const { bytes, offsets } = this.#arena;
    const start = offsets[id]!;
    const end = offsets[id + 1]!;
    this.#known[id] = isIpv4Bytes(bytes, start, end) ? LEFT_OUT : HASHED;
    this.#hashOf[id] = hashOfValue(bytes, start, end);
  }
}
