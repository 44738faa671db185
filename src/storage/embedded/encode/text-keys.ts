/** Which attribute keys occur in each tagged-text column of a row group: a search for another key
 *  need not read the column. Hot: benchmark `bench/row-group.ts`. */

import type { AttributeTable } from '../../../model/batch/span-batch.ts';
import type { StringTable } from '../../../model/batch/string-table.ts';
import type { TextColumn, TextKeys } from '../segment-index.ts';

/** With more keys a column says nothing, and is always read. */
const KEYS_MAX = 500;

const BITS: Record<TextColumn, number> = {
  events: 1,
  links: 2,
  span_rest: 4,
  resource_rest: 8,
  scope_rest: 16,
};

export class TextKeyCollector {
  readonly #keys: Record<TextColumn, Set<string>> = {
    events: new Set(),
    links: new Set(),
    span_rest: new Set(),
    resource_rest: new Set(),
    scope_rest: new Set(),
  };
  /** Of each string of the batch at hand: the columns it was seen in as a key. */
  #seen = new Uint8Array(1024);

  begin(strings: StringTable): void {
    if (this.#seen.length < strings.count) this.#seen = new Uint8Array(strings.count * 2);
    else this.#seen.fill(0, 0, strings.count);
  }

  /** Row `i` of an attribute table stands in the column. */
  add(column: TextColumn, strings: StringTable, key: number): void {
    const bit = BITS[column];
    const seen = this.#seen[key]!;
    if ((seen & bit) !== 0) return;
    this.#seen[key] = seen | bit;
    this.addKey(column, strings.text(key));
  }

  addKey(column: TextColumn, key: string): void {
    const keys = this.#keys[column];
    if (keys.size <= KEYS_MAX) keys.add(key);
  }

  /** Every row of an attribute table. */
  addAll(column: TextColumn, strings: StringTable, { keys }: AttributeTable): void {
    for (let i = 0; i < keys.length; i++) this.add(column, strings, keys[i]!);
  }

  reset(): void {
    for (const keys of Object.values(this.#keys)) keys.clear();
  }

  /** Columns with too many keys are left out. */
  finish(): TextKeys {
    const entries = Object.entries(this.#keys).filter(([, keys]) => keys.size <= KEYS_MAX);
    return Object.fromEntries(entries.map(([column, keys]) => [column, [...keys]]));
  }
}

/** The keys of several files together: a column that one of them leaves out is left out. */
export function joinTextKeys(all: readonly TextKeys[]): TextKeys {
  const joined = new TextKeyCollector();
  const names = Object.keys(BITS).filter(isTextColumn);
  for (const column of names) {
    for (const key of all.flatMap((keys) => keys[column] ?? [])) joined.addKey(column, key);
  }
  const known = names.filter((column) => all.every((keys) => keys[column] !== undefined));
  const finished = joined.finish();
  return Object.fromEntries(
    known.filter((column) => finished[column]).map((column) => [column, finished[column]]),
  );
}

function isTextColumn(name: string): name is TextColumn {
  return Object.hasOwn(BITS, name);
}
