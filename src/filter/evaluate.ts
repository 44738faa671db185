/** Evaluates a filter on spans in memory. A filter is compiled once into closures; a closure then
 *  reads the batch's columns directly and makes no objects, so thousands of candidates cost little.
 *  This is also the oracle that storage backends are tested against. */

import { compileRegex } from '../lib/regex.ts';
import type { SpanView } from '../model/batch/view.ts';
import { SPAN_KINDS, STATUS_CODES, STATUS_ERROR } from '../model/attribute.ts';
import { type Field, type Filter, intrinsic, type Scalar } from './ast.ts';
import { compareScalars, parseBool, textForm } from './compare.ts';
import {
  type Looked,
  type Present,
  type ScalarTest,
  someAttribute,
  someElement,
  someValue,
} from './field-values.ts';

export type SpanPredicate = (span: SpanView) => boolean;
type Predicate = (at: Looked) => boolean;

/** Throws RegexError for a pattern that is no RE2 expression, and RangeError for a field of the
 *  trace, which no span can tell (trace-conditions.ts). */
export function compileFilter(filter: Filter): SpanPredicate {
  const predicate = compile(filter);
  let at: Looked | undefined;
  return (span) => {
    at ??= { span, event: -1, link: -1 };
    at.span = span;
    return predicate(at);
  };
}

function compile(filter: Filter): Predicate {
  switch (filter.op) {
    case 'and': {
      const all = filter.of.map(compile);
      return (at) => all.every((predicate) => predicate(at));
    }
    case 'or': {
      const any = filter.of.map(compile);
      return (at) => any.some((predicate) => predicate(at));
    }
    case 'not': {
      const inner = compile(filter.of);
      return (at) => !inner(at);
    }
    case 'some':
      return compileSome(filter.in, compile(filter.of));
    case 'compare':
      return compileTest(filter.field, (value) => compareScalars(value, filter.by, filter.value));
    case 'in':
      return compileTest(filter.field, (value) => isOneOf(value, filter.values));
    case 'regex': {
      const pattern = compileRegex(filter.pattern);
      return compileTest(filter.field, (value) => typeof value === 'string' && pattern.isIn(value));
    }
    case 'exists':
      return compileExists(filter.field);
    case 'looseEquals':
      return compileLoose(filter.key, filter.text);
  }
}

function isOneOf(value: Scalar, wanted: readonly Scalar[]): boolean {
  return wanted.some((other) => compareScalars(value, '=', other));
}

/** Binds each event or link in turn, for as long as the inner predicate looks at it. */
function compileSome(kind: 'event' | 'link', inner: Predicate): Predicate {
  return (at) => {
    const outer = at[kind];
    const isFound = someElement(at, kind, (row) => {
      at[kind] = row;
      const isMatch = inner(at);
      at[kind] = outer;
      return isMatch;
    });
    return isFound;
  };
}

function compileTest(field: Field, test: ScalarTest): Predicate {
  if (field.kind === 'trace') throw ofTheTrace(field.name);
  return (at) => someValue(at, field, test);
}

function ofTheTrace(name: string): RangeError {
  return new RangeError(`filter: a span cannot tell its trace's ${name}`);
}

/** An empty text field of the span itself counts as absent, as OTLP has it. */
function compileExists(field: Field): Predicate {
  if (field.kind === 'trace') throw ofTheTrace(field.name);
  if (field.kind === 'attribute') return (at) => someAttribute(at, field, isPresent);
  return (at) => someValue(at, field, (value) => value !== '');
}

const isPresent: Present = () => true;

function compileLoose(key: string, text: string): Predicate {
  const own = compileOwnField(key, text);
  if (own !== undefined) return own;
  const field: Field = { kind: 'attribute', scope: 'any', key };
  return compileTest(field, (value) => textForm(value) === text);
}

/** Tag keys that ask for the span's own fields; undefined for any other. */
function compileOwnField(key: string, text: string): Predicate | undefined {
  switch (key) {
    case 'error': {
      const code = errorStatus(text);
      return ({ span }) => span.statusCode === code;
    }
    case 'span.status': {
      const code = statusOf(text);
      return ({ span }) => span.statusCode === code;
    }
    case 'span.kind': {
      const kind = kindOf(text);
      return ({ span }) => span.kind === kind;
    }
    case 'scope.name':
      return compileTest(intrinsic('scopeName'), (value) => value === text);
    case 'scope.version':
      return compileTest(intrinsic('scopeVersion'), (value) => value === text);
    default:
      return undefined;
  }
}

/** `error=true` means status error, `error=false` status ok; any other text finds nothing (-1). */
export function errorStatus(text: string): number {
  const isError = parseBool(text);
  if (isError === undefined) return -1;
  return isError ? STATUS_ERROR : STATUS_CODES.indexOf('ok');
}

/** The status code of a name in any case; -1 when there is none. */
export function statusOf(text: string): number {
  return nameIndex(STATUS_CODES, text);
}

/** The span kind of a name in any case; -1 when there is none. */
export function kindOf(text: string): number {
  return nameIndex(SPAN_KINDS, text);
}

function nameIndex(names: readonly string[], text: string): number {
  return names.indexOf(text.toLowerCase());
}
