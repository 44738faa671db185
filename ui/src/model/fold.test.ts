import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { subtreeShape } from '../../../src/model/trace/tree.ts';
import {
  foldOneLevel,
  foldToRows,
  hasChildren,
  isFolded,
  reveal,
  toggleFold,
  UNFOLDED,
  unfoldOneLevel,
  visibleIndex,
  visibleRows,
} from './fold.ts';

/** Pre-order parents of a random forest: a row's parent is itself on the path to the row before. */
const forest = fc.array(fc.nat(5), { minLength: 1, maxLength: 60 }).map((ups) => {
  const parents = new Int32Array(ups.length);
  const path: number[] = [];
  ups.forEach((up, row) => {
    path.splice(Math.max(0, path.length - up));
    parents[row] = path.at(-1) ?? -1;
    path.push(row);
  });
  return tree(parents);
});

function tree(parents: Int32Array) {
  return { count: parents.length, parents, ...subtreeShape(parents) };
}

const small = tree(Int32Array.of(-1, 0, 1, 0, 3, 3));

test('a folded row hides all below it', () => {
  expect([...visibleRows(small, UNFOLDED)]).toEqual([0, 1, 2, 3, 4, 5]);
  expect([...visibleRows(small, toggleFold(UNFOLDED, 3))]).toEqual([0, 1, 2, 3]);
  expect([...visibleRows(small, { depth: 0, exceptions: new Set() })]).toEqual([0]);
  expect([...visibleRows(small, { depth: 0, exceptions: new Set([0]) })]).toEqual([0, 1, 3]);
});

test('levels close from the deepest and open from the shallowest', () => {
  const one = foldOneLevel(small, UNFOLDED);
  expect([...visibleRows(small, one)]).toEqual([0, 1, 3]);
  expect([...visibleRows(small, foldOneLevel(small, one))]).toEqual([0]);
  expect([
    ...visibleRows(small, unfoldOneLevel(small, { depth: 0, exceptions: new Set() })),
  ]).toEqual([0, 1, 3]);
  expect(unfoldOneLevel(small, UNFOLDED)).toBe(UNFOLDED);
});

test('rows are visible exactly when no ancestor is folded', () => {
  const fold = fc.record({
    depth: fc.oneof(fc.nat(6), fc.constant(Number.POSITIVE_INFINITY)),
    exceptions: fc.array(fc.nat(59)).map((rows) => new Set(rows)),
  });
  fc.assert(
    fc.property(forest, fold, (shape, state) => {
      const visible = new Set(visibleRows(shape, state));
      for (let row = 0; row < shape.count; row++) {
        let hidden = false;
        for (let up = shape.parents[row] ?? -1; up >= 0; up = shape.parents[up] ?? -1) {
          hidden ||= isFolded(shape, state, up);
        }
        expect(visible.has(row)).toBe(!hidden);
      }
    }),
  );
});

test('revealing shows the row and hides nothing that was seen', () => {
  fc.assert(
    fc.property(forest, fc.nat(6), fc.nat(59), (shape, depth, wanted) => {
      const row = wanted % shape.count;
      const before = { depth, exceptions: new Set<number>() };
      const after = new Set(visibleRows(shape, reveal(shape, before, row)));
      expect(after.has(row)).toBe(true);
      for (const seen of visibleRows(shape, before)) expect(after.has(seen)).toBe(true);
    }),
  );
});

test('a deep row is revealed by its level, not by thousands of exceptions', () => {
  const parents = Int32Array.from({ length: 100_000 }, (_, row) => row - 1);
  const chain = tree(parents);
  const opened = reveal(chain, { depth: 0, exceptions: new Set() }, 99_999);
  expect(opened.exceptions.size).toBe(0);
  expect(visibleRows(chain, opened).length).toBe(100_000);
});

test('only the ways to some rows stay open', () => {
  expect([...visibleRows(small, foldToRows(small, [4]))]).toEqual([0, 1, 3, 4, 5]);
});

test('the place of a hidden row is that of the ancestor that hides it', () => {
  const rows = visibleRows(small, toggleFold(UNFOLDED, 3));
  expect(visibleIndex(rows, 2)).toBe(2);
  expect(visibleIndex(rows, 5)).toBe(3);
  expect(hasChildren(small, 3)).toBe(true);
  expect(hasChildren(small, 5)).toBe(false);
});
