import { expect, test } from 'vitest';
import { EVERY, type Filter, intrinsic, NONE } from './ast.ts';
import { countTraceConditions, type PossibleFacts, traceCases } from './trace-conditions.ts';

const isLong: Filter = {
  op: 'compare',
  field: { kind: 'trace', name: 'durationNano' },
  by: '>',
  value: 1_000n,
};
const isShop: Filter = {
  op: 'in',
  field: { kind: 'trace', name: 'rootService' },
  values: ['shop', 'store'],
};
const isCart: Filter = { op: 'compare', field: intrinsic('name'), by: '=', value: 'cart' };
const not = (of: Filter): Filter => ({ op: 'not', of });
const and = (...of: Filter[]): Filter => ({ op: 'and', of });
const or = (...of: Filter[]): Filter => ({ op: 'or', of });

const facts = { durationNano: 2_000n, rootService: 'shop', rootName: 'GET /' };
const short = { ...facts, durationNano: 5n };

/** The filter of spans that is asked for a trace of these facts. */
function asked(filter: Filter, of: typeof facts): Filter[] {
  return traceCases(filter)
    .filter((each) => each.isFor(of))
    .map(({ spans }) => spans);
}

test.each<[string, Filter, Filter[], Filter[]]>([
  ['a filter of spans is one case', isCart, [isCart], [isCart]],
  ['a condition on the trace alone asks every span', isLong, [EVERY], []],
  ['and', and(isCart, isLong), [isCart], []],
  ['or', or(isCart, isLong), [EVERY], [isCart]],
  ['not', and(isCart, not(isLong)), [], [isCart]],
  ['two conditions', and(isCart, isLong, isShop), [isCart], []],
  ['the same condition twice is one', and(isLong, or(isLong, isCart)), [EVERY], []],
  [
    'inside some',
    { op: 'some', in: 'event', of: and(isLong, isCart) },
    [{ op: 'some', in: 'event', of: isCart }],
    [],
  ],
  [
    'some of nothing but the trace asks for an event',
    { op: 'some', in: 'event', of: isLong },
    [{ op: 'some', in: 'event', of: EVERY }],
    [],
  ],
  ['what no span can match is no case', and(isLong, NONE), [], []],
])('%s', (_, filter, ofLong, ofShort) => {
  expect(asked(filter, facts)).toEqual(ofLong);
  expect(asked(filter, short)).toEqual(ofShort);
});

test('every trace is of at most one case', () => {
  const filter = or(and(isLong, isCart), and(isShop, not(isCart)), not(isShop));
  for (const durationNano of [0n, 5_000n]) {
    for (const rootService of ['shop', 'other']) {
      expect(asked(filter, { ...facts, durationNano, rootService }).length).toBeLessThan(2);
    }
  }
});

test('conditions are counted once each, and there may not be too many', () => {
  expect(countTraceConditions(and(isLong, isShop, isLong, isCart))).toBe(2);
  const many = Array.from({ length: 6 }, (_, i) => ({ ...isLong, value: BigInt(i) }));
  expect(() => traceCases(or(...many))).toThrow('at most 5');
});

test('a case is ruled out only by what is certain', () => {
  const mayBe = (filter: Filter, known: PossibleFacts) =>
    traceCases(filter).some((each) => each.mayBeFor(known));
  const between = (least: bigint, most: bigint) => ({ durationNano: { least, most } });
  expect(mayBe(isLong, {})).toBe(true);
  expect(mayBe(isLong, between(0n, 1_000n))).toBe(false);
  expect(mayBe(isLong, between(0n, 1_001n))).toBe(true);
  expect(mayBe(and(not(isLong), isCart), between(1_001n, 9_000n))).toBe(false);
  expect(mayBe(and(isLong, isShop), { ...between(5_000n, 5_000n), rootService: 'cart' })).toBe(
    false,
  );
  expect(mayBe(and(isLong, isShop), { rootService: 'shop' })).toBe(true);
  // What is true only between the two ends.
  const exactly: Filter = { ...isLong, by: '=' };
  expect(mayBe(exactly, between(0n, 9_000n))).toBe(true);
  expect(mayBe(exactly, between(9_000n, 9_000n))).toBe(false);
  expect(mayBe(not(exactly), between(1_000n, 1_000n))).toBe(false);
});
