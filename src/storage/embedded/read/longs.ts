/** 64-bit numbers of a column as what they are made of: a bigint for each field of a span costs more
 *  than all the rest of it. */

import { isNullAt, type ReadColumn } from '../parquet/read-column.ts';

export const NO_WORDS: readonly [number, number] = [0, 0];

export class Longs {
  readonly #column: ReadColumn;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;

  constructor(column: ReadColumn, { buffer, byteOffset, byteLength }: BigInt64Array) {
    this.#column = column;
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.#words = new Uint32Array(buffer, byteOffset, byteLength / 4);
  }

  /** Low and high. */
  wordsAt(row: number): readonly [number, number] {
    if (isNullAt(this.#column, row)) return NO_WORDS;
    return [this.#words[row * 2] ?? 0, this.#words[row * 2 + 1] ?? 0];
  }

  /** Ids are numbers with their first byte highest. `ids` are zeros so far. */
  writeId(ids: Uint8Array, span: number, row: number): void {
    if (isNullAt(this.#column, row)) return;
    const last = row * 8 + 7;
    for (let i = 0; i < 8; i++) ids[span * 8 + i] = this.#bytes[last - i] ?? 0;
  }
}

export function longsOf(column: ReadColumn | undefined): Longs | undefined {
  return column?.kind === 'bigint' ? new Longs(column, column.values) : undefined;
}
