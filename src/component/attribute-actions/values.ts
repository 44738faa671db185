/** What the actions do to one value, apart from where values lie (columns of spans, lists of
 *  metrics and logs). */
import { hash } from 'node:crypto';
import type { AttributeValue } from '../../model/attribute.ts';

export type Scalar = string | boolean | bigint | number;
export type ConvertedType = 'int' | 'double' | 'string';

/** SHA-256 in lower-case hex, as the Collector's processors do; of nothing, the empty string. */
export function hashOf(bytes: Uint8Array): string {
  return bytes.length === 0 ? '' : hash('sha256', bytes, 'hex');
}

/** What of a value is hashed: a string's bytes, a bool's byte, a number's eight bytes; nothing of
 *  any other type. */
export function hashedBytes(value: AttributeValue): Uint8Array {
  switch (value.type) {
    case 'string':
      return Buffer.from(value.value);
    case 'bool':
      return Uint8Array.of(value.value ? 1 : 0);
    case 'int':
      return new Uint8Array(BigInt64Array.of(value.value).buffer);
    case 'double':
      return new Uint8Array(Float64Array.of(value.value).buffer);
    default:
      return new Uint8Array(0);
  }
}

/** undefined leaves the value as it is. */
export function converted(value: Scalar, to: ConvertedType): Scalar | undefined {
  if (to === 'string') return String(value);
  const number = typeof value === 'bigint' ? Number(value) : numberOf(value);
  if (to === 'double') return number;
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string' && /^[-+]?\d{1,18}$/.test(value)) return BigInt(value);
  return number === undefined || !Number.isFinite(number) ? undefined : BigInt(Math.trunc(number));
}

function numberOf(value: string | boolean | number): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  return Number.isNaN(number) ? undefined : number;
}

export function attributeOf(value: Scalar): AttributeValue {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'boolean') return { type: 'bool', value };
  return typeof value === 'bigint' ? { type: 'int', value } : { type: 'double', value };
}
