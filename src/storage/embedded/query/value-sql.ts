/** Tests of one value as SQL, by the value's type. They come to the answers of compare.ts, which
 *  DuckDB's own operators do not always: it compares int with double inexactly and takes NaN for
 *  the largest number. */

import type { Comparison, Scalar } from '../../../filter/ast.ts';
import { compareScalars } from '../../../filter/compare.ts';
import type { ScalarType } from '../tagged-text.ts';
import { allTrue, anyTrue, FALSE, type SqlBuilder } from './sql-builder.ts';

/** A condition on a value that is not null, given as an SQL expression of the test's type. */
export type Condition = (value: string) => string;

export interface ValueTest {
  /** Types without an entry never pass. */
  readonly byType: Partial<Record<ScalarType, Condition>>;
  /** Of an unsigned integer. */
  readonly unsigned?: Condition | undefined;
  /** When only a few values pass: their types and texts, for a substring search. */
  readonly exactly?: readonly { readonly type: ScalarType; readonly text: string }[] | undefined;
  /** The same in JavaScript, for values that are known before the query runs. */
  readonly passes: (value: Scalar) => boolean;
}

interface IntRange {
  readonly min: bigint;
  readonly max: bigint;
  readonly type: 'BIGINT' | 'UBIGINT';
}

const SIGNED: IntRange = { min: -(2n ** 63n), max: 2n ** 63n - 1n, type: 'BIGINT' };
const UNSIGNED: IntRange = { min: 0n, max: 2n ** 64n - 1n, type: 'UBIGINT' };

export function comparisonTest(sql: SqlBuilder, by: Comparison, right: Scalar): ValueTest {
  const passes = (left: Scalar) => compareScalars(left, by, right);
  if (typeof right === 'string') {
    const string: Condition = (value) => `${value} ${sqlOf(by)} ${sql.text(right)}`;
    const exactly = by === '=' ? [{ type: 'string' as const, text: right }] : undefined;
    return { byType: { string }, exactly, passes };
  }
  if (typeof right === 'boolean') {
    if (by !== '=' && by !== '!=') return { byType: {}, exactly: [], passes };
    const wanted = (by === '=') === right;
    const bool: Condition = (value) => (wanted ? value : `NOT ${value}`);
    return { byType: { bool }, exactly: [{ type: 'bool', text: String(wanted) }], passes };
  }
  const byType = {
    int: intCondition(sql, { by, right }, SIGNED),
    double: doubleCondition(sql, by, right),
  };
  const unsigned = intCondition(sql, { by, right }, UNSIGNED);
  return { byType, unsigned, exactly: by === '=' ? numberTexts(right) : undefined, passes };
}

export function inTest(sql: SqlBuilder, values: readonly Scalar[]): ValueTest {
  return anyTest(values.map((value) => comparisonTest(sql, '=', value)));
}

export function regexTest(
  sql: SqlBuilder,
  pattern: string,
  matches: (text: string) => boolean,
): ValueTest {
  return {
    byType: { string: (value) => `regexp_matches(${value}, ${sql.text(pattern)})` },
    passes: (value) => typeof value === 'string' && matches(value),
  };
}

/** Equal text forms, of whatever type. */
export function looseTest(sql: SqlBuilder, text: string): ValueTest {
  const tests = [comparisonTest(sql, '=', text)];
  if (/^(0|-?[1-9]\d*)$/.test(text))
    tests.push(onlyOf('int', comparisonTest(sql, '=', BigInt(text))));
  if (text === 'NaN') tests.push(nanTest);
  else if (String(Number(text)) === text) {
    tests.push(onlyOf('double', comparisonTest(sql, '=', Number(text))));
  }
  if (text === 'true' || text === 'false') tests.push(comparisonTest(sql, '=', text === 'true'));
  return anyTest(tests);
}

const nanTest: ValueTest = {
  byType: { double: (value) => `isnan(${value})` },
  passes: (value) => typeof value === 'number' && Number.isNaN(value),
};

