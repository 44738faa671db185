/** What OTTL computes with: int and float are different types (bigint and number), nil is null, and
 *  times and durations are their own. */

import type { AttributeValue, KeyValue } from '../model/attribute.ts';
import type { CompareOp, MathOp } from './ast.ts';
import { OttlError } from './error.ts';

export class OttlTime {
  readonly nano: bigint;
  constructor(nano: bigint) {
    this.nano = nano;
  }
}

export class OttlDuration {
  readonly nano: bigint;
  constructor(nano: bigint) {
    this.nano = nano;
  }
}

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | OttlTime
  | OttlDuration
  | readonly Value[]
  | ReadonlyMap<string, Value>;

export function valueOf(attribute: AttributeValue): Value {
  switch (attribute.type) {
    case 'empty':
      return null;
    case 'array':
      return attribute.value.map(valueOf);
    case 'kvlist':
      return mapOf(attribute.value);
    default:
      return attribute.value;
  }
}

/** The last of a repeated key counts. */
export function mapOf(entries: readonly KeyValue[]): ReadonlyMap<string, Value> {
  return new Map(entries.map(({ key, value }) => [key, valueOf(value)]));
}

/** Mismatched types are unequal and in no order; int and float compare as float; nil equals a
 *  missing value and empty bytes. */
export function compareValues(left: Value, by: CompareOp, right: Value): boolean {
  if (by === '==') return isEqual(left, right);
  if (by === '!=') return !isEqual(left, right);
  const order = orderOf(left, right);
  if (order === undefined || Number.isNaN(order)) return false;
  if (by === '<') return order < 0;
  if (by === '<=') return order <= 0;
  return by === '>' ? order > 0 : order >= 0;
}

export function isEqual(left: Value, right: Value): boolean {
  if (left === null || right === null) return isNil(left) && isNil(right);
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((item, i) => isEqual(item, right[i] ?? null));
  }
  if (left instanceof Map && right instanceof Map) return isEqualMap(left, right);
  return orderOf(left, right) === 0;
}

/** Int with int, float with float; time ± duration, time − time, duration ± duration; strings with
 *  `+`. Division of ints cuts off; by zero is an error. */
export function calculate(left: Value, op: MathOp, right: Value): Value {
  if (typeof left === 'bigint' && typeof right === 'bigint') return intMath(left, op, right);
  if (typeof left === 'number' && typeof right === 'number') return floatMath(left, op, right);
  const timed = timeMath(left, op, right);
  if (timed !== undefined) return timed;
  throw new OttlError('bad_value', `cannot compute ${nameOf(left)} ${op} ${nameOf(right)}`);
}

/** The type of a value, for messages. */
export function nameOf(value: Value): string {
  if (value === null) return 'nil';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value !== 'object') return typeof value;
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof OttlTime) return 'time';
  if (value instanceof OttlDuration) return 'duration';
  return isList(value) ? 'list' : 'map';
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** A value as text, as IsMatch, Concat and `body.string` see it. */
export function printed(value: Value): string {
  if (value === null) return '<nil>';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof OttlDuration || value instanceof OttlTime) return value.nano.toString();
  if (typeof value !== 'object') return String(value);
  return JSON.stringify(plain(value));
}

function plain(value: Value): unknown {
  if (isList(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, plain(v)]));
  return typeof value === 'bigint' ? Number(value) : value;
}

function isNil(value: Value): boolean {
  return value === null || (value instanceof Uint8Array && value.length === 0);
}

function isEqualMap(left: ReadonlyMap<string, Value>, right: ReadonlyMap<string, Value>): boolean {
  if (left.size !== right.size) return false;
  return [...left].every(([key, value]) => {
    const other = right.get(key);
    return other !== undefined && isEqual(value, other);
  });
}

/** Negative, zero or positive; undefined when the types have no common order. */
function orderOf(left: Value, right: Value): number | undefined {
  if (isNumber(left) && isNumber(right)) return numberOrder(left, right);
  if (typeof left === 'string' && typeof right === 'string') return scalarOrder(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return scalarOrder(left, right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  return timeOrder(left, right);
}

function timeOrder(left: Value, right: Value): number | undefined {
  const isTime = left instanceof OttlTime && right instanceof OttlTime;
  const isDuration = left instanceof OttlDuration && right instanceof OttlDuration;
  return isTime || isDuration ? scalarOrder(left.nano, right.nano) : undefined;
}

function isNumber(value: Value): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

function numberOrder(left: bigint | number, right: bigint | number): number {
  if (typeof left === typeof right) return scalarOrder(left, right);
  return scalarOrder(Number(left), Number(right));
}

function scalarOrder<T extends string | boolean | bigint | number>(left: T, right: T): number {
  if (left === right) return 0;
  if (left < right) return -1;
  return left > right ? 1 : Number.NaN;
}

function intMath(left: bigint, op: MathOp, right: bigint): bigint {
  if (op === '+') return BigInt.asIntN(64, left + right);
  if (op === '-') return BigInt.asIntN(64, left - right);
  if (op === '*') return BigInt.asIntN(64, left * right);
  if (right === 0n) throw new OttlError('bad_value', 'division by zero');
  return left / right;
}

function floatMath(left: number, op: MathOp, right: number): number {
  if (op === '+') return left + right;
  if (op === '-') return left - right;
  return op === '*' ? left * right : left / right;
}

function timeMath(left: Value, op: MathOp, right: Value): Value | undefined {
  if (op !== '+' && op !== '-') return undefined;
  const sign = op === '+' ? 1n : -1n;
  if (right instanceof OttlDuration) {
    if (left instanceof OttlTime) return new OttlTime(left.nano + sign * right.nano);
    if (left instanceof OttlDuration) return new OttlDuration(left.nano + sign * right.nano);
  }
  if (left instanceof OttlTime && right instanceof OttlTime && op === '-') {
    return new OttlDuration(left.nano - right.nano);
  }
  return undefined;
}
