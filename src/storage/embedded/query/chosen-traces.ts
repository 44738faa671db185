/** Which traces a search with conditions on whole traces may be about, when they are few: found by what
 *  the indices know of traces before a row is read, so that only their rows are. It errs on the side of
 *  choosing; who reads the rows holds the summaries of the traces against the conditions. */

import { setImmediate } from 'node:timers/promises';
import type { TraceCase } from '../../../filter/trace-conditions.ts';
import type { TimeRange } from '../../contract.ts';
import { BLOCK_TRACES, ID_BYTES } from '../index-ids.ts';
import type { DataFile, RowRange } from '../manifest.ts';
import { overlaps } from './file-rows.ts';
import { fromIndex } from './from-index.ts';
import { rangesOf } from './narrow-files.ts';
import type { ReadContext } from './read-context.ts';
import { isDamage } from './run-on-files.ts';
import { SharedParts } from './shared-parts.ts';
import { type IndexedFile, packedAt, type SharedView } from './shared-traces.ts';
import { TraceFacts } from './trace-facts.ts';

export interface ChosenTraces {
  /** As hex. */
  readonly ids: readonly string[];
  /** Of every file that has rows of them, by its path: where; undefined = anywhere. */
  readonly places: ReadonlyMap<string, readonly RowRange[] | undefined>;
}

/** Of more, the newest that match are found as soon by reading the newest rows. */
const CHOSEN_MAX = 2000;
/** Looked at before anything else: if so many of them pass, the search ends soon without this. */
const SAMPLE_BLOCKS = 4;
const COMMON = 0.3;
/** The roots of more traces of several files are told by the blocks that have them. */
const ROOTS_UNKNOWN_MAX = 50;
/** Work before others get a turn, in traces. */
const WORK_A_TURN = 4096;
const WORK_OF_PLACE = 64;

