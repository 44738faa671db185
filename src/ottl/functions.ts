/** The converters of OTTL that conditions use. Each names its parameters, so that arguments may be
 *  given by place or by name; a parameter with a `?` may be left out. `prepare` runs once, when the
 *  condition is read, on the arguments that are constants. */

import { createHash } from 'node:crypto';
import { parseGoDuration } from '../lib/go-duration.ts';
import { compileRegex, type Regex } from '../lib/regex.ts';
import { OttlError } from './error.ts';
import {
  intArgument,
  isA,
  ofText,
  ofTwoTexts,
  type OttlFunction,
  textArgument,
  wrong,
} from './function.ts';
import { DATA_FUNCTIONS } from './functions-data.ts';
import { TEXT_FUNCTIONS } from './functions-text.ts';
import { TIME_FUNCTIONS } from './functions-time.ts';
import { isEqual, isList, OttlDuration, OttlTime, printed, type Value } from './value.ts';

const ofDuration = (nanosPerUnit: number, isWhole: boolean): OttlFunction => ({
  parameters: ['duration'],
  call: ([value = null]) => {
    if (!(value instanceof OttlDuration)) throw wrong('a duration', value);
    if (isWhole) return value.nano / BigInt(nanosPerUnit);
    return Number(value.nano) / nanosPerUnit;
  },
});

const ofTime = (nanosPerUnit: bigint): OttlFunction => ({
  parameters: ['time'],
  call: ([value = null]) => {
    if (!(value instanceof OttlTime)) throw wrong('a time', value);
    return value.nano / nanosPerUnit;
  },
});

const digest = (algorithm: string): OttlFunction =>
  ofText((text) => createHash(algorithm).update(text).digest('hex'));

const idOf = (length: number): OttlFunction => ({
  parameters: ['bytes'],
  call: ([value = null]) => {
    const bytes = typeof value === 'string' ? Uint8Array.from(Buffer.from(value, 'hex')) : value;
    if (bytes instanceof Uint8Array && bytes.length === length) return bytes;
    throw new OttlError('bad_value', `an id of ${length} bytes was expected`);
  },
});

export const FUNCTIONS: Readonly<Record<string, OttlFunction>> = {
  ...TEXT_FUNCTIONS,
  ...TIME_FUNCTIONS,
  ...DATA_FUNCTIONS,
  IsString: isA((value) => typeof value === 'string'),
  IsInt: isA((value) => typeof value === 'bigint'),
  IsDouble: isA((value) => typeof value === 'number'),
  IsBool: isA((value) => typeof value === 'boolean'),
  IsMap: isA((value) => value instanceof Map),
  IsList: isA(isList),
  IsMatch: {
    parameters: ['target', 'pattern'],
    prepare: ([, pattern]) => (typeof pattern === 'string' ? compileRegex(pattern) : undefined),
    call: ([target = null, pattern = null], { prepared }) => {
      if (target === null) return false;
      const regex = isRegex(prepared) ? prepared : compileRegex(textArgument(pattern));
      return regex.isIn(printed(target));
    },
  },
  HasPrefix: ofTwoTexts('prefix', (text, prefix) => text.startsWith(prefix)),
  HasSuffix: ofTwoTexts('suffix', (text, suffix) => text.endsWith(suffix)),
  Index: ofTwoTexts('value', (text, part) => BigInt(text.indexOf(part))),
  Split: ofTwoTexts('delimiter', (text, delimiter) => text.split(delimiter)),
  ToLowerCase: ofText((text) => text.toLowerCase()),
  ToUpperCase: ofText((text) => text.toUpperCase()),
  Trim: {
    parameters: ['target', 'replacement?'],
    call: ([target = null, cut = ' ']) => trim(textArgument(target), textArgument(cut)),
  },
  Substring: {
    parameters: ['target', 'start', 'length'],
    call: ([target = null, start = null, length = null]) =>
      substring(textArgument(target), intArgument(start), intArgument(length)),
  },
  Concat: {
    parameters: ['values', 'delimiter'],
    call: ([values = null, delimiter = null]) => {
      if (!isList(values)) throw wrong('a list', values);
      return values.map(printed).join(textArgument(delimiter));
    },
  },
  Len: {
    parameters: ['target'],
    call: ([value = null]) => lengthOf(value),
  },
  ContainsValue: {
    parameters: ['target', 'item'],
    call: ([target = null, item = null]) => {
      if (!isList(target)) throw wrong('a list', target);
      return target.some((candidate) => isEqual(candidate, item));
    },
  },
  Keys: {
    parameters: ['target'],
    call: ([target = null]) => {
      if (target instanceof Map) return [...target.keys()];
      throw wrong('a map', target);
    },
  },
  Int: { parameters: ['value'], call: ([value = null]) => toInt(value) },
  Double: { parameters: ['value'], call: ([value = null]) => toDouble(value) },
  String: {
    parameters: ['value'],
    call: ([value = null]) => (value === null ? null : printed(value)),
  },
  Bool: { parameters: ['value'], call: ([value = null]) => toBool(value) },
  Hex: {
    parameters: ['value'],
    call: ([value = null]) => {
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      return Buffer.from(printed(value)).toString('hex');
    },
  },
  MD5: digest('md5'),
  SHA1: digest('sha1'),
  SHA256: digest('sha256'),
  SHA512: digest('sha512'),
  Duration: ofText((text) => {
    const nano = parseGoDuration(text);
    if (nano === undefined) throw new OttlError('bad_value', `"${text}" is no duration`);
    return new OttlDuration(nano);
  }),
  Hours: ofDuration(3_600e9, false),
  Minutes: ofDuration(60e9, false),
  Seconds: ofDuration(1e9, false),
  Milliseconds: ofDuration(1e6, true),
  Microseconds: ofDuration(1e3, true),
  Nanoseconds: ofDuration(1, true),
  UnixNano: ofTime(1n),
  UnixMicro: ofTime(1_000n),
  UnixMilli: ofTime(1_000_000n),
  UnixSeconds: ofTime(1_000_000_000n),
  TraceID: idOf(16),
  SpanID: idOf(8),
};

function isRegex(prepared: unknown): prepared is Regex {
  return typeof prepared === 'object' && prepared !== null && 'isIn' in prepared;
}

function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (isList(value) || value instanceof Uint8Array) return BigInt(value.length);
  if (value instanceof Map) return BigInt(value.size);
  throw wrong('text, a list or a map', value);
}

/** nil where the value has no whole number, as OTTL's Int. */
function toInt(value: Value): bigint | null {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt(Math.trunc(value)) : null;
  if (typeof value === 'string') return /^[-+]?\d{1,18}$/.test(value) ? BigInt(value) : null;
  return null;
}

function toDouble(value: Value): number | null {
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const parsed = Number(value);
  return Number.isNaN(parsed) ? null : parsed;
}

function toBool(value: Value): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value) !== 0;
  if (value === 'true' || value === '1') return true;
  return value === 'false' || value === '0' ? false : null;
}

function substring(text: string, start: number, length: number): string {
  if (start < 0 || length < 0 || start + length > text.length) {
    throw new OttlError('bad_value', `the text has only ${text.length} characters`);
  }
  return text.slice(start, start + length);
}

function trim(text: string, cut: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && cut.includes(text.charAt(start))) start++;
  while (end > start && cut.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
