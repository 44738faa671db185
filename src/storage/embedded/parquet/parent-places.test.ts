import { expect, test } from 'vitest';
import { Random } from '../../../cli/loadgen/random.ts';
import { ELSEWHERE, parentRows, placeParents } from './parent-places.ts';

interface Row {
  readonly trace: number;
  readonly id: number;
  /** 0 = a root. */
  readonly parent: number;
  readonly start: bigint;
}

function columnsOf(rows: readonly Row[], traces: number) {
  const starts = new BigUint64Array(rows.map(({ start }) => start));
  return {
    count: rows.length,
    traceOf: rows.map(({ trace }) => trace),
    traces,
    starts: new Uint32Array(starts.buffer),
  };
}

const rowOfParent = (rows: readonly Row[]) => (row: number) => {
  const { trace, parent } = rows[row] ?? { trace: -1, parent: 0 };
  return parent === 0 ? -1 : rows.findIndex((one) => one.trace === trace && one.id === parent);
};

/** The id that each row's parent has after writing and reading; what is elsewhere keeps its own. */
function restored(rows: readonly Row[], traces: number): number[] {
  const places = placeParents(columnsOf(rows, traces), rowOfParent(rows));
  const read = parentRows(columnsOf(rows, traces), (row) =>
    places[row] === ELSEWHERE ? undefined : places[row],
  );
  return rows.map(({ parent }, row) => {
    const from = read[row] ?? -1;
    return from < 0 ? parent : (rows[from]?.id ?? -1);
  });
}

function randomRows(random: Random): { rows: Row[]; traces: number } {
  const traces = random.between(1, 5);
  const ids = random.between(1, 40);
  // Few different times in half of the cases: many spans start at once.
  const times = random.chance(0.5) ? 3 : 1_000_000;
  const base = random.pick([
    0n,
    1_700_000_000_000_000_000n,
    2n ** 64n - 2_000_000n,
    2n ** 32n - 2n,
  ]);
  const rows = Array.from({ length: random.between(0, 120) }, () => ({
    trace: random.below(traces),
    // Ids repeat, within a trace and between traces; parents may be the row itself, form a circle,
    // or be of no row.
    id: random.between(1, ids),
    parent: random.chance(0.1) ? 0 : random.between(1, ids + 5),
    start: base + BigInt(random.below(times)),
  }));
  return { rows, traces };
}

test('every parent id comes back, whatever the ids, the times and the order of rows', () => {
  const random = new Random(11);
  let placed = 0;
  for (let round = 0; round < 2000; round++) {
    const { rows, traces } = randomRows(random);
    expect(restored(rows, traces)).toEqual(rows.map(({ parent }) => parent));
    const places = placeParents(columnsOf(rows, traces), rowOfParent(rows));
    placed += places.filter((place) => place !== ELSEWHERE).length;
  }
  expect(placed).toBeGreaterThan(50_000);
});

test('a place counts back along the trace in the order of start, then of position', () => {
  const rows: Row[] = [
    { trace: 0, id: 1, parent: 0, start: 10n },
    { trace: 1, id: 1, parent: 9, start: 10n },
    { trace: 0, id: 3, parent: 2, start: 20n },
    { trace: 0, id: 2, parent: 3, start: 20n },
    { trace: 0, id: 4, parent: 1, start: 5n },
    { trace: 0, id: 5, parent: 5, start: 30n },
  ];
  const places = placeParents(columnsOf(rows, 2), rowOfParent(rows));
  expect([...places]).toEqual([ELSEWHERE, ELSEWHERE, -1, 1, -1, 0]);
});

test('some traces can be read without the others of their row group', () => {
  const random = new Random(3);
  for (let round = 0; round < 200; round++) {
    const { rows, traces } = randomRows(random);
    const places = placeParents(columnsOf(rows, traces), rowOfParent(rows));
    const of = random.below(traces);
    const kept = rows.flatMap((row, i) => (row.trace === of ? [{ row, place: places[i] }] : []));
    const some = kept.map(({ row }) => ({ ...row, trace: 0 }));
    const read = parentRows(columnsOf(some, 1), (row) =>
      kept[row]?.place === ELSEWHERE ? undefined : kept[row]?.place,
    );
    const parents = some.map(({ parent }, row) => {
      const from = read[row] ?? -1;
      return from < 0 ? parent : some[from]?.id;
    });
    expect(parents).toEqual(some.map(({ parent }) => parent));
  }
});

test('a place outside of the trace is an error', () => {
  const rows = columnsOf([{ trace: 0, id: 1, parent: 0, start: 1n }], 1);
  expect(() => parentRows(rows, () => 1)).toThrow(RangeError);
  expect(() => parentRows(rows, () => -1)).toThrow(RangeError);
});
