/** Attribute values as plain JSON, for people and for Jaeger's tags: arrays and kvlists become JSON
 *  arrays and objects, bytes base64, integers numbers where JSON can hold them exactly. */

import type { AttributeValue } from './attribute.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** NaN and infinities, which JSON lacks, become strings. A repeated kvlist key keeps its last. */
export function jsonValue(value: AttributeValue): Json {
  switch (value.type) {
    case 'empty':
      return null;
    case 'string':
    case 'bool':
      return value.value;
    case 'int':
      return jsonInt(value.value);
    case 'double':
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case 'bytes':
      return base64(value.value);
    case 'array':
      return value.value.map(jsonValue);
    case 'kvlist':
      return Object.fromEntries(value.value.map((entry) => [entry.key, jsonValue(entry.value)]));
  }
}

/** A number inside ±(2^53-1), else its decimal string. */
export function jsonInt(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