/** Undefined when they are many, or the indices do not say. */
export async function chooseTraces(
  context: ReadContext,
  of: TraceCase,
  range: TimeRange,
): Promise<ChosenTraces | undefined> {
  const { manifest, shared } = context;
  try {
    const facts = new TraceFacts(of, shared.roots);
    const files = manifest.files.map((file) => asIndexed(file, context, facts));
    const stored = files.filter((file) => file !== undefined);
    const isKnown = manifest.fresh === undefined || manifest.fresh.index !== undefined;
    if (!isKnown || stored.length < files.length) return undefined;
    const inRange = stored.filter((file) => overlaps(file, range));
    if (isCommon(inRange, facts, context)) return undefined;
    const view = await shared.cover(stored, context);
    return view && (await new Choice({ context, facts, range, stored, inRange, view }).made());
  } catch (error) {
    // The rows say what the index does not.
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function asIndexed(
  file: DataFile,
  context: ReadContext,
  { ofDuration }: TraceFacts,
): IndexedFile | undefined {
  const { index } = file;
  if (index === undefined) return undefined;
  const isEnough = !ofDuration || fromIndex(file, context, () => index.bounds()) !== undefined;
  return isEnough ? { ...file, index } : undefined;
}

/** By some traces of the largest file. */
function isCommon(files: readonly IndexedFile[], facts: TraceFacts, context: ReadContext): boolean {
  const [largest] = files.toSorted((a, b) => b.index.traceCount - a.index.traceCount);
  if (largest === undefined) return false;
  const { index } = largest;
  const blocks = Math.min(SAMPLE_BLOCKS, blocksOf(largest));
  let passed = 0;
  for (let block = 0; block < blocks; block++) {
    if (!facts.mayBeIn(index, block)) continue;
    const answers = fromIndex(largest, context, () => [...facts.traces(index, block)]);
    passed += answers.filter(({ isAll }) => isAll).length;
  }
  const all = Math.min(index.traceCount, blocks * BLOCK_TRACES);
  return all >= BLOCK_TRACES && passed > all * COMMON;
}

function blocksOf({ index }: IndexedFile): number {
  return Math.ceil(index.traceCount / BLOCK_TRACES);
}

interface ChoiceOptions {
  readonly context: ReadContext;
  readonly facts: TraceFacts;
  readonly range: TimeRange;
  readonly stored: readonly IndexedFile[];
  readonly inRange: readonly IndexedFile[];
  readonly view: SharedView;
}

class Choice {
  readonly #options: ChoiceOptions;
  readonly #parts: SharedParts;
  /** Of traces that one file has: their positions in its index. */
  readonly #own = new Map<IndexedFile, number[]>();
  /** Traces of several files, by their numbers. */
  readonly #shared = new Set<number>();
  /** Those that the newest rows belong to, by their packed ids. */
  readonly #fresh = new Set<string>();
  /** Of several files, by what is known of their durations; undefined = all. */
  #lasting: ReadonlySet<number> | undefined;
  /** Whether these are to be told apart by their roots. */
  #isRootLeft = false;
  #owned = 0;
  #work = 0;

  constructor(options: ChoiceOptions) {
    this.#options = options;
    this.#parts = new SharedParts(options.view, options.stored);
  }

  /** Undefined when there are too many. */
  async made(): Promise<ChosenTraces | undefined> {
    const { facts, inRange } = this.#options;
    if (facts.ofDuration) this.#lasting = await this.#sharedThatMayLast();
    const isFew = this.#lasting !== undefined && this.#lasting.size <= ROOTS_UNKNOWN_MAX;
    this.#isRootLeft = facts.ofRoot && !isFew;
    await this.#addShared();
    for (const file of inRange) {
      if (this.#isTooMuch) return undefined;
      await this.#addOf(file);
    }
    await this.#addFresh();
    return this.#isTooMuch ? undefined : this.#chosen();
  }

  get #isTooMuch(): boolean {
    return this.#owned + this.#shared.size + this.#fresh.size > CHOSEN_MAX;
  }

  async #sharedThatMayLast(): Promise<ReadonlySet<number>> {
    const { facts, view } = this.#options;
    const numbers = new Set<number>();
    for (let number = 0; number < view.count; number++) {
      const keys = this.#parts.keysOf(number);
      if (keys !== undefined && facts.mayLast(keys)) numbers.add(number);
      await this.#worked(1);
    }
    return numbers;
  }

  /** Those that no block of the files in range tells apart: with a root that nobody asks for, or that
   *  another file may have. */
  async #addShared(): Promise<void> {
    const { stored, view } = this.#options;
    const inRange = new Set(this.#options.inRange);
    if (this.#isRootLeft && inRange.size === stored.length) return;
    for (const number of this.#lasting ?? Array(view.count).keys()) {
      await this.#worked(1);
      const files = [...this.#parts.filesOf(number)];
      const inside = files.filter((file) => inRange.has(file)).length;
      const isRootKnown = this.#isRootLeft && inside === files.length;
      if (!isRootKnown && inside > 0) this.#shared.add(number);
    }
  }

  async #addOf(file: IndexedFile): Promise<void> {
    const { facts, context } = this.#options;
    const { index } = file;
    for (let block = 0; block < blocksOf(file) && !this.#isTooMuch; block++) {
      const isOwn = facts.mayBeIn(index, block);
      const isOpen = isOwn || (this.#isRootLeft && facts.mayHaveRoot(index, block));
      await this.#worked(isOpen ? BLOCK_TRACES : 1);
      if (isOpen) fromIndex(file, context, () => this.#addBlock(file, block));
    }
  }

  #addBlock(file: IndexedFile, block: number): void {
    const { facts, view, range } = this.#options;
    const { index } = file;
    const ids = index.ids(block);
    for (const { position, isRoot, isAll } of facts.traces(index, block)) {
      if (!isAll && !(isRoot && this.#isRootLeft)) continue;
      const at = (position % BLOCK_TRACES) * ID_BYTES;
      const number = view.isShared(ids, at) ? view.numberOf(packedAt(ids, at)) : undefined;
      if (number !== undefined) {
        const mayLast = this.#lasting === undefined || this.#lasting.has(number);
        if (this.#isRootLeft && mayLast) this.#shared.add(number);
      } else if (isAll && index.keysAt(position).startNano < range.endNano) {
        this.#addOwn(file, position);
      }
    }
  }

  #addOwn(file: IndexedFile, position: number): void {
    const positions = this.#own.get(file);
    if (positions === undefined) this.#own.set(file, [position]);
    else positions.push(position);
    this.#owned++;
  }

  /** The newest rows tell of a trace alone only when no file has a part of it. */
  async #addFresh(): Promise<void> {
    const { facts, view, context } = this.#options;
    const { fresh } = context.manifest;
    const index = fresh?.index;
    if (fresh === undefined || index === undefined) return;
    for (let block = 0; block * BLOCK_TRACES < index.traceCount; block++) {
      fromIndex(fresh, context, () => {
        const ids = index.ids(block);
        for (const { position, isAll } of facts.traces(index, block)) {
          const id = packedAt(ids, (position % BLOCK_TRACES) * ID_BYTES);
          if (isAll || view.mayBeStored(Buffer.from(id, 'latin1'))) this.#fresh.add(id);
        }
      });
      await this.#worked(BLOCK_TRACES);
    }
  }

  async #chosen(): Promise<ChosenTraces> {
    const { view, context, stored } = this.#options;
    const found = new Found(context);
    for (const [file, positions] of this.#own) {
      for (const position of positions) {
        found.add(file, position);
        await this.#worked(WORK_OF_PLACE);
      }
    }
    const shared = [...this.#shared].map((number) => view.packedIdOf(number));
    for (const id of new Set([...shared, ...this.#fresh])) {
      const number = view.numberOf(id);
      found.find(id, number === undefined ? stored : this.#parts.filesOf(number));
      await this.#worked(WORK_OF_PLACE);
    }
    return found.chosen();
  }

  async #worked(traces: number): Promise<void> {
    this.#work += traces;
    if (this.#work < WORK_A_TURN) return;
    this.#work = 0;
    await setImmediate();
    this.#options.context.signal?.throwIfAborted();
  }
}

/** Where the rows of traces are. */
class Found {
  readonly #context: ReadContext;
  readonly #ids = new Set<string>();
  readonly #rowGroups = new Map<IndexedFile, Set<number>>();

  constructor(context: ReadContext) {
    this.#context = context;
  }

  add(file: IndexedFile, position: number): void {
    fromIndex(file, this.#context, () => {
      this.#ids.add(file.index.traceIdAt(position));
      const known = this.#rowGroups.get(file) ?? new Set();
      for (const rowGroup of file.index.rowGroupsAt(position)) known.add(rowGroup);
      this.#rowGroups.set(file, known);
    });
  }

  /** A trace that some of the files have, or only the newest rows. */
  find(packedId: string, files: Iterable<IndexedFile>): void {
    const id = Buffer.from(packedId, 'latin1');
    this.#ids.add(id.toString('hex'));
    for (const file of files) {
      const position = fromIndex(file, this.#context, () => file.index.find(id));
      if (position >= 0) this.add(file, position);
    }
  }

  chosen(): ChosenTraces {
    const { fresh } = this.#context.manifest;
    const places = new Map<string, readonly RowRange[] | undefined>();
    for (const [file, rowGroups] of this.#rowGroups) {
      const isAll = rowGroups.size === file.rowGroups;
      places.set(file.path, isAll ? undefined : rangesOf(file, rowGroups));
    }
    if (fresh !== undefined && this.#ids.size > 0) places.set(fresh.path, undefined);
    return { ids: [...this.#ids], places };
  }
}
