/** The structured filter of api_v3's `query.filter` (Jaeger's RFC 0005): a JSON tree of calls over
 *  references and constants, as protobuf's JSON writes `jaeger.expression.v1.Call`.
 *
 *    {"op":"and","args":[
 *      {"call":{"op":"eq","args":[{"attr":{"key":"http.status_code"}},{"scalar":{"value":"500"}}]}},
 *      {"call":{"op":"gt","args":[{"field":{"level":"span","name":"duration"}},
 *                                 {"scalar":{"value":"2s"}}]}}]}
 *
 *  An attribute without a level is the span's or the resource's. A constant without a type beside an
 *  attribute matches whatever the attribute was stored as. `ne` and `not_in` want the reference to
 *  be there. Beyond the RFC there is a level `trace` with the fields duration, rootService and
 *  rootName. Comparing two references is not possible here. */

import type { Comparison, Field, Filter } from '../../filter/ast.ts';
import { compileRegex } from '../../lib/regex.ts';
import { messageOf } from '../../lib/errors.ts';
import { QueryError } from '../error.ts';
import { type Constant, parseConstant, parseList, scalarsOf } from './constants.ts';
import { isOrdered, parseReference, type Reference } from './references.ts';
import { entry, member, type Place, refuse, textMember } from './place.ts';

const DEPTH_MAX = 20;
const TEXT_MAX = 64 * 1024;
const NODES_MAX = 1000;

/** Throws QueryError 'bad_request' that names the place in the tree. */
export function parseStructuredFilter(text: string): Filter {
  if (text.length > TEXT_MAX) throw malformed(`it is longer than ${TEXT_MAX} characters`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw malformed(`it is no JSON: ${messageOf(cause)}`);
  }
  const place: Place = { path: 'filter', depth: 0, nodes: { count: 0 }, bound: [] };
  try {
    return parseCall(unwrap(parsed), place);
  } catch (cause) {
    throw cause instanceof QueryError ? malformed(cause.message) : cause;
  }
}

function malformed(why: string): QueryError {
  return new QueryError('bad_request', `malformed parameter query.filter: ${why}`);
}

/** A whole expression is taken as well as the bare call. */
function unwrap(value: unknown): unknown {
  return member(value, 'call') ?? value;
}

type Parse = (args: readonly unknown[], place: Place) => Filter;

const OPERATORS: Readonly<Record<string, Parse>> = {
  and: (args, place) => ({ op: 'and', of: predicates(args, place, 2) }),
  or: (args, place) => ({ op: 'or', of: predicates(args, place, 2) }),
  not: (args, place) => ({ op: 'not', of: predicate(only(args, place, 1), 0, place) }),
  eq: (args, place) => comparison(args, place, '='),
  ne: (args, place) => negated(args, place, comparison(args, place, '=')),
  gt: (args, place) => comparison(args, place, '>'),
  gte: (args, place) => comparison(args, place, '>='),
  lt: (args, place) => comparison(args, place, '<'),
  lte: (args, place) => comparison(args, place, '<='),
  in: membership,
  not_in: (args, place) => negated(args, place, membership(args, place)),
  regex: pattern,
  exists: (args, place) => {
    const reference = parseReference(only(args, place, 1)[0], entry(place, 'args[0]'));
    return anyField(reference, (field) => ({ op: 'exists', field }));
  },
  some: quantified,
};

function parseCall(value: unknown, place: Place): Filter {
  if (place.depth >= DEPTH_MAX) throw refuse(place, `calls nest deeper than ${DEPTH_MAX}`);
  if (++place.nodes.count > NODES_MAX) throw refuse(place, `it has more than ${NODES_MAX} calls`);
  if (typeof value !== 'object' || value === null || !('op' in value) || !('args' in value)) {
    throw refuse(place, 'expected a call: {"op": …, "args": […]}');
  }
  const { op, args } = value;
  const parse = typeof op === 'string' && Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined;
  if (parse === undefined) {
    const known = Object.keys(OPERATORS).join(', ');
    throw refuse(place, `unknown operator ${JSON.stringify(op)}; there are ${known}`);
  }
  if (!Array.isArray(args)) throw refuse(place, '"args" must be a list');
  return parse(args, place);
}

function only(args: readonly unknown[], place: Place, count: number): readonly unknown[] {
  if (args.length === count) return args;
  throw refuse(place, `the operator takes ${count} argument(s), got ${args.length}`);
}

