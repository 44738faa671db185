/** The shape of a trace: spans in the order a waterfall shows them (pre-order, siblings by start).
 *  Iterative and n log n, so a chain of a hundred thousand spans is as fine as a bush.
 *
 *  Rules for traces that are not trees:
 *  - A named parent that is not there makes the span an orphan: a root with a flag.
 *  - A cycle is cut at its earliest span, which becomes such an orphan.
 *  - Zipkin's shared ids: a server span with the id of a client span is that client's child, and
 *    takes the children that name the id. Other spans of one id: the first by start has the children.
 */

const SERVER = 2;
const CLIENT = 3;

/** One row a span, in any order. */
export interface TreeInput {
  readonly count: number;
  /** 64-bit span ids as two words each; two zeros as a parent mean none. */
  readonly spanIds: Uint32Array;
  readonly parentSpanIds: Uint32Array;
  /** ns; only their order counts. */
  readonly starts: Float64Array;
  /** OTLP kinds. */
  readonly kinds: Uint8Array;
}

/** Everything is indexed by position in pre-order. */
export interface Tree {
  /** The input row at this position. */
  readonly rows: Uint32Array;
  /** Position of the parent, -1 for a root. Always smaller than its own. */
  readonly parents: Int32Array;
  readonly depths: Uint32Array;
  /** Position just behind the last descendant: skip to it to collapse. */
  readonly ends: Uint32Array;
  /** 1 where the span names a parent that is not there. */
  readonly orphans: Uint8Array;
}

export function buildTree(input: TreeInput): Tree {
  const byStart = sortByStart(input);
  const { parentRows, orphanRows } = resolveParents(input, byStart);
  const children = childLists(parentRows, byStart);
  return walk(input.count, byStart, { parentRows, orphanRows, ...children });
}

/** Depth of each position and the end of its subtree, from parents in pre-order. */
export function subtreeShape(parents: Int32Array): { depths: Uint32Array; ends: Uint32Array } {
  const count = parents.length;
  const depths = new Uint32Array(count);
  const ends = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const parent = parents[i]!;
    depths[i] = parent < 0 ? 0 : depths[parent]! + 1;
    ends[i] = i + 1;
  }
  for (let i = count - 1; i >= 0; i--) {
    const parent = parents[i]!;
    if (parent >= 0) ends[parent] = Math.max(ends[parent]!, ends[i]!);
  }
  return { depths, ends };
}

function sortByStart({ count, starts }: TreeInput): Uint32Array {
  const rows = new Uint32Array(count);
  let isSorted = true;
  for (let row = 0; row < count; row++) {
    rows[row] = row;
    if (row > 0 && starts[row]! < starts[row - 1]!) isSorted = false;
  }
  // Stores give traces in this order.
  return isSorted ? rows : rows.sort((a, b) => starts[a]! - starts[b]! || a - b);
}

/** Who answers to a span id, and who called them where client and server share one. */
function rowsById(input: TreeInput, byStart: Uint32Array): SharedRows {
  const { spanIds, kinds } = input;
  const clientOf = new IdMap(input.count);
  const ownerOf = new IdMap(input.count);
  for (const row of byStart) {
    const low = spanIds[row * 2]!;
    const high = spanIds[row * 2 + 1]!;
    const owner = ownerOf.get(low, high);
    if (owner < 0) ownerOf.set(low, high, row);
    else if (isSharedPair(input, owner, row)) {
      const isServer = kinds[row] === SERVER;
      clientOf.set(low, high, isServer ? owner : row);
      ownerOf.set(low, high, isServer ? row : owner);
    }
  }
  return { clientOf, ownerOf };
}

interface SharedRows {
  readonly clientOf: IdMap;
  readonly ownerOf: IdMap;
}

function resolveParents(input: TreeInput, byStart: Uint32Array) {
  const { parentSpanIds, count } = input;
  const rows = rowsById(input, byStart);
  const parentRows = new Int32Array(count).fill(-1);
  const orphanRows = new Uint8Array(count);
  for (let row = 0; row < count; row++) {
    parentRows[row] = sharedClient(input, row, rows);
    if (parentRows[row]! >= 0) continue;
    const low = parentSpanIds[row * 2]!;
    const high = parentSpanIds[row * 2 + 1]!;
    if (low === 0 && high === 0) continue;
    const parent = rows.ownerOf.get(low, high);
    if (parent < 0 || parent === row) orphanRows[row] = 1;
    else parentRows[row] = parent;
  }
  return { parentRows, orphanRows };
}

