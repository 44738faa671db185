/** Single values of OTLP/JSON: 64-bit integers as text, doubles with their three names, enums by
 *  number or name, ids in hex, bytes in base64. */

import { WireError } from '../wire-error.ts';
import type { JsonReader } from './json-reader.ts';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;
const UINT32_MAX = 0xffff_ffffn;

const DOUBLES: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

export function readInt64(reader: JsonReader): bigint {
  return integer(reader, INT64_MIN, INT64_MAX);
}

export function readUint64(reader: JsonReader): bigint {
  return integer(reader, 0n, UINT64_MAX);
}

export function readUint32(reader: JsonReader): number {
  return Number(integer(reader, 0n, UINT32_MAX));
}

export function readDouble(reader: JsonReader): number {
  const at = reader.at;
  const text = reader.numeral();
  const value = DOUBLES[text] ?? Number(text);
  if (text.trim() === '' || (Number.isNaN(value) && text !== 'NaN'))
    throw refused(text, 'a number', at);
  return value;
}

/** An enum by number or by name; a number we do not know is kept, a name we do not know is 0. */
export function readEnum(reader: JsonReader, prefix: string, names: readonly string[]): number {
  const at = reader.at;
  const text = reader.numeral();
  if (/^\d{1,3}$/.test(text)) return Number(text) < 256 ? Number(text) : 0;
  if (!text.startsWith(prefix)) throw refused(text, `a number or a name like ${prefix}…`, at);
  return Math.max(0, names.indexOf(text.slice(prefix.length).toLowerCase()));
}

/** An id of `length` bytes, or undefined when it is empty. */
export function readId(reader: JsonReader, length: number): Uint8Array | undefined {
  const id = new Uint8Array(length);
  return readIdInto(reader, id) ? id : undefined;
}

/** Reads an id over the whole of `into`; false, and zeros, when it is empty. */
export function readIdInto(reader: JsonReader, into: Uint8Array): boolean {
  const at = reader.at;
  reader.string();
  const { bytes, start, end } = reader;
  if (end === start) {
    into.fill(0);
    return false;
  }
  let bad = end - start === into.length * 2 ? 0 : -1;
  for (let i = 0; i < into.length; i++) {
    const high = HEX[bytes[start + i * 2] ?? 0] ?? -1;
    const low = HEX[bytes[start + i * 2 + 1] ?? 0] ?? -1;
    bad |= high | low;
    into[i] = high * 16 + low;
  }
  if (bad < 0) throw refused(reader.text, `${into.length * 2} hex digits`, at);
  return true;
}

/** The value of a hex digit by its byte, -1 for others. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return digit;
});

/** Base64 of either alphabet, padded or not. */
export function readBytes(reader: JsonReader): Uint8Array {
  const at = reader.at;
  reader.string();
  const text = reader.text;
  if (!/^[\w+/-]*={0,2}$/.test(text)) throw refused(text, 'base64', at);
  return Uint8Array.from(Buffer.from(text, 'base64'));
}

function integer(reader: JsonReader, min: bigint, max: bigint): bigint {
  const at = reader.at;
  const text = reader.numeral();
  const value = integerOf(text);
  if (value === undefined || value < min || value > max) {
    throw refused(text, `an integer from ${min} to ${max}`, at);
  }
  return value;
}

/** Digits as they are; `1e3` and `12.0`, which generic writers make, where a double holds them. */
function integerOf(text: string): bigint | undefined {
  if (text.length < 16) {
    const small = text === '' ? Number.NaN : Number(text);
    return Number.isInteger(small) ? BigInt(small) : undefined;
  }
  if (/^-?\d{1,20}$/.test(text)) return BigInt(text);
  const value = Number(text);
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function refused(text: string, wanted: string, at: number): WireError {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return new WireError('malformed', `expected ${wanted}, got "${shown}"`, at);
}
