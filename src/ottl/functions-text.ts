/** Converters of text: cases, cutting, patterns, hashes and encodings. */

import { compileRegex, type Regex } from '../lib/regex.ts';
import { OttlError } from './error.ts';
import { ofText, ofTwoTexts, type OttlFunction, textArgument, wrong } from './function.ts';
import { isList, printed, type Value } from './value.ts';

const FNV_BASIS = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

export const TEXT_FUNCTIONS: Readonly<Record<string, OttlFunction>> = {
  ToSnakeCase: ofText(snakeCase),
  ToCamelCase: ofText(camelCase),
  ConvertCase: ofTwoTexts('toCase', (text, to) => {
    const convert = CASES[to];
    if (convert !== undefined) return convert(text);
    throw new OttlError('bad_value', `no case ${to}: use lower, upper, snake or camel`);
  }),
  TrimPrefix: ofTwoTexts('prefix', (text, prefix) =>
    text.startsWith(prefix) ? text.slice(prefix.length) : text,
  ),
  TrimSuffix: ofTwoTexts('suffix', (text, suffix) =>
    text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text,
  ),
  Format: {
    parameters: ['formatString', 'formatArguments'],
    call: ([format = null, values = null]) => {
      if (!isList(values)) throw wrong('a list', values);
      return formatted(textArgument(format), values);
    },
  },
  ExtractPatterns: {
    parameters: ['target', 'pattern'],
    prepare: ([, pattern]) => (typeof pattern === 'string' ? withGroups(pattern) : undefined),
    call: ([target = null, pattern = null], { prepared }) => {
      const regex = isRegex(prepared) ? prepared : withGroups(textArgument(pattern));
      return regex.groupsIn(textArgument(target)) ?? new Map();
    },
  },
  Base64Decode: ofText((text) => Buffer.from(text, 'base64').toString()),
  Decode: ofTwoTexts('encoding', (text, encoding) => {
    const known = DECODINGS[encoding];
    if (known !== undefined) return Buffer.from(text, known).toString();
    const names = Object.keys(DECODINGS).join(', ');
    throw new OttlError('bad_value', `no encoding ${encoding}: use ${names}`);
  }),
  FNV: ofText((text) => {
    let hash = FNV_BASIS;
    for (const byte of Buffer.from(text)) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
    }
    return BigInt.asIntN(64, hash);
  }),
  Murmur3Hash: ofText((text) => {
    const hash = Buffer.alloc(4);
    hash.writeUInt32LE(murmur3(Buffer.from(text)));
    return hash.toString('hex');
  }),
};

const CASES: Readonly<Record<string, (text: string) => string>> = {
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  snake: snakeCase,
  camel: camelCase,
};

const DECODINGS: Readonly<Record<string, BufferEncoding>> = {
  base64: 'base64',
  'base64-raw': 'base64',
  'base64-url': 'base64url',
  'base64-raw-url': 'base64url',
  hex: 'hex',
  'utf-8': 'utf8',
};

function words(text: string): string[] {
  return text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
}

function snakeCase(text: string): string {
  return words(text).join('_').toLowerCase();
}

function camelCase(text: string): string {
  return words(text)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join('');
}

/** Go's verbs v, s, d, f, x, q and %, without flags but a width of zeros. */
function formatted(format: string, values: readonly Value[]): string {
  let next = 0;
  return format.replaceAll(/%(0?\d*)(?:\.(\d+))?([vsdfxq%])/g, (...match: string[]) => {
    const [, width = '', digits, verb] = match;
    if (verb === '%') return '%';
    const text = verbText(verb ?? 'v', values[next++] ?? null, digits);
    return text.padStart(Number(width), width.startsWith('0') ? '0' : ' ');
  });
}

function verbText(verb: string, value: Value, digits: string | undefined): string {
  if (verb === 'q') return JSON.stringify(printed(value));
  if (verb === 'f' && typeof value === 'number') return value.toFixed(Number(digits ?? 6));
  if (verb === 'x' && typeof value === 'bigint') return value.toString(16);
  return printed(value);
}

function withGroups(pattern: string): Regex {
  const regex = compileRegex(pattern);
  if (regex.groupNames.length > 0) return regex;
  throw new OttlError('bad_value', `"${pattern}" has no named groups like (?P<name>...)`);
}

function isRegex(prepared: unknown): prepared is Regex {
  return typeof prepared === 'object' && prepared !== null && 'groupsIn' in prepared;
}

/** The 32-bit variant, seed 0. */
function murmur3(bytes: Uint8Array): number {
  const rotate = (x: number, by: number) => (x << by) | (x >>> (32 - by));
  const mix = (k: number) => Math.imul(rotate(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593);
  const blocks = bytes.length & ~3;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = 0;
  for (let at = 0; at < blocks; at += 4) {
    hash = Math.imul(rotate(hash ^ mix(view.getUint32(at, true)), 13), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= blocks; at--) tail = (tail << 8) | (bytes[at] ?? 0);
  if (blocks < bytes.length) hash ^= mix(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
