/** Old clients send IPv4 addresses as numbers: they read as dotted text. */

import type { KeyValue } from '../../model/attribute.ts';
import type { Span } from '../../model/trace/span.ts';

const ADDRESS_KEYS = new Set(['ip', 'peer.ipv4']);

export function dottedAddresses(span: Span): Span {
  if (!span.attributes.some(isNumericAddress)) return span;
  return { ...span, attributes: span.attributes.map(dotted) };
}

function isNumericAddress({ key, value }: KeyValue): boolean {
  return ADDRESS_KEYS.has(key) && (value.type === 'int' || value.type === 'double');
}

function dotted(attribute: KeyValue): KeyValue {
  const { key, value } = attribute;
  if (!isNumericAddress(attribute) || (value.type !== 'int' && value.type !== 'double')) {
    return attribute;
  }
  const bits = Number(BigInt.asUintN(32, BigInt(Math.trunc(Number(value.value)) || 0)));
  const text = [bits >>> 24, bits >>> 16, bits >>> 8, bits].map((part) => part & 255).join('.');
  return { key, value: { type: 'string', value: text } };
}