function onlyOf(type: ScalarType, test: ValueTest): ValueTest {
  const condition = test.byType[type];
  return {
    byType: condition === undefined ? {} : { [type]: condition },
    exactly: test.exactly?.filter((exact) => exact.type === type),
    passes: test.passes,
  };
}

function anyTest(tests: readonly ValueTest[]): ValueTest {
  const exactly = tests.flatMap((test) => test.exactly ?? []);
  const all = (type: ScalarType): Condition | undefined => {
    const conditions = tests.map((test) => test.byType[type]).filter((each) => each !== undefined);
    if (conditions.length === 0) return undefined;
    return (value) => anyTrue(conditions.map((condition) => condition(value)));
  };
  const byType: Partial<Record<ScalarType, Condition>> = {};
  for (const type of ['string', 'int', 'double', 'bool'] as const) {
    const condition = all(type);
    if (condition !== undefined) byType[type] = condition;
  }
  const unsigned = tests.map((test) => test.unsigned).filter((each) => each !== undefined);
  return {
    byType,
    unsigned: (value) => anyTrue(unsigned.map((condition) => condition(value))),
    exactly: tests.every((test) => test.exactly !== undefined) ? exactly : undefined,
    passes: (value) => tests.some((test) => test.passes(value)),
  };
}

/** The texts of the int and the double that equal a number, where there are such. */
function numberTexts(right: bigint | number): { type: ScalarType; text: string }[] {
  const texts: { type: ScalarType; text: string }[] = [];
  const int = exactInt(right);
  if (int !== undefined) texts.push({ type: 'int', text: String(int) });
  const double = Number(right);
  if (compareScalars(double, '=', right)) texts.push({ type: 'double', text: String(double) });
  if (double === 0) texts.push({ type: 'double', text: '-0' });
  return texts;
}

function exactInt(right: bigint | number): bigint | undefined {
  if (typeof right === 'bigint') return right;
  return Number.isInteger(right) ? BigInt(right) : undefined;
}

/** An integer column against any number, exactly. */
function intCondition(
  sql: SqlBuilder,
  { by, right }: { by: Comparison; right: bigint | number },
  range: IntRange,
): Condition {
  const always: Condition = (value) => `${value} IS NOT NULL`;
  const never: Condition = () => FALSE;
  const int = exactInt(right);
  // Outside of the range, not a number, or between two integers: a neighbour decides.
  if (int === undefined || int < range.min || int > range.max) {
    const below = compareScalars(range.min, '>', right);
    const above = compareScalars(range.max, '<', right);
    if (below || above || Number.isNaN(right)) {
      return compareScalars(range.min, by, right) ? always : never;
    }
    const floor = BigInt(Math.floor(Number(right)));
    if (by === '=') return never;
    if (by === '!=') return always;
    const isLess = by === '<' || by === '<=';
    return (value) => `${value} ${isLess ? '<=' : '>'} ${sql.bind(floor, range.type)}`;
  }
  return (value) => `${value} ${sqlOf(by)} ${sql.bind(int, range.type)}`;
}

/** A double column against any number, exactly. An int that is no double is compared through the
 *  double nearest to it: no other double lies between the two. */
function doubleCondition(sql: SqlBuilder, by: Comparison, right: bigint | number): Condition {
  const double = Number(right);
  const isExact = compareScalars(double, '=', right);
  if (!isExact && by === '=') return () => FALSE;
  if (!isExact && by === '!=') return (value) => `${value} IS NOT NULL`;
  if (Number.isNaN(double)) return () => FALSE;
  const operator = isExact ? by : besides(by, compareScalars(double, '>', right));
  const isMore = operator === '>' || operator === '>=';
  return (value) => {
    const condition = `${value} ${sqlOf(operator)} ${sql.bind(double, 'DOUBLE')}`;
    return isMore ? allTrue([condition, `NOT isnan(${value})`]) : condition;
  };
}

/** The operator against a neighbour that lies above or below the number meant. */
function besides(by: Comparison, isAbove: boolean): Comparison {
  if (by === '<' || by === '<=') return isAbove ? '<' : '<=';
  return isAbove ? '>=' : '>';
}

function sqlOf(by: Comparison): string {
  return by === '!=' ? '<>' : by;
}
