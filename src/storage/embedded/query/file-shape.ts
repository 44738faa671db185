/** What can be asked of a file: which columns it has, and which attribute keys its columns of tagged
 *  text may have. A predicate on anything else is decided before the file is read. */

import type { TextColumn, TextKeys } from '../segment-index.ts';
import type { StoredColumn } from '../schema.ts';

interface Described {
  readonly columns: readonly StoredColumn[];
  readonly textKeys?: TextKeys | undefined;
}

export class FileShape {
  readonly #columns: ReadonlySet<string>;
  readonly #textKeys: ReadonlyMap<string, ReadonlySet<string>>;

  constructor({ columns, textKeys = {} }: Described) {
    this.#columns = new Set(columns.map(({ name }) => name));
    const known = Object.entries(textKeys).filter(([, keys]) => keys !== undefined);
    this.#textKeys = new Map(known.map(([column, keys]) => [column, new Set(keys)]));
  }

  has(column: string): boolean {
    return this.#columns.has(column);
  }

  /** False when no row has the key in that column. */
  mayHaveKey(column: TextColumn, key: string): boolean {
    return this.#columns.has(column) && this.#textKeys.get(column)?.has(key) !== false;
  }
}

const known = new WeakMap<Described, FileShape>();

export function shapeOf(file: Described): FileShape {
  const shape = known.get(file) ?? new FileShape(file);
  known.set(file, shape);
  return shape;
}