function predicates(args: readonly unknown[], place: Place, least: number): Filter[] {
  if (args.length < least) {
    throw refuse(place, `the operator takes at least ${least} arguments, got ${args.length}`);
  }
  return args.map((_, i) => predicate(args, i, place));
}

function predicate(args: readonly unknown[], index: number, place: Place): Filter {
  const call = member(args[index], 'call');
  const at = entry(place, `args[${index}]`);
  if (call === undefined) throw refuse(at, 'expected a predicate: {"call": …}');
  return parseCall(call, at);
}

/** The value is there and none of the wanted. */
function negated(args: readonly unknown[], place: Place, wanted: Filter): Filter {
  const { reference } = sides(args, place);
  const isThere = anyField(reference, (field) => ({ op: 'exists', field }));
  return { op: 'and', of: [isThere, { op: 'not', of: wanted }] };
}

const REVERSED: Readonly<Record<Comparison, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

interface Sides {
  readonly reference: Reference;
  readonly other: unknown;
  readonly otherPlace: Place;
  /** The reference is the second argument. */
  readonly isReversed: boolean;
}

function sides(args: readonly unknown[], place: Place): Sides {
  const [left, right] = only(args, place, 2);
  const isReversed = isConstant(left) && !isConstant(right);
  if (isConstant(left) && isConstant(right)) {
    throw refuse(place, 'one of the two must be a reference: {"attr": …} or {"field": …}');
  }
  const [first, second] = isReversed ? [1, 0] : [0, 1];
  return {
    reference: parseReference(args[first], entry(place, `args[${first}]`)),
    other: args[second],
    otherPlace: entry(place, `args[${second}]`),
    isReversed,
  };
}

function isConstant(value: unknown): boolean {
  return member(value, 'scalar') !== undefined || member(value, 'list') !== undefined;
}

function comparison(args: readonly unknown[], place: Place, operator: Comparison): Filter {
  const { reference, other, otherPlace, isReversed } = sides(args, place);
  const by = isReversed ? REVERSED[operator] : operator;
  const constant = parseConstant(other, reference, otherPlace);
  if (by !== '=' && !isOrdered(reference, constant.type)) {
    throw refuse(place, 'these values have no order: compare with eq, ne, in or not_in');
  }
  return anyField(reference, (field) => compared(field, by, constant));
}

function compared(field: Field, by: Comparison, constant: Constant): Filter {
  const values = scalarsOf(constant);
  if (by === '=') return { op: 'in', field, values };
  const each = values.map((value): Filter => ({ op: 'compare', field, by, value }));
  return each.length === 1 && each[0] !== undefined ? each[0] : { op: 'or', of: each };
}

function membership(args: readonly unknown[], place: Place): Filter {
  const { reference, other, otherPlace, isReversed } = sides(args, place);
  if (isReversed) throw refuse(place, 'the list is the second argument');
  const values = parseList(other, reference, otherPlace).flatMap(scalarsOf);
  return anyField(reference, (field) => ({ op: 'in', field, values }));
}

function pattern(args: readonly unknown[], place: Place): Filter {
  const { reference, other, otherPlace, isReversed } = sides(args, place);
  if (isReversed) throw refuse(place, 'the pattern is the second argument');
  if (reference.holds === 'duration' || reference.holds === 'time') {
    throw refuse(place, `a pattern matches text, and the field holds a ${reference.holds}`);
  }
  const text = parseConstant(other, { holds: 'text' }, otherPlace).text;
  try {
    compileRegex(text);
  } catch (cause) {
    throw refuse(otherPlace, messageOf(cause));
  }
  return anyField(reference, (field) => ({ op: 'regex', field, pattern: text }));
}

function quantified(args: readonly unknown[], place: Place): Filter {
  const [collection] = only(args, place, 2);
  const level = nestedLevel(collection);
  if (level === undefined) {
    throw refuse(place, 'some takes {"nested": {"level": "event" or "link"}} and a predicate');
  }
  if (place.bound.includes(level)) {
    throw refuse(place, `some is already looking at one ${level}`);
  }
  const inside = { ...place, bound: [...place.bound, level] };
  return { op: 'some', in: level, of: predicate(args, 1, inside) };
}

function nestedLevel(value: unknown): 'event' | 'link' | undefined {
  const nested = member(value, 'nested');
  const level = nested === undefined ? '' : textMember(nested, 'level');
  return level === 'event' || level === 'link' ? level : undefined;
}

function anyField(reference: Reference, test: (field: Field) => Filter): Filter {
  const tests = reference.fields.map(test);
  const [first] = tests;
  return tests.length === 1 && first !== undefined ? first : { op: 'or', of: tests };
}
