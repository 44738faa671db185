/** Conditions on the trace as a whole (its duration, its root) inside a filter of spans. For one
 *  trace each such condition is true or false of all its spans alike, so a filter falls apart into
 *  cases: for each way the conditions can come out, a filter of spans alone. A search asks each case
 *  and keeps the traces that the case is about; no case is about the same trace as another. */

import { EVERY, type Field, type Filter, NONE, type Scalar, type TraceField } from './ast.ts';
import { compareScalars } from './compare.ts';
import { compileRegex } from '../lib/regex.ts';

/** Every case is a search of its own: 2^n of them at worst. */
export const TRACE_CONDITIONS_MAX = 5;

export type TraceFacts = Readonly<Record<TraceField, Scalar>>;

/** What is known of a trace, or of every one of many; what is absent may be anything. */
export interface PossibleFacts {
  readonly durationNano?: { readonly least: bigint; readonly most: bigint } | undefined;
  readonly rootService?: string | undefined;
  readonly rootName?: string | undefined;
}

export interface TraceCase {
  /** Of spans alone. */
  readonly spans: Filter;
  /** Whether the case is about a trace of which this is known. */
  isFor(facts: TraceFacts): boolean;
  /** False only when it is about no trace of which this is known. */
  mayBeFor(known: PossibleFacts): boolean;
  /** What the conditions ask for. */
  readonly asks: ReadonlySet<TraceField>;
}

/** One case and no condition for a filter that asks nothing of the trace. Cases that no span can
 *  match are left out. Throws RangeError for more than TRACE_CONDITIONS_MAX conditions, RegexError
 *  for a pattern that is no RE2 expression. */
export function traceCases(filter: Filter): TraceCase[] {
  const conditions = new Map<string, Condition>();
  for (const leaf of traceLeaves(filter)) conditions.set(idOf(leaf), compileLeaf(leaf));
  if (conditions.size > TRACE_CONDITIONS_MAX) {
    throw new RangeError(
      `the filter has ${conditions.size} conditions on the trace as a whole, ` +
        `at most ${TRACE_CONDITIONS_MAX} are possible`,
    );
  }
  const ids = [...conditions.keys()];
  const cases = new Map<string, { spans: Filter; outcomes: Set<number> }>();
  for (let outcome = 0; outcome < 2 ** ids.length; outcome++) {
    const spans = assume(filter, (leaf) => isSet(outcome, ids.indexOf(idOf(leaf))));
    const key = idOf(spans);
    if (key === idOf(NONE)) continue;
    const known = cases.get(key) ?? { spans, outcomes: new Set() };
    known.outcomes.add(outcome);
    cases.set(key, known);
  }
  const tests = [...conditions.values()];
  const outcomeOf = (facts: TraceFacts): number =>
    tests.reduce((bits, { name, test }, i) => bits + (test(facts[name]) ? 2 ** i : 0), 0);
  const asks = new Set(tests.map(({ name }) => name));
  return [...cases.values()].map(({ spans, outcomes }) => ({
    spans,
    asks,
    isFor: (facts) => outcomes.has(outcomeOf(facts)),
    mayBeFor: (known) => {
      const certain = tests.map((each) => certainly(each, known));
      return [...outcomes].some((bits) =>
        certain.every((is, i) => is === undefined || is === isSet(bits, i)),
      );
    },
  }));
}

/** How many different conditions on the trace the filter has. */
export function countTraceConditions(filter: Filter): number {
  return new Set(traceLeaves(filter).map(idOf)).size;
}

type Leaf = Extract<Filter, { field: Field }>;
type TraceLeaf = Leaf & { readonly field: { readonly kind: 'trace' } };

function isTraceLeaf(filter: Filter): filter is TraceLeaf {
  return 'field' in filter && filter.field.kind === 'trace';
}

function traceLeaves(filter: Filter): TraceLeaf[] {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.of.flatMap(traceLeaves);
    case 'not':
    case 'some':
      return traceLeaves(filter.of);
    default:
      return isTraceLeaf(filter) ? [filter] : [];
  }
}

/** The filter with each condition on the trace replaced by what it is assumed to be. */
function assume(filter: Filter, isTrue: (leaf: TraceLeaf) => boolean): Filter {
  switch (filter.op) {
    case 'and':
      return joined(filter, isTrue, { neutral: EVERY, decisive: NONE });
    case 'or':
      return joined(filter, isTrue, { neutral: NONE, decisive: EVERY });
    case 'not': {
      const inner = assume(filter.of, isTrue);
      if (isSame(inner, EVERY)) return NONE;
      return isSame(inner, NONE) ? EVERY : { op: 'not', of: inner };
    }
    case 'some': {
      const inner = assume(filter.of, isTrue);
      // Of no element nothing is true, but EVERY still needs one to be there.
      return isSame(inner, NONE) ? NONE : { ...filter, of: inner };
    }
    default:
      if (!isTraceLeaf(filter)) return filter;
      return isTrue(filter) ? EVERY : NONE;
  }
}

function joined(
  filter: Extract<Filter, { op: 'and' | 'or' }>,
  isTrue: (leaf: TraceLeaf) => boolean,
  { neutral, decisive }: { neutral: Filter; decisive: Filter },
): Filter {
  const inner = filter.of.map((each) => assume(each, isTrue));
  if (inner.some((each) => isSame(each, decisive))) return decisive;
  const left = inner.filter((each) => !isSame(each, neutral));
  return left.length === 1 ? (left[0] ?? neutral) : { op: filter.op, of: left };
}

function isSame(filter: Filter, constant: Filter): boolean {
  return (
    'of' in filter &&
    Array.isArray(filter.of) &&
    filter.of.length === 0 &&
    filter.op === constant.op
  );
}

/** What a leaf says of one of the facts. */
interface Condition {
  readonly name: TraceField;
  readonly test: (value: Scalar) => boolean;
  /** Of numbers that pass, all between two pass; and so it is with those that do not. */
  readonly isSteady: boolean;
}

function compileLeaf(leaf: TraceLeaf): Condition {
  const { name } = leaf.field;
  switch (leaf.op) {
    case 'compare': {
      const isSteady = leaf.by !== '=' && leaf.by !== '!=';
      return { name, isSteady, test: (value) => compareScalars(value, leaf.by, leaf.value) };
    }
    case 'in': {
      const { values } = leaf;
      const test = (fact: Scalar) => values.some((value) => compareScalars(fact, '=', value));
      return { name, isSteady: false, test };
    }
    case 'regex': {
      const pattern = compileRegex(leaf.pattern);
      const test = (value: Scalar) => typeof value === 'string' && pattern.isIn(value);
      return { name, isSteady: true, test };
    }
    case 'exists':
      return { name, isSteady: true, test: (value) => value !== '' };
  }
}

/** Undefined where it may come out either way. */
function certainly({ name, test, isSteady }: Condition, known: PossibleFacts): boolean | undefined {
  if (name !== 'durationNano') {
    const value = known[name];
    return value === undefined ? undefined : test(value);
  }
  if (known.durationNano === undefined) return undefined;
  const { least, most } = known.durationNano;
  const [atLeast, atMost] = [test(least), test(most)];
  if (least === most) return atLeast;
  return isSteady && atLeast === atMost ? atLeast : undefined;
}

function isSet(bits: number, index: number): boolean {
  return Math.floor(bits / 2 ** index) % 2 === 1;
}

/** Equal filters have equal texts. */
function idOf(filter: Filter): string {
  return JSON.stringify(filter, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    // JSON has no word for these.
    return typeof value === 'number' && !Number.isFinite(value) ? `${value}f` : value;
  });
}
