/** What a condition is about: a context knows its paths and enums. */

import type { OttlFunction } from './function.ts';
import type { Value } from './value.ts';

/** Reads a path of an item. Keys behind the path (`["a"]`) are applied to what it returns. */
export type Getter<Item> = (item: Item) => Value;

export interface Context<Item> {
  /** `span`: a path may begin with it, and `attributes` alone means this context's. */
  readonly name: string;
  /** The getter of `names`, without the context's own name in front; undefined when there is none.
   *  `firstKey` is the constant key behind it, for getters that can use it (a map of attributes). */
  path(names: readonly string[], firstKey: string | undefined): PathMatch<Item> | undefined;
  readonly enums: Readonly<Record<string, bigint>>;
  /** Functions beyond the common ones. */
  readonly functions?: Readonly<Record<string, OttlFunction<Item>>>;
}

export interface PathMatch<Item> {
  readonly get: Getter<Item>;
  /** True when the getter has applied `firstKey` itself. */
  readonly usedKey?: boolean;
}
