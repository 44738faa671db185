/** Traces in an order that goes by the whole trace, one after another, best first. Only as much is
 *  read as could come next: of each file, and of each block of traces in its index, it is known how
 *  far its traces reach, and it is opened when nothing that is open can come before what it may have.
 *  So the longest twenty of millions are in about twenty blocks. */

import { setImmediate } from 'node:timers/promises';
import type { TraceOrder } from '../../contract.ts';
import { durationOf } from '../block-bounds.ts';
import { BLOCK_TRACES, ID_BYTES } from '../index-ids.ts';
import type { BlockBounds, TraceKeys } from '../segment-index.ts';
import { fromIndex, type IndexUse } from './from-index.ts';
import { type Candidate, type IndexedFile, packedAt, type SharedView } from './shared-traces.ts';

export type SummaryOrder = Exclude<TraceOrder, 'newest' | 'oldest'>;

export interface WalkOptions {
  readonly order: SummaryOrder;
  readonly files: readonly IndexedFile[];
  /** Traces of several files, which are left out: `apart` has them. */
  readonly shared: Pick<SharedView, 'count' | 'isShared' | 'shortest'>;
  /** Others that are left out. */
  readonly isApart: (ids: Uint8Array, at: number) => boolean;
  readonly apart: readonly (readonly Candidate[])[];
  /** Only what comes behind it. */
  readonly after?: Candidate | undefined;
  /** Told of the index that turns out to be damaged; the walk ends with an error then. */
  readonly context: IndexUse & { readonly signal?: AbortSignal | undefined };
}

interface OrderKey {
  readonly isAscending?: boolean;
  /** The best that a block can have. */
  readonly bound: (bounds: BlockBounds) => bigint;
  readonly of: (trace: TraceKeys) => bigint;
}

const KEYS: Record<SummaryOrder, OrderKey> = {
  longest: { bound: (bounds) => bounds.longest, of: durationOf },
  shortest: { isAscending: true, bound: (bounds) => bounds.shortest, of: durationOf },
  mostSpans: { bound: (bounds) => bounds.mostSpans, of: (trace) => BigInt(trace.spanCount) },
  mostErrors: { bound: (bounds) => bounds.mostErrors, of: (trace) => BigInt(trace.errorCount) },
};

export function keyOf(order: SummaryOrder, trace: TraceKeys): bigint {
  return KEYS[order].of(trace);
}

/** Compares traces by the order. */
export function inOrder(order: SummaryOrder): (a: Candidate, b: Candidate) => number {
  const isAscending = KEYS[order].isAscending === true;
  return (a, b) => {
    if (a.key !== b.key) return a.key < b.key === isAscending ? -1 : 1;
    return a.packedId < b.packedId ? -1 : 1;
  };
}

/** Something that may come next. */
interface Node {
  /** The smaller, the sooner: the key, or less than nothing where large keys come first. */
  readonly rank: bigint;
  /** Not behind the ids of what is in it. */
  readonly id: string;
  /** What is in it; absent for a trace. */
  readonly open?: (() => Node[]) | undefined;
  /** Of a trace: the next one of its block. */
  readonly next?: (() => Node[]) | undefined;
}

/** Traces of a block, by their ids. */
interface Ranked {
  readonly ids: Uint8Array;
  /** Where each has its id, and its rank. */
  readonly at: readonly number[];
  readonly ranks: readonly bigint[];
}

const NEVER = 2n ** 64n - 1n;

/** Nodes opened before others get a turn; each takes a fifth of a millisecond. */
const OPENED_A_TURN = 32;

export async function* walkTraces(options: WalkOptions): AsyncGenerator<Candidate> {
  const walk = new Walk(options);
  let opened = 0;
  for (;;) {
    const node = walk.next();
    if (node === undefined) return;
    if (node.open === undefined) {
      yield { packedId: node.id, key: walk.keyOf(node) };
      walk.push(node.next?.() ?? []);
      continue;
    }
    walk.push(node.open());
    if (++opened % OPENED_A_TURN === 0) await setImmediate();
    options.context.signal?.throwIfAborted();
  }
}

