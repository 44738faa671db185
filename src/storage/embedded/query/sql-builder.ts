/** Builds one statement. Every value becomes a bound parameter with a cast, because DuckDB pushes a
 *  predicate into the scan only when both sides have one type; equal values share a parameter, so
 *  that equal predicates have equal text. Names are quoted. */

import { hexAt } from '../../../model/ids.ts';
import type { QueryParam, QueryPlan } from './messages.ts';

export type SqlType = 'VARCHAR' | 'BIGINT' | 'UBIGINT' | 'DOUBLE' | 'BOOLEAN' | 'BLOB' | 'INTEGER';

/** Stands around the index of a value; names and paths have no control characters. */
const MARK = '\u0001';
// oxlint-disable-next-line no-control-regex -- the mark is one
const MARKS = /\u0001(\d+)\u0001/g;

export class SqlBuilder {
  readonly #params: QueryParam[] = [];
  readonly #known = new Map<string, string>();

  /** The text that stands for the value. */
  bind(value: QueryParam, type: SqlType): string {
    const id = `${type} ${value instanceof Uint8Array ? hexAt(value, 0, value.length) : String(value)}`;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const text = `${MARK}${this.#params.push(value) - 1}${MARK}::${type}`;
    this.#known.set(id, text);
    return text;
  }

  text(value: string): string {
    return this.bind(value, 'VARCHAR');
  }

  /** Conditions that were made and then left out leave nothing behind: values are numbered here. */
  plan(statement: string): QueryPlan {
    const params: QueryParam[] = [];
    const numbers = new Map<string, number>();
    const sql = statement.replaceAll(MARKS, (_, index: string) => {
      const value = this.#params[Number(index)];
      const number = numbers.get(index) ?? (value === undefined ? 0 : params.push(value));
      numbers.set(index, number);
      return `$${number}`;
    });
    return { sql, params };
  }
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Only for paths of our own files: a table function takes no parameter. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export const TRUE = 'TRUE';
export const FALSE = 'FALSE';

/** Conditions whose NULL means false may be joined like this; only `notTrue` minds the difference. */
export function allTrue(conditions: readonly string[]): string {
  const needed = conditions.filter((condition) => condition !== TRUE);
  if (needed.includes(FALSE)) return FALSE;
  if (needed.length === 0) return TRUE;
  return needed.length === 1 ? (needed[0] ?? TRUE) : `(${needed.join(' AND ')})`;
}

export function anyTrue(conditions: readonly string[]): string {
  const possible = [...new Set(conditions)].filter((condition) => condition !== FALSE);
  if (possible.includes(TRUE)) return TRUE;
  if (possible.length === 0) return FALSE;
  return possible.length === 1 ? (possible[0] ?? FALSE) : `(${possible.join(' OR ')})`;
}

/** True where the condition is false or NULL: a span without the attribute passes a `not`. */
export function notTrue(condition: string): string {
  if (condition === TRUE) return FALSE;
  if (condition === FALSE) return TRUE;
  return `NOT coalesce(${condition}, FALSE)`;
}
