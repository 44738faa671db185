/** A filter as an SQL condition on the rows of files of a shape, exact: it is true
 *  for the rows that filter/evaluate.ts says yes to, and false or NULL for all others. */

import type { Field, Filter } from '../../../filter/ast.ts';
import { intrinsic } from '../../../filter/ast.ts';
import { compileRegex } from '../../../lib/regex.ts';
import { errorStatus, kindOf, statusOf } from '../../../filter/evaluate.ts';
import { StorageError } from '../../contract.ts';
import { AttributeSql } from './attribute-sql.ts';
import type { FileShape } from './file-shape.ts';
import { intrinsicSql } from './intrinsic-sql.ts';
import { allTrue, anyTrue, FALSE, notTrue, type SqlBuilder } from './sql-builder.ts';
import { comparisonTest, inTest, looseTest, regexTest, type ValueTest } from './value-sql.ts';

/** Throws StorageError 'invalid' for a pattern that is no regular expression and for a condition on
 *  the trace as a whole, which is to be taken out before (filter/trace-conditions.ts). */
export function filterSql(filter: Filter, sql: SqlBuilder, shape: FileShape): string {
  return new FilterSql(sql, shape).of(filter);
}

class FilterSql {
  readonly #sql: SqlBuilder;
  readonly #shape: FileShape;
  readonly #attributes: AttributeSql;

  constructor(sql: SqlBuilder, shape: FileShape) {
    this.#sql = sql;
    this.#shape = shape;
    this.#attributes = new AttributeSql(sql, shape);
  }

  of(filter: Filter): string {
    switch (filter.op) {
      case 'and':
        return allTrue(filter.of.map((each) => this.of(each)));
      case 'or':
        return anyTrue(filter.of.map((each) => this.of(each)));
      case 'not':
        return notTrue(this.of(filter.of));
      case 'compare':
        return this.#test(filter.field, comparisonTest(this.#sql, filter.by, filter.value));
      case 'in':
        return this.#test(filter.field, inTest(this.#sql, filter.values));
      case 'regex':
        return this.#test(filter.field, this.#regex(filter.pattern));
      case 'exists':
        return this.#exists(filter.field);
      case 'some':
        return this.#attributes.someElement(filter.in, () => this.of(filter.of));
      case 'looseEquals':
        return this.#loose(filter.key, filter.text);
    }
  }

  #test(field: Field, test: ValueTest): string {
    if (field.kind === 'trace') throw ofTheTrace(field.name);
    if (field.kind === 'attribute') return this.#attributes.some(field, test);
    const context = { sql: this.#sql, shape: this.#shape, attributes: this.#attributes };
    return intrinsicSql(field.name, test, context);
  }

  #regex(pattern: string): ValueTest {
    try {
      return regexTest(this.#sql, pattern, compileRegex(pattern).isIn);
    } catch (cause) {
      throw new StorageError('invalid', cause instanceof Error ? cause.message : pattern, {
        cause,
      });
    }
  }

  #exists(field: Field): string {
    if (field.kind === 'trace') throw ofTheTrace(field.name);
    if (field.kind === 'attribute') return this.#attributes.exists(field);
    switch (field.name) {
      case 'durationNano':
      case 'startNano':
      case 'endNano':
      case 'eventTimeNano':
      case 'eventSinceStartNano':
        return this.#test(field, comparisonTest(this.#sql, '!=', Number.NaN));
      default:
        return this.#test(field, comparisonTest(this.#sql, '!=', ''));
    }
  }

  #loose(key: string, text: string): string {
    switch (key) {
      case 'error':
        return codeSql('status', errorStatus(text));
      case 'span.status':
        return codeSql('status', statusOf(text));
      case 'span.kind':
        return codeSql('kind', kindOf(text));
      case 'scope.name':
        return this.#test(intrinsic('scopeName'), comparisonTest(this.#sql, '=', text));
      case 'scope.version':
        return this.#test(intrinsic('scopeVersion'), comparisonTest(this.#sql, '=', text));
      default: {
        const field: Field = { kind: 'attribute', scope: 'any', key };
        return this.#test(field, looseTest(this.#sql, text));
      }
    }
  }
}

function ofTheTrace(name: string): StorageError {
  return new StorageError('invalid', `a span cannot tell its trace's ${name}`);
}

function codeSql(column: 'kind' | 'status', code: number): string {
  return code < 0 ? FALSE : `${column} = ${code}`;
}
