import { expect, test } from 'vitest';
import { criticalPath } from './critical-path.ts';
import { selfTimes } from './self-time.ts';
import { buildTree, type Tree } from './tree.ts';

interface Row {
  id: number;
  parent?: number;
  start?: number;
  duration?: number;
  kind?: number;
}

function treeOf(rows: readonly Row[]): Tree {
  return buildTree({
    count: rows.length,
    spanIds: Uint32Array.from(rows.flatMap(({ id }) => [id, 7])),
    parentSpanIds: Uint32Array.from(
      rows.flatMap(({ parent = 0 }) => [parent, parent === 0 ? 0 : 7]),
    ),
    starts: Float64Array.from(rows, ({ start = 0 }) => start),
    kinds: Uint8Array.from(rows, ({ kind = 0 }) => kind),
  });
}

function timed(rows: readonly Row[]) {
  const tree = treeOf(rows);
  const at = (pick: (row: Row) => number) => Array.from(tree.rows, (row) => pick(rows[row]!));
  return {
    ...tree,
    starts: Float64Array.from(at(({ start = 0 }) => start)),
    durations: Float64Array.from(at(({ duration = 0 }) => duration)),
    kinds: Uint8Array.from(at(({ kind = 0 }) => kind)),
    ids: at(({ id }) => id),
  };
}

function pathOf(rows: readonly Row[]): [number, number, number][] {
  const trace = timed(rows);
  const path = criticalPath(trace);
  return Array.from(path.rows, (row, i) => [trace.ids[row]!, path.starts[i]!, path.ends[i]!]);
}

const idsInOrder = (rows: readonly Row[]) => Array.from(treeOf(rows).rows, (row) => rows[row]!.id);

test('rows come in pre-order, siblings by start', () => {
  const rows = [
    { id: 4, parent: 2, start: 6 },
    { id: 3, parent: 1, start: 9 },
    { id: 2, parent: 1, start: 5 },
    { id: 1, start: 0 },
    { id: 5, parent: 3, start: 1 },
  ];
  expect(idsInOrder(rows)).toEqual([1, 2, 4, 3, 5]);
  const tree = treeOf(rows);
  expect([...tree.parents]).toEqual([-1, 0, 1, 0, 3]);
  expect([...tree.depths]).toEqual([0, 1, 2, 1, 2]);
  expect([...tree.ends]).toEqual([5, 3, 3, 5, 5]);
});

test('a span whose parent is not there is a root with the orphan flag', () => {
  const tree = treeOf([
    { id: 1, start: 5 },
    { id: 2, parent: 99, start: 1 },
  ]);
  expect([...tree.rows]).toEqual([1, 0]);
  expect([...tree.orphans]).toEqual([1, 0]);
});

test('a cycle is cut at its earliest span, a span that is its own parent too', () => {
  const rows = [
    { id: 1, parent: 3, start: 2 },
    { id: 2, parent: 1, start: 1 },
    { id: 3, parent: 2, start: 3 },
    { id: 7, parent: 7, start: 0 },
  ];
  expect(idsInOrder(rows)).toEqual([7, 2, 3, 1]);
  expect([...treeOf(rows).orphans]).toEqual([1, 1, 0, 0]);
  expect([...treeOf(rows).parents]).toEqual([-1, -1, 1, 2]);
});

test('a server span with its client span’s id is the child of it and takes the children', () => {
  const rows = [
    { id: 1, start: 0, kind: 3 },
    { id: 1, start: 1, kind: 2 },
    { id: 2, parent: 1, start: 2 },
  ];
  expect([...treeOf(rows).parents]).toEqual([-1, 0, 1]);
});

test('random graphs: every row once, parents before children, ends enclose', () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 200; round++) {
    const rows = Array.from({ length: 1 + random(40) }, (_, i) => ({
      id: 1 + (random(10) === 0 ? random(40) : i),
      parent: random(45),
      start: random(20),
      kind: random(6),
    }));
    const tree = treeOf(rows);
    expect([...tree.rows].toSorted((a, b) => a - b)).toEqual(rows.map((_, i) => i));
    tree.parents.forEach((parent, i) => {
      expect(parent).toBeLessThan(i);
      const enclosing = parent < 0 ? rows.length : tree.ends[parent]!;
      expect(tree.ends[i]).toBeLessThanOrEqual(enclosing);
    });
  }
});

test('a chain of 100,000 spans is no deeper than the stack', () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => ({
    id: i + 1,
    parent: i,
    start: i,
    duration: 200_000 - 2 * i,
  }));
  const trace = timed(rows);
  expect(trace.depths.at(-1)).toBe(99_999);
  expect(selfTimes(trace).at(0)).toBe(2);
  expect(criticalPath(trace).rows.length).toBeGreaterThan(99_999);
});

test('self time counts overlapping children once and only inside the parent', () => {
  const trace = timed([
    { id: 1, start: 0, duration: 100 },
    { id: 2, parent: 1, start: 10, duration: 30 },
    { id: 3, parent: 1, start: 20, duration: 30 },
    { id: 4, parent: 1, start: 90, duration: 50 },
  ]);
  expect([...selfTimes(trace)]).toEqual([50, 30, 30, 50]);
});

test('the critical path walks back through the last child that ended', () => {
  expect(
    pathOf([
      { id: 1, start: 0, duration: 100 },
      { id: 2, parent: 1, start: 10, duration: 30 },
      { id: 3, parent: 1, start: 20, duration: 60 },
    ]),
  ).toEqual([
    [1, 80, 100],
    [3, 20, 80],
    [1, 0, 20],
  ]);
});

test('calls that follow each other without a gap are all on the path', () => {
  expect(
    pathOf([
      { id: 1, start: 0, duration: 30 },
      { id: 2, parent: 1, start: 0, duration: 10 },
      { id: 3, parent: 1, start: 10, duration: 10 },
      { id: 4, parent: 1, start: 20, duration: 10 },
    ]).map(([id]) => id),
  ).toEqual([4, 3, 2]);
});

test('a child that ends a hair after the next one starts is on the path, a real overlap is not', () => {
  const ms = 1_000_000;
  const path = (overlap: number) =>
    pathOf([
      { id: 1, start: 0, duration: 100 * ms },
      { id: 2, parent: 1, start: 0, duration: 50 * ms + overlap },
      { id: 3, parent: 1, start: 50 * ms, duration: 50 * ms },
    ]).map(([id]) => id);
  expect(path(0.4 * ms)).toEqual([3, 2]);
  expect(path(2 * ms)).toEqual([3, 1]);
});

test('a consumer does not hold up its producer, and a child outside its parent is left out', () => {
  expect(
    pathOf([
      { id: 1, start: 0, duration: 10, kind: 4 },
      { id: 2, parent: 1, start: 2, duration: 8, kind: 5 },
      { id: 3, parent: 1, start: 50, duration: 8 },
    ]),
  ).toEqual([[1, 0, 10]]);
});

test('segments of the path never overlap and cover the root exactly', () => {
  let seed = 11;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 200; round++) {
    const rows: Row[] = [{ id: 1, start: 0, duration: 1000 }];
    for (let id = 2; id < 40; id++) {
      rows.push({ id, parent: 1 + random(id - 1), start: random(1000), duration: random(400) });
    }
    const path = pathOf(rows);
    let cursor = 1000;
    for (const [, start, end] of path) {
      expect(end).toBe(cursor);
      expect(start).toBeLessThan(end);
      cursor = start;
    }
    expect(cursor).toBe(0);
  }
});
