/** How two values compare, as ast.ts defines it. Backends that translate filters into a language of
 *  their own must come to the same answers; the tables in compare.test.ts are the measure. */

import type { Comparison, Scalar } from './ast.ts';

/** `left by right`. Across types it is false; int and double compare by their exact values. */
export function compareScalars(left: Scalar, by: Comparison, right: Scalar): boolean {
  if (typeof left === 'string') {
    return typeof right === 'string' && holds(by, compareText(left, right));
  }
  if (typeof left === 'boolean' || typeof right === 'boolean') {
    if (typeof left !== typeof right) return false;
    if (by === '=') return left === right;
    return by === '!=' && left !== right;
  }
  return typeof right !== 'string' && holds(by, compareNumbers(left, right));
}

/** Negative, zero, positive, or NaN where there is no order: NaN is unequal to everything. */
function compareNumbers(left: bigint | number, right: bigint | number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  return Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : 0;
}

/** Strings are ordered by their UTF-8 bytes, which is the order of their code points. UTF-16 units
 *  give the same order but for surrogates, which stand for code points above U+FFFF. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

function holds(by: Comparison, order: number): boolean {
  switch (by) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** What `looseEquals` compares with: undefined for values that never match. */
export function textForm(value: Scalar): string {
  return typeof value === 'string' ? value : String(value);
}

/** The texts that mean true and false in a tag search; others mean neither. */
export function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'True', 'TRUE'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'False', 'FALSE'].includes(text)) return false;
  return undefined;
}
