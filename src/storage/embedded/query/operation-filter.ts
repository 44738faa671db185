/** Filters that ask for nothing but the service, name and kind of a span: those that a rollup can
 *  answer. */

import type { Field, Filter, Scalar } from '../../../filter/ast.ts';
import { compareScalars } from '../../../filter/compare.ts';
import { compileRegex } from '../../../lib/regex.ts';
import { SPAN_KINDS } from '../../../model/attribute.ts';
import type { RedOperation } from '../red/partial.ts';

export type OperationField = 'service' | 'name' | 'kind';
export type OperationTest = (operation: RedOperation) => boolean;

const FIELDS: readonly string[] = ['service', 'name', 'kind'] satisfies OperationField[];

export interface OperationFilter {
  readonly test: OperationTest;
  /** Names of spans matter. */
  readonly asksName: boolean;
}

/** undefined when the filter asks for more. Throws RegexError. */
export function operationFilter(filter: Filter | undefined): OperationFilter | undefined {
  if (filter === undefined) return { test: () => true, asksName: false };
  const fields = new Set<string>();
  const test = compile(filter, fields);
  return test && { test, asksName: fields.has('name') };
}

export function operationField(field: Field): OperationField | undefined {
  if (field.kind !== 'intrinsic' || !FIELDS.includes(field.name)) return undefined;
  return field.name === 'service' || field.name === 'name' ? field.name : 'kind';
}

export function operationValue(operation: RedOperation, field: OperationField): string {
  if (field === 'kind') return SPAN_KINDS[operation.kind] ?? SPAN_KINDS[0];
  return operation[field];
}

function compile(filter: Filter, fields: Set<string>): OperationTest | undefined {
  switch (filter.op) {
    case 'and':
    case 'or': {
      const tests = filter.of.map((inner) => compile(inner, fields));
      const known = tests.filter((test) => test !== undefined);
      if (known.length < tests.length) return undefined;
      return filter.op === 'and'
        ? (operation) => known.every((test) => test(operation))
        : (operation) => known.some((test) => test(operation));
    }
    case 'not': {
      const test = compile(filter.of, fields);
      return test && ((operation) => !test(operation));
    }
    case 'compare':
      return onField(filter.field, fields, (value) =>
        compareScalars(value, filter.by, filter.value),
      );
    case 'in':
      return onField(filter.field, fields, (value) =>
        filter.values.some((wanted) => compareScalars(value, '=', wanted)),
      );
    case 'regex': {
      const { isIn } = compileRegex(filter.pattern);
      return onField(filter.field, fields, (value) => typeof value === 'string' && isIn(value));
    }
    default:
      return undefined;
  }
}

function onField(
  asked: Field,
  fields: Set<string>,
  test: (value: Scalar) => boolean,
): OperationTest | undefined {
  const field = operationField(asked);
  if (field === undefined) return undefined;
  fields.add(field);
  return (operation) => test(operationValue(operation, field));
}
