import { expect, test } from 'vitest';
import { bucketOf } from '../../../model/duration-histogram.ts';
import { type PlainSpan, spans } from '../../conformance/plain-spans.ts';
import { Chance, randomSpans } from '../../conformance/random-spans.ts';
import type { KnownSpan } from '../../conformance/oracle.ts';
import { redOfBatch } from '../encode/red-rows.ts';
import { packRed, unpackRed } from './codec.ts';
import { foldOperations, mergeRed, sumMinutes } from './merge.ts';
import { codeOfBucket, MINUTE_NANO, type RedPartial, SLOWEST, SLOWEST_ERROR } from './partial.ts';

const START = 1_731_000_000_000_000_000n;
const chance = new Chance(7);

const some = (traces: number): KnownSpan[] =>
  randomSpans(chance, { traces, startNano: START, spreadNano: 600_000_000_000n });

const partialOf = (plain: readonly PlainSpan[]): RedPartial => redOfBatch(spans('t', plain));

/** The cells as objects, without what two ways of adding up may tell apart. */
function cellsOf({ operations, cells }: RedPartial) {
  return Array.from({ length: cells.count }, (_, i) => {
    const { service, name, kind, isRest } = operations[cells.operations[i]!]!;
    const [from, to] = [cells.starts[i]!, cells.starts[i + 1]!];
    return {
      id: `${service} ${name} ${kind} ${isRest} ${cells.minutes[i]!}`,
      calls: cells.calls[i]!,
      errors: cells.errors[i]!,
      sum: cells.sums[i]!,
      min: cells.mins[i]!,
      max: cells.maxs[i]!,
      histogram: Array.from({ length: to - from }, (__, j) => [
        cells.codes[from + j]!,
        cells.counts[from + j]!,
      ]),
    };
  }).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function cellsBySpan(all: readonly KnownSpan[]) {
  const groups = Map.groupBy(
    all,
    ({ service = '', name, kind, startNano }) =>
      `${service} ${name} ${kind} false ${startNano / MINUTE_NANO}`,
  );
  return [...groups]
    .map(([id, of]) => {
      const durations = of.map(({ startNano, endNano }) => Number(endNano - startNano));
      const codes = Map.groupBy(durations, (duration) => codeOfBucket(bucketOf(duration)));
      return {
        id,
        calls: of.length,
        errors: of.filter(({ status }) => status === 2).length,
        sum: durations.reduce((sum, duration) => sum + duration, 0),
        min: Math.min(...durations),
        max: Math.max(...durations),
        histogram: [...codes]
          .map(([code, same]) => [code, same.length])
          .toSorted(([a = 0], [b = 0]) => a - b),
      };
    })
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function edgesOf({ edges }: RedPartial) {
  return edges
    .map(({ parent, child, minute, ...counts }) => ({
      id: `${parent} ${child} ${minute}`,
      ...counts,
    }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

test('a partial counts every span once, in its operation and minute', () => {
  const all = some(300);
  expect(cellsOf(partialOf(all))).toEqual(cellsBySpan(all));
});

test('partials of parts add up to that of the whole', () => {
  const all = some(300);
  const parts = [0, 1, 2].map((part) => partialOf(all.filter((_, i) => i % 3 === part)));
  const merged = mergeRed(parts);
  expect(cellsOf(merged)).toEqual(cellsBySpan(all));
  expect(merged.unresolved).toBe(parts.reduce((sum, { unresolved }) => sum + unresolved, 0));
});

test('edges are by the minute of the call; a parent that is not there is counted as unresolved', () => {
  const traceId = 'a'.repeat(32);
  const span = (id: number, parent: number, more: PlainSpan): PlainSpan => ({
    traceId,
    spanId: id.toString(16).padStart(16, '0'),
    parentSpanId: parent === 0 ? '' : parent.toString(16).padStart(16, '0'),
    startNano: START,
    ...more,
  });
  const minute = Number(START / MINUTE_NANO);
  const partial = partialOf([
    span(1, 0, { service: 'client', kind: 3 }),
    span(1, 0, { service: 'front', kind: 2 }),
    span(2, 1, { service: 'cart', status: 2 }),
    span(3, 1, { service: 'cart', startNano: START + MINUTE_NANO }),
    span(4, 99, { service: 'lost' }),
    { traceId: 'b'.repeat(32), parentSpanId: '0000000000000001', startNano: START },
  ]);
  expect(partial.edges).toEqual([
    { parent: 'front', child: 'cart', minute, calls: 1, errors: 1 },
    { parent: 'front', child: 'cart', minute: minute + 1, calls: 1, errors: 0 },
  ]);
  expect(partial.unresolved).toBe(2);
});

test('exemplars are the slowest trace and the slowest in error', () => {
  const of = (id: string, ms: number, status: number): PlainSpan => ({
    traceId: id.repeat(32),
    startNano: START,
    endNano: START + BigInt(ms) * 1_000_000n,
    status,
  });
  const { cells } = mergeRed([
    partialOf([of('a', 5, 0), of('b', 9, 0), of('c', 7, 2)]),
    partialOf([of('d', 6, 2)]),
  ]);
  expect(cells.exemplars[0]).toBe(SLOWEST | SLOWEST_ERROR);
  const hex = Buffer.from(cells.exemplarIds).toString('hex');
  expect(hex).toBe('b'.repeat(32) + 'c'.repeat(32));
});

test('times far apart, ends before starts and numbers beyond 2^53 are counted', () => {
  const far: KnownSpan[] = [
    0n,
    START,
    START + 59_999_999_999n,
    2n ** 63n,
    2n ** 64n - 1n,
    MINUTE_NANO * 28_000_000n - 1n,
  ].map((startNano, i) => ({
    traceId: `${i}`.repeat(32),
    spanId: `${i}`.repeat(16),
    startNano,
    endNano: startNano,
    service: 's',
    name: 'n',
    kind: 1,
    status: 0,
  }));
  expect(cellsOf(partialOf(far))).toEqual(cellsBySpan(far));
  const odd = partialOf([
    { startNano: 5n, endNano: 2n },
    { startNano: 5n, endNano: 5n + 2n ** 62n + 1n },
  ]);
  expect([odd.cells.mins[0], odd.cells.maxs[0]]).toEqual([0, 2 ** 62]);
});

test('a partial is read back from its bytes as it was', () => {
  for (const partial of [partialOf(some(200)), partialOf([])]) {
    expect(unpackRed(packRed(partial))).toEqual(partial);
  }
});

/** As the first version wrote it: histograms between the other columns, in one frame. */
const FIRST_FORM =
  'KLUv/SB+rQIAhAQBBARzaG9wBUdFVCAvBGNhcnQAAgABAgIDCwLQ7uANAAEAAwMBAQCwCQEAsEPIAdgEAgHTAR2BDwEC' +
  'AQMABwEAAtPu4A0BAAQEALj2QcEuRXaBMg==';

test('a partial of the first form is read', () => {
  const { operations, cells, edges, unresolved } = unpackRed(Buffer.from(FIRST_FORM, 'base64'));
  expect(operations).toEqual([
    { service: 'shop', name: 'GET /', kind: 2, isRest: false },
    { service: 'cart', name: '', kind: 3, isRest: true },
  ]);
  expect(cells).toMatchObject({
    count: 2,
    calls: Uint32Array.of(3, 1),
    errors: Uint32Array.of(1, 0),
  });
  expect(cells).toMatchObject({
    codes: Uint16Array.of(211, 240, 1921),
    counts: Uint32Array.of(1, 2, 1),
  });
  expect([...cells.exemplars]).toEqual([3, 0]);
  expect(edges).toEqual([{ parent: 'shop', child: 'cart', minute: 28850003, calls: 1, errors: 0 }]);
  expect(unresolved).toBe(4);
});

test('minutes as one count the same spans', () => {
  const partial = partialOf(some(200));
  const summed = sumMinutes(partial);
  expect(summed.cells.count).toBe(summed.operations.length);
  const first = Math.min(...partial.cells.minutes);
  const moved = { ...partial.cells, minutes: partial.cells.minutes.map(() => first) };
  const twice = mergeRed([{ ...partial, cells: moved, edges: [] }, partialOf([])]);
  expect(cellsOf(summed)).toEqual(cellsOf(twice));
  const calls = ({ edges }: RedPartial) => edges.reduce((sum, edge) => sum + edge.calls, 0);
  expect(calls(summed)).toBe(calls(partial));
});

test('beyond the bound the rarest operations are one, and nothing is lost', () => {
  const all = some(300);
  const whole = partialOf(all);
  const folded = foldOperations(whole, 5);
  expect(folded.operations.filter(({ isRest }) => !isRest)).toHaveLength(5);
  const calls = ({ cells }: RedPartial) => cells.calls.reduce((sum, count) => sum + count, 0);
  expect(calls(folded)).toBe(calls(whole));
  expect(unpackRed(packRed(folded))).toEqual(folded);
  expect(edgesOf(folded)).toEqual(edgesOf(whole));
});
