/** Which traces have rows in more than one file, and what each file knows of them. All other traces
 *  are whole in the one file that has them, so its index alone can put them in order; these have to
 *  be put together first.
 *
 *  Found by the trace ids in the indices, file by file, and kept: a file is looked at once in the
 *  life of the process. What was found of files holds for the file they are stitched to; when rows
 *  were deleted, or most files are gone, it begins anew. Several MB for a hundred million spans, and
 *  only once somebody asks for such an order. */

import { setImmediate } from 'node:timers/promises';
import { IdFilter } from '../id-filter.ts';
import { ID_BYTES } from '../index-ids.ts';
import type { DataFile } from '../manifest.ts';
import type { SegmentIndex } from '../segment-index.ts';
import { BlockRoots } from './block-roots.ts';
import { fromIndex, type IndexUse } from './from-index.ts';
import { PartTable, type TracePart } from './part-table.ts';

/** A file of which this can be known. */
export type IndexedFile = DataFile & { readonly index: SegmentIndex };

/** A trace by what an order goes by. Ids are packed: 16 bytes as characters, which compare as the bytes
 *  do. */
export interface Candidate {
  readonly packedId: string;
  readonly key: bigint;
}

export interface SharedOptions extends IndexUse {
  readonly signal?: AbortSignal | undefined;
}

/** What was known at one moment. */
export interface SharedView {
  /** How many traces there are; they are numbered. */
  readonly count: number;
  /** Undefined when the trace was in one file at most. */
  numberOf(packedId: string): number | undefined;
  /** Of the id of 16 bytes at `at`. */
  isShared(ids: Uint8Array, at: number): boolean;
  packedIdOf(number: number): string;
  /** In which files it was by then, and maybe in others since. */
  partsOf(number: number): Iterable<TracePart>;
  /** Of a file's blocks, as far as they were looked at: the least duration of the other traces. */
  readonly shortest: ShortestOfOthers;
  /** Lists made of them, by what was asked. */
  readonly memo: RecentLists;
  /** False when no file had it by then. */
  mayBeStored(traceId: Uint8Array): boolean;
}

/** A filter of more would take more than 45 MB. */
const IDS_MAX = 30_000_000;
/** 36 bytes each, and some for their traces. */
const PARTS_MAX = 1_000_000;
/** Of 100 bytes a trace. */
const LISTS_MAX = 2;
const IDS_AT_LEAST = 65_536;
/** Summaries read before others get a turn. */
const PARTS_A_TURN = 64;
/** With more of them, files are read through rather than asked for each. */
const LOOKED_UP_MAX = 2000;

export class SharedTraces {
  /** Of all files, shared or not. */
  readonly roots = new BlockRoots();
  #known = new Known(0);
  #work: Promise<unknown> = Promise.resolve();

  /** Resolves when these are looked at; with nothing when there is too much to know. Throws
   *  StorageError 'damaged' when an index is. */
  cover(
    files: readonly IndexedFile[],
    options: SharedOptions = {},
  ): Promise<SharedView | undefined> {
    const run = this.#work.then(() => this.#cover(files, options));
    this.#work = run.catch(() => {});
    return run;
  }

  async #cover(
    files: readonly IndexedFile[],
    options: SharedOptions,
  ): Promise<SharedView | undefined> {
    options.signal?.throwIfAborted();
    const inOrder = files.toSorted((a, b) => a.from - b.from);
    const ids = inOrder.reduce((sum, { index }) => sum + index.traceCount, 0);
    if (ids > IDS_MAX) return undefined;
    let added = this.#known.missing(inOrder);
    if (added === undefined || this.#known.room < idsOf(added) || this.#known.ids > 3 * ids) {
      this.#known = new Known(Math.max(IDS_AT_LEAST, ids * 1.5));
      added = inOrder;
    }
    const known = this.#known;
    try {
      await known.add(added, inOrder, options);
    } catch (error) {
      // Half of it is worse than nothing.
      this.#known = new Known(0);
      throw error;
    }
    return known.parts.length > PARTS_MAX ? undefined : viewOf(known);
  }
}

function idsOf(files: readonly IndexedFile[]): number {
  return files.reduce((sum, { index }) => sum + index.traceCount, 0);
}

function viewOf({ parts, filter, shortest, memo }: Known): SharedView {
  const count = parts.traces;
  const numberOf = (packedId: string): number | undefined => {
    const number = parts.numberOf(packedId);
    return number === undefined || number >= count ? undefined : number;
  };
  return {
    count,
    numberOf,
    isShared: (ids, at) => parts.mayHave(ids, at) && numberOf(packedAt(ids, at)) !== undefined,
    shortest,
    memo,
    packedIdOf: (number) => parts.packedIdOf(number),
    partsOf: (number) => parts.of(number),
    mayBeStored: (traceId) => filter.mayHave(traceId, 0),
  };
}

/** Parts of traces are shorter than traces, so the least durations that indices know of are mostly
 *  those of traces that are put together. Kept are those of the others, from when a block was opened. */
