/** The rows of one tenant since its last flush, in row groups of bounded size. Buffers grow to tens
 *  of megabytes and are dear to make: those of the tenant that flushed last serve the next one. */

import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { encodeRows, type FileFacts } from './file-builder.ts';
import { RowGroupEncoder } from './row-group.ts';
import { RowCollector } from './rows.ts';

/** A batch is not split: a row group may be larger by one batch. */
const ROW_GROUP_ROWS = 32_768;
/** Buffers kept for who comes next. */
const SPARES_MAX = 1;

interface Group {
  readonly rows: RowCollector;
  readonly encoder: RowGroupEncoder;
}

const spares: Group[] = [];

export class TenantRows {
  walTo = 0;
  readonly #seed: number;
  #groups: Group[] = [];
  #hashes: Uint32Array[] = [];

  constructor(seed: number) {
    this.#seed = seed;
  }

  get count(): number {
    return this.#groups.reduce((sum, { rows }) => sum + rows.count, 0);
  }

  /** `hashes`: two words a row. */
  add(batch: SpanBatch, walSeq: number, hashes: Uint32Array): void {
    let last = this.#groups.at(-1);
    if (last === undefined || last.rows.count >= ROW_GROUP_ROWS) {
      last = spares.pop() ?? newGroup(this.#seed);
      this.#groups.push(last);
    }
    last.rows.add(batch, walSeq);
    this.#hashes.push(hashes);
    this.walTo = Math.max(this.walTo, walSeq);
  }

  takeHashes(): Uint32Array {
    const all = new Uint32Array(this.#hashes.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const words of this.#hashes) {
      all.set(words, at);
      at += words.length;
    }
    return all;
  }

  /** Each row group as a file of its own. */
  encode(facts: FileFacts): ReturnType<typeof encodeRows>[] {
    return this.#groups
      .filter(({ rows }) => rows.count > 0)
      .map(({ rows, encoder }) => encodeRows(rows, encoder, facts));
  }

  reset(): void {
    for (const group of this.#groups) {
      if (spares.length >= SPARES_MAX) break;
      group.rows.reset();
      spares.push(group);
    }
    this.#groups = [];
    this.#hashes = [];
    this.walTo = 0;
  }
}

function newGroup(seed: number): Group {
  const rows = new RowCollector(seed);
  return { rows, encoder: new RowGroupEncoder(rows) };
}