class Walk {
  readonly #options: WalkOptions;
  readonly #key: OrderKey;
  readonly #after: Node | undefined;
  readonly #heap = new Heap();

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#key = KEYS[options.order];
    const { after } = options;
    this.#after = after && { rank: this.#rank(after.key), id: after.packedId };
    this.push(options.files.map((file) => this.#file(file)));
    for (const traces of options.apart) this.push(this.#chunk(traces));
  }

  next(): Node | undefined {
    return this.#heap.pop();
  }

  push(nodes: readonly Node[]): void {
    for (const node of nodes) this.#heap.push(node);
  }

  keyOf({ rank }: Node): bigint {
    return this.#rank(rank);
  }

  /** Its own inverse. */
  #rank(key: bigint): bigint {
    return this.#key.isAscending === true ? key : -key;
  }

  #file(file: IndexedFile): Node {
    const bounds = file.index.bounds() ?? [];
    const ranks = bounds.map((each, block) => this.#rank(this.#bound(file, block, each)));
    const rank = ranks.reduce((best, each) => (each < best ? each : best), ranks[0] ?? 0n);
    const open = () => ranks.map((each, block) => this.#block(file, block, each));
    return this.#notBefore({ rank, id: '', open });
  }

  #bound({ index }: IndexedFile, block: number, bounds: BlockBounds): bigint {
    const { shared, order } = this.#options;
    const known = order === 'shortest' && shared.shortest.of(index, block, shared.count);
    return known === false ? this.#key.bound(bounds) : (known ?? bounds.shortest);
  }

  #block(file: IndexedFile, block: number, rank: bigint): Node {
    const id = prefixOf(file, block);
    const { context } = this.#options;
    const open = () => fromIndex(file, context, () => this.#traces(file, block));
    const after = this.#after;
    const isOver = after !== undefined && rank <= after.rank && this.#endsBefore(file, block);
    // With as good a key come only greater ids.
    if (isOver) return { rank: after.rank + 1n, id: '', open };
    return this.#notBefore({ rank, id, open });
  }

  /** Whether all its ids are below that of the cursor. */
  #endsBefore(file: IndexedFile, block: number): boolean {
    const isLast = (block + 1) * BLOCK_TRACES >= file.index.traceCount;
    return !isLast && prefixOf(file, block + 1) < (this.#after?.id.slice(0, 8) ?? '');
  }

  #traces({ index, deleted }: IndexedFile, block: number): Node[] {
    const { shared, isApart, order } = this.#options;
    const ids = index.ids(block);
    const at: number[] = [];
    const ranks: bigint[] = [];
    let nano = NEVER;
    for (let i = 0; i < ids.length; i += ID_BYTES) {
      if (shared.isShared(ids, i)) continue;
      const key = this.#key.of(index.keysAt(block * BLOCK_TRACES + i / ID_BYTES));
      if (key < nano) nano = key;
      if (isApart(ids, i)) continue;
      if (deleted?.has(hexOf(packedAt(ids, i))) === true) continue;
      at.push(i);
      ranks.push(this.#rank(key));
    }
    if (order === 'shortest') shared.shortest.add(index, block, { count: shared.count, nano });
    return this.#first({ ids, at, ranks }, this.#after);
  }

  /** The first of them behind the node: few of a block are ever asked for, so they are not sorted. */
  #first(traces: Ranked, behind: Node | undefined): Node[] {
    let best: Node | undefined;
    for (const [i, rank] of traces.ranks.entries()) {
      if (behind !== undefined && rank < behind.rank) continue;
      // Of equal ones the first has the least id.
      if (best !== undefined && rank >= best.rank) continue;
      const node: Node = {
        rank,
        id: packedAt(traces.ids, traces.at[i] ?? 0),
        next: () => this.#first(traces, node),
      };
      if (behind === undefined || isBefore(behind, node)) best = node;
    }
    return best === undefined ? [] : [best];
  }

  /** Of traces in their order. */
  #chunk(traces: readonly Candidate[]): Node[] {
    const [best] = traces;
    if (best === undefined) return [];
    const open = () =>
      traces.map((each) => this.#trace(each)).filter((node) => this.#isBehind(node));
    return [this.#notBefore({ ...this.#trace(best), open })];
  }

  #trace({ key, packedId }: Candidate): Node {
    return { rank: this.#rank(key), id: packedId };
  }

  #isBehind(node: Node): boolean {
    return this.#after === undefined || isBefore(this.#after, node);
  }

  /** What lies before the cursor is not wanted: the node is opened when its turn comes behind it. */
  #notBefore(node: Node): Node {
    const after = this.#after;
    if (after === undefined || isBefore(after, node)) return node;
    return { ...node, rank: after.rank, id: after.id };
  }
}

export function hexOf(packedId: string): string {
  return Buffer.from(packedId, 'latin1').toString('hex');
}

function isBefore(a: Node, b: Node): boolean {
  if (a.rank !== b.rank) return a.rank < b.rank;
  if (a.id !== b.id) return a.id < b.id;
  // What may have something that comes as soon is opened first.
  return a.open !== undefined && b.open === undefined;
}

function prefixOf({ index }: IndexedFile, block: number): string {
  return Buffer.from(index.idPrefix(block)).toString('latin1');
}

/** A binary heap, first things first. */
class Heap {
  readonly #nodes: Node[] = [];

  push(node: Node): void {
    const nodes = this.#nodes;
    let at = nodes.push(node) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = nodes[above];
      if (parent === undefined || !isBefore(node, parent)) break;
      nodes[at] = parent;
      at = above;
    }
    nodes[at] = node;
  }

  pop(): Node | undefined {
    const nodes = this.#nodes;
    const [top] = nodes;
    const last = nodes.pop();
    if (last === undefined || nodes.length === 0) return top;
    let at = 0;
    for (;;) {
      const child = this.#smallerChild(at);
      const below = nodes[child];
      if (below === undefined || !isBefore(below, last)) break;
      nodes[at] = below;
      at = child;
    }
    nodes[at] = last;
    return top;
  }

  #smallerChild(at: number): number {
    const left = this.#nodes[2 * at + 1];
    const right = this.#nodes[2 * at + 2];
    const isRight = left !== undefined && right !== undefined && isBefore(right, left);
    return 2 * at + (isRight ? 2 : 1);
  }
}