/** The client span whose id this server span shares, or -1. */
function sharedClient(
  { spanIds }: TreeInput,
  row: number,
  { clientOf, ownerOf }: SharedRows,
): number {
  if (clientOf.size === 0) return -1;
  const low = spanIds[row * 2]!;
  const high = spanIds[row * 2 + 1]!;
  const client = clientOf.get(low, high);
  return client !== row && ownerOf.get(low, high) === row ? client : -1;
}

/** 64-bit ids to rows, open addressing: a Map of bigints costs five times as much. */
class IdMap {
  readonly #mask: number;
  readonly #ids: Uint32Array;
  /** Row plus one; 0 = free. */
  readonly #rows: Uint32Array;
  size = 0;

  /** Holds at most `most` ids. */
  constructor(most: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(8, most * 2)));
    this.#mask = slots - 1;
    this.#ids = new Uint32Array(slots * 2);
    this.#rows = new Uint32Array(slots);
  }

  /** -1 when the id is not there. */
  get(low: number, high: number): number {
    return this.#rows[this.#slot(low, high)]! - 1;
  }

  set(low: number, high: number, row: number): void {
    const slot = this.#slot(low, high);
    if (this.#rows[slot] === 0) this.size++;
    this.#rows[slot] = row + 1;
    this.#ids[slot * 2] = low;
    this.#ids[slot * 2 + 1] = high;
  }

  #slot(low: number, high: number): number {
    let hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
    hash ^= hash >>> 15;
    let slot = hash & this.#mask;
    while (this.#rows[slot] !== 0) {
      if (this.#ids[slot * 2] === low && this.#ids[slot * 2 + 1] === high) return slot;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }
}

function isSharedPair({ kinds }: TreeInput, a: number, b: number): boolean {
  const kindA = kinds[a];
  const kindB = kinds[b];
  return (kindA === CLIENT && kindB === SERVER) || (kindA === SERVER && kindB === CLIENT);
}

interface Links {
  readonly parentRows: Int32Array;
  readonly orphanRows: Uint8Array;
  /** Children of row `r`: list[starts[r]] to list[starts[r + 1]], by start. */
  readonly starts: Uint32Array;
  readonly list: Uint32Array;
}

function childLists(parentRows: Int32Array, byStart: Uint32Array) {
  const count = parentRows.length;
  const starts = new Uint32Array(count + 1);
  for (const parent of parentRows) if (parent >= 0) starts[parent + 1] = starts[parent + 1]! + 1;
  for (let row = 0; row < count; row++) starts[row + 1] = starts[row + 1]! + starts[row]!;
  const next = starts.slice();
  const list = new Uint32Array(starts[count]!);
  for (const row of byStart) {
    const parent = parentRows[row]!;
    if (parent < 0) continue;
    const at = next[parent]!;
    list[at] = row;
    next[parent] = at + 1;
  }
  return { starts, list };
}

function walk(count: number, byStart: Uint32Array, links: Links): Tree {
  const rows = new Uint32Array(count);
  const parents = new Int32Array(count);
  const orphans = new Uint8Array(count);
  const positions = new Int32Array(count).fill(-1);
  const stack: number[] = [];
  let at = 0;
  const descend = (root: number, isCut: boolean): void => {
    stack.push(root);
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (positions[row]! >= 0) continue;
      const isRoot = row === root;
      positions[row] = at;
      rows[at] = row;
      parents[at] = isRoot ? -1 : positions[links.parentRows[row]!]!;
      orphans[at] = isRoot && isCut ? 1 : links.orphanRows[row]!;
      at++;
      const first = links.starts[row]!;
      for (let i = links.starts[row + 1]! - 1; i >= first; i--) stack.push(links.list[i]!);
    }
  };
  for (const row of byStart) if (links.parentRows[row]! < 0) descend(row, false);
  // What no root reached hangs in a cycle.
  for (const row of byStart) if (positions[row]! < 0) descend(row, true);
  return { rows, parents, orphans, ...subtreeShape(parents) };
}
