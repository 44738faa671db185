/** What the catalogue was told lately, by bytes: nearly all that a batch brings is known, and to find
 *  that out no text is decoded and no key is joined. Forgetting costs a look-up, so it is forgotten
 *  whole whenever the catalogue may have lost something, and when it has grown. */

import type { StringTable } from '../../model/batch/string-table.ts';
import { INTERN_BYTES_MAX, StringInterner } from '../../model/batch/string-table.ts';

const TEXTS_MAX = 0x1_0000;
const TEXT_BYTES_MAX = 2 * 1024 * 1024;
const OPERATIONS_MAX = 0x1_0000;
const SCOPES = 5;

export class CatalogueMemory {
  readonly #texts = new StringInterner();
  /** Bits of types, by text and scope. */
  #types = new Uint8Array(1024 * SCOPES);
  readonly #operations = new Set<number>();

  forget(): void {
    this.#texts.reset();
    this.#types.fill(0);
    this.#operations.clear();
  }

  /** Forgets when it has grown; between batches. */
  trim(): void {
    const { count, byteLength } = this.#texts;
    const isLarge = count > TEXTS_MAX || byteLength > TEXT_BYTES_MAX;
    if (isLarge || this.#operations.size > OPERATIONS_MAX) this.forget();
  }

  /** Notes types (a bit each) of a key in a scope (0 to 4); true when all were noted before. */
  // oxlint-disable-next-line max-params -- numbers instead of an object, once a key or name of a batch
  hasKey(strings: StringTable, key: number, scope: number, types: number): boolean {
    const text = this.#text(strings, key);
    if (text < 0) return false;
    const at = text * SCOPES + scope;
    if (at >= this.#types.length) this.#grow(at);
    const before = this.#types[at] ?? 0;
    this.#types[at] = before | types;
    return (before | types) === before;
  }

  /** Notes an operation; true when it was noted before. */
  // oxlint-disable-next-line max-params -- numbers instead of an object, once a key or name of a batch
  hasOperation(strings: StringTable, service: number, name: number, kind: number): boolean {
    const serviceText = this.#text(strings, service);
    const nameText = this.#text(strings, name);
    if (serviceText < 0 || nameText < 0) return false;
    // Exact: there are fewer than 2^21 texts, even when one batch brought all of the last ones.
    const operation = (serviceText * 0x20_0000 + nameText) * 8 + (kind & 7);
    if (this.#operations.has(operation)) return true;
    this.#operations.add(operation);
    return false;
  }

  /** A number for the string's bytes; -1 when they are too long or too many to be remembered. */
  #text(strings: StringTable, id: number): number {
    const start = strings.offsets[id] ?? 0;
    const end = strings.offsets[id + 1] ?? 0;
    if (end - start > INTERN_BYTES_MAX) return -1;
    const text = this.#texts.intern(strings.bytes, start, end);
    return text < 0x20_0000 ? text : -1;
  }

  #grow(at: number): void {
    const types = new Uint8Array(Math.max(at + 1, this.#types.length * 2));
    types.set(this.#types);
    this.#types = types;
  }
}
