/** Which rows are folded, and which are therefore seen. A fold is a level (rows at that depth and
 *  below it are folded) and exceptions (rows that are the other way round), so that "collapse all"
 *  of a hundred thousand spans is one number. */

/** The part of a trace's columns that folding needs: rows in pre-order. */
export interface FoldTree {
  readonly count: number;
  readonly depths: Uint32Array;
  /** Row behind the last descendant. */
  readonly ends: Uint32Array;
}

export interface Fold {
  /** Infinity: nothing is folded. */
  readonly depth: number;
  readonly exceptions: ReadonlySet<number>;
}

export const UNFOLDED: Fold = { depth: Number.POSITIVE_INFINITY, exceptions: new Set() };

export function hasChildren({ ends }: FoldTree, row: number): boolean {
  return (ends[row] ?? 0) > row + 1;
}

export function isFolded(tree: FoldTree, fold: Fold, row: number): boolean {
  return (tree.depths[row] ?? 0) >= fold.depth !== fold.exceptions.has(row);
}

/** Rows in order, descendants of folded ones left out: skip to the end of a folded subtree. */
export function visibleRows(tree: FoldTree, fold: Fold): Uint32Array {
  const { count, ends, depths } = tree;
  const rows = new Uint32Array(count);
  const { depth, exceptions } = fold;
  const hasExceptions = exceptions.size > 0;
  let seen = 0;
  for (let row = 0; row < count;) {
    rows[seen++] = row;
    let folded = (depths[row] ?? 0) >= depth;
    if (hasExceptions && exceptions.has(row)) folded = !folded;
    row = folded ? (ends[row] ?? count) : row + 1;
  }
  return rows.subarray(0, seen);
}

export function toggleFold(fold: Fold, row: number): Fold {
  const exceptions = new Set(fold.exceptions);
  if (!exceptions.delete(row)) exceptions.add(row);
  return { depth: fold.depth, exceptions };
}

/** One level less: the deepest rows that are seen go into their parents. */
export function foldOneLevel(tree: FoldTree, fold: Fold): Fold {
  const deepest = deepestVisible(tree, fold);
  return { depth: Math.max(0, deepest - 1), exceptions: new Set() };
}

/** One level more. */
export function unfoldOneLevel(tree: FoldTree, fold: Fold): Fold {
  const deepest = deepestVisible(tree, fold);
  const isAll = deepest >= deepestOf(tree.depths);
  return isAll ? UNFOLDED : { depth: deepest + 1, exceptions: new Set() };
}

/** More exceptions than this make no link; then the level is moved instead. */
export const EXCEPTIONS_MAX = 60;

/** The least change that makes a row seen: every folded ancestor is opened. */
export function reveal(
  tree: FoldTree & { readonly parents: Int32Array },
  fold: Fold,
  row: number,
): Fold {
  const { depth } = fold;
  const exceptions = new Set(fold.exceptions);
  let isChanged = false;
  for (let above = tree.parents[row] ?? -1; above >= 0; above = tree.parents[above] ?? -1) {
    if (!isFolded(tree, { depth, exceptions }, above)) continue;
    if (!exceptions.delete(above)) exceptions.add(above);
    isChanged = true;
  }
  if (!isChanged) return fold;
  if (exceptions.size <= EXCEPTIONS_MAX) return { depth, exceptions };
  return { depth: Math.max(depth, tree.depths[row] ?? 0), exceptions: new Set() };
}

/** Everything folded but the ways from the roots to `targets`. */
export function foldToRows(
  tree: FoldTree & { readonly parents: Int32Array },
  targets: readonly number[],
): Fold {
  const exceptions = new Set<number>();
  for (const target of targets) {
    let above = tree.parents[target] ?? -1;
    for (; above >= 0 && !exceptions.has(above); above = tree.parents[above] ?? -1) {
      exceptions.add(above);
    }
  }
  return { depth: 0, exceptions };
}

/** The place of a row among the visible ones, or of the ancestor that hides it. */
export function visibleIndex(rows: Uint32Array, row: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((rows[middle] ?? 0) <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}

function deepestVisible(tree: FoldTree, fold: Fold): number {
  let deepest = 0;
  for (const row of visibleRows(tree, fold)) deepest = Math.max(deepest, tree.depths[row] ?? 0);
  return deepest;
}

function deepestOf(depths: Uint32Array): number {
  let deepest = 0;
  for (const depth of depths) deepest = Math.max(deepest, depth);
  return deepest;
}