export class ShortestOfOthers {
  readonly #known = new WeakMap<SegmentIndex, Map<number, { count: number; nano: bigint }>>();

  /** When no more than so many shared traces were left out: the more, the longer the others. */
  of(index: SegmentIndex, block: number, count: number): bigint | undefined {
    const known = this.#known.get(index)?.get(block);
    return known === undefined || known.count > count ? undefined : known.nano;
  }

  add(index: SegmentIndex, block: number, found: { count: number; nano: bigint }): void {
    const ofFile = this.#known.get(index) ?? new Map<number, { count: number; nano: bigint }>();
    this.#known.set(index, ofFile.set(block, found));
  }
}

/** The last few lists. */
class RecentLists {
  readonly #lists = new Map<string, Candidate[][]>();

  get(question: string): Candidate[][] | undefined {
    return this.#lists.get(question);
  }

  set(question: string, list: Candidate[][]): void {
    this.#lists.set(question, list);
    const [oldest = ''] = this.#lists.keys();
    if (this.#lists.size > LISTS_MAX) this.#lists.delete(oldest);
  }
}

/** Flushes whose rows are known, wherever they are by now. */
interface Covered {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}

class Known {
  readonly filter: IdFilter;
  readonly parts = new PartTable();
  readonly shortest = new ShortestOfOthers();
  readonly memo = new RecentLists();
  ids = 0;
  #covered: Covered[] = [];

  constructor(capacity: number) {
    this.filter = new IdFilter(capacity);
  }

  get room(): number {
    return this.filter.capacity - this.ids;
  }

  /** Those that are not known yet; undefined when what is known of the others is not so any more. */
  missing(files: readonly IndexedFile[]): IndexedFile[] | undefined {
    const missing: IndexedFile[] = [];
    for (const file of files) {
      const inside = this.#covered.filter(({ from, to }) => from <= file.to && to >= file.from);
      const rows = inside.reduce((sum, each) => sum + each.rows, 0);
      if (inside.length === 0) missing.push(file);
      else if (rows !== file.rows) return undefined;
    }
    return missing;
  }

  async add(
    added: readonly IndexedFile[],
    all: readonly IndexedFile[],
    options: SharedOptions,
  ): Promise<void> {
    if (added.length === 0) return;
    const repeated = new Set<string>();
    for (const file of added) {
      const ids = fromIndex(file, options, () => file.index.ids());
      for (let at = 0; at < ids.length; at += ID_BYTES) {
        if (this.filter.add(ids, at)) repeated.add(packedAt(ids, at));
      }
      this.ids += file.index.traceCount;
      await turn(options);
    }
    const unknown = [...repeated].filter((id) => this.parts.numberOf(id) === undefined);
    for (const file of added) await this.#readThrough(file, repeated, options);
    const isNew = new Set(added);
    const older = all.filter((file) => !isNew.has(file)).toReversed();
    if (unknown.length > LOOKED_UP_MAX) {
      const wanted = new Set(unknown);
      for (const file of older) await this.#readThrough(file, wanted, options);
    } else {
      await this.#lookUp(unknown, older, options);
    }
    for (const { from, to, rows } of added) this.#covered.push({ from, to, rows });
  }

  /** Adds what the file knows of the traces. */
  async #readThrough(
    file: IndexedFile,
    wanted: ReadonlySet<string>,
    options: SharedOptions,
  ): Promise<void> {
    const filter = new IdFilter(wanted.size);
    for (const id of wanted) filter.add(Buffer.from(id, 'latin1'), 0);
    const ids = fromIndex(file, options, () => file.index.ids());
    for (let position = 0, found = 0; position * ID_BYTES < ids.length; position++) {
      const at = position * ID_BYTES;
      if (!filter.mayHave(ids, at)) continue;
      const id = packedAt(ids, at);
      if (!wanted.has(id)) continue;
      this.#addPart(file, { id, position }, options);
      if (++found % PARTS_A_TURN === 0) await turn(options);
    }
    await turn(options);
  }

  /** Of traces that were in one file until now. */
  async #lookUp(
    packedIds: readonly string[],
    newestFirst: readonly IndexedFile[],
    options: SharedOptions,
  ): Promise<void> {
    for (const [i, id] of packedIds.entries()) {
      if (i % PARTS_A_TURN === PARTS_A_TURN - 1) await turn(options);
      const traceId = Buffer.from(id, 'latin1');
      for (const file of newestFirst) {
        const position = fromIndex(file, options, () => file.index.find(traceId));
        if (position < 0) continue;
        this.#addPart(file, { id, position }, options);
        break;
      }
    }
  }

  #addPart(
    file: IndexedFile,
    { id, position }: { id: string; position: number },
    options: SharedOptions,
  ): void {
    if (this.parts.length > PARTS_MAX) return;
    const keys = fromIndex(file, options, () => file.index.keysAt(position));
    this.parts.add(id, { ...keys, from: file.from });
  }
}

export function packedAt(ids: Uint8Array, at: number): string {
  return Buffer.from(ids.buffer, ids.byteOffset + at, ID_BYTES).toString('latin1');
}

async function turn({ signal }: SharedOptions): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}
