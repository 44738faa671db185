/** Which spans are there, by trace and span id: tells a row's parent from one that lies elsewhere.
 *  Hot: benchmark `bench/row-group.ts`. */

/** Rows by their ids. A batch's columns and those of collected rows both have these. */
export interface IdRows {
  readonly count: number;
  /** 8 bytes a row. */
  readonly spanIds: Uint8Array;
  /** 8 bytes a row; zeros = no parent. */
  readonly parentSpanIds: Uint8Array;
  /** Which trace each row is of. */
  readonly traceOf: Uint32Array;
  readonly seed: number;
}

const SERVER = 2;

export class SpanTable {
  readonly #rows: IdRows;
  readonly #ids: Uint32Array;
  readonly #parents: Uint32Array;
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(rows: IdRows) {
    const { count } = rows;
    this.#rows = rows;
    this.#ids = wordsOf(rows.spanIds, count);
    this.#parents = wordsOf(rows.parentSpanIds, count);
    let size = 1024;
    while (size < count * 2) size *= 2;
    this.#slots = new Int32Array(size);
    this.#mask = size - 1;
    for (let row = 0; row < count; row++) {
      let slot = this.#slot(row, this.#ids, row);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = row + 1;
    }
  }

  hasParent(row: number): boolean {
    return (this.#parents[row * 2]! | this.#parents[row * 2 + 1]!) !== 0;
  }

  parentOf(row: number): bigint {
    const bytes = this.#rows.parentSpanIds;
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(row * 8);
  }

  isParentHere(row: number): boolean {
    return this.parentRow(row) >= 0;
  }

  /** -1 when it is not here. Spans may share an id (Zipkin's client and server): with `kinds` the
   *  server's side is preferred, which is the one that calls on. */
  parentRow(row: number, kinds?: Uint8Array): number {
    const trace = this.#rows.traceOf[row]!;
    let slot = this.#slot(row, this.#parents, row);
    let found = -1;
    for (;;) {
      const other = this.#slots[slot]! - 1;
      if (other < 0) return found;
      const isParent =
        this.#ids[other * 2] === this.#parents[row * 2] &&
        this.#ids[other * 2 + 1] === this.#parents[row * 2 + 1] &&
        this.#rows.traceOf[other] === trace;
      if (isParent) {
        if (kinds === undefined || kinds[other] === SERVER) return other;
        if (found < 0) found = other;
      }
      slot = (slot + 1) & this.#mask;
    }
  }

  #slot(row: number, ids: Uint32Array, at: number): number {
    const trace = this.#rows.traceOf[row]!;
    let hash = Math.imul(ids[at * 2]! ^ this.#rows.seed, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ ids[at * 2 + 1]!, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ trace, 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & this.#mask;
  }
}

/** Ids as pairs of words; copied where they do not begin on a word. */
function wordsOf(ids: Uint8Array, count: number): Uint32Array {
  if (ids.byteOffset % 4 === 0) return new Uint32Array(ids.buffer, ids.byteOffset, count * 2);
  return new Uint32Array(ids.slice(0, count * 8).buffer);
}
