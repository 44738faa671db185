/** Converters that read data out of text, or ask about lists, maps, addresses and ids. */

import { randomBytes, randomUUID } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { OttlError } from './error.ts';
import { isA, ofText, type OttlFunction, textArgument, wrong } from './function.ts';
import { parseInt64 } from './parse-int.ts';
import { compareValues, isList, printed, type Value } from './value.ts';

export const DATA_FUNCTIONS: Readonly<Record<string, OttlFunction>> = {
  ParseJSON: ofText((text) => {
    try {
      const value: unknown = JSON.parse(text);
      return fromJson(value);
    } catch {
      throw new OttlError('bad_value', 'the text is no JSON');
    }
  }),
  ParseInt: {
    parameters: ['target', 'base'],
    call: ([target = null, base = null]) => {
      const value = parseInt64(textArgument(target), Number(printed(base)));
      if (value !== undefined) return value;
      throw new OttlError('bad_value', `"${printed(target)}" is no int of base ${printed(base)}`);
    },
  },
  ParseKeyValue: {
    parameters: ['target', 'delimiter?', 'pair_delimiter?'],
    call: ([target = null, delimiter = '=', between = ' ']) =>
      keyValues(textArgument(target), textArgument(delimiter), textArgument(between)),
  },
  ParseCSV: {
    parameters: ['target', 'headers', 'delimiter?', 'headerDelimiter?'],
    call: ([target = null, headers = null, delimiter = ',', between = delimiter]) => {
      const names = textArgument(headers).split(textArgument(between));
      const cells = splitQuoted(textArgument(target), textArgument(delimiter), '"');
      if (names.length === cells.length)
        return new Map(names.map((name, i) => [name, cells[i] ?? '']));
      throw new OttlError('bad_value', `${cells.length} fields for ${names.length} headers`);
    },
  },
  URL: ofText(urlParts),
  Values: {
    parameters: ['target'],
    call: ([target = null]) => {
      if (target instanceof Map) return [...target.values()];
      throw wrong('a map', target);
    },
  },
  Sort: {
    parameters: ['target', 'order?'],
    call: ([target = null, order = 'asc']) => {
      if (!isList(target)) throw wrong('a list', target);
      const sign = order === 'desc' ? -1 : 1;
      const rank = (a: Value, b: Value) =>
        compareValues(a, '<', b) ? -sign : compareValues(a, '>', b) ? sign : 0;
      return target.toSorted(rank);
    },
  },
  Coalesce: {
    parameters: ['values'],
    call: ([values = null]) => {
      if (!isList(values)) throw wrong('a list', values);
      return values.find((value) => value !== null) ?? null;
    },
  },
  IsInCIDR: {
    parameters: ['target', 'networks'],
    prepare: ([, networks]) => (networks === undefined ? undefined : networkList(networks)),
    call: ([target = null, networks = null], { prepared }) => {
      const list = prepared instanceof BlockList ? prepared : networkList(networks);
      const address = textArgument(target);
      if (isIP(address) === 0) throw new OttlError('bad_value', `"${address}" is no IP address`);
      return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
    },
  },
  IsValidLuhn: isA((value) => isLuhn(printed(value))),
  UUID: { parameters: [], call: () => randomUUID() },
  UUIDv7: { parameters: [], call: () => uuidV7() },
};

function fromJson(value: unknown): Value {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== 'object' || value === null) return null;
  return new Map(Object.entries(value).map(([key, of]) => [key, fromJson(of)]));
}

function keyValues(text: string, delimiter: string, between: string): Value {
  const pairs = splitQuoted(text, between, `"'`).filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf(delimiter);
      if (at < 0) throw new OttlError('bad_value', `"${pair}" has no ${delimiter}`);
      return [pair.slice(0, at).trim(), pair.slice(at + delimiter.length).trim()];
    }),
  );
}

/** Parts of a text; within quotes, which are left out, the delimiter is a part of the part, and two
 *  quotes are one. */
function splitQuoted(text: string, delimiter: string, quotes: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote !== '' && char === quote && text.charAt(at + 1) === quote) {
      part += char;
      at++;
    } else if (quote === '' ? quotes.includes(char) : char === quote) {
      quote = quote === '' ? char : '';
    } else if (quote === '' && delimiter !== '' && text.startsWith(delimiter, at)) {
      parts.push(part);
      part = '';
      at += delimiter.length - 1;
    } else part += char;
  }
  return [...parts, part];
}

/** Under the names of the semantic conventions. */
function urlParts(text: string): Value {
  if (!URL.canParse(text)) throw new OttlError('bad_value', `"${text}" is no URL`);
  const url = new URL(text);
  const parts: Record<string, string> = {
    'url.original': text,
    'url.scheme': url.protocol.slice(0, -1),
    'url.domain': url.hostname,
    'url.path': url.pathname,
    'url.query': url.search.slice(1),
    'url.fragment': url.hash.slice(1),
    'url.username': url.username,
    'url.password': url.password,
  };
  const found: [string, Value][] = Object.entries(parts).filter(([, part]) => part !== '');
  return new Map(url.port === '' ? found : [...found, ['url.port', BigInt(url.port)]]);
}

function networkList(networks: Value): BlockList {
  if (!isList(networks)) throw wrong('a list', networks);
  const list = new BlockList();
  for (const network of networks.map(textArgument)) {
    const [base = '', bits = '', ...rest] = network.split('/');
    const most = isIP(base) === 6 ? 128 : 32;
    const isNetwork = isIP(base) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
    if (!isNetwork || rest.length > 0) {
      throw new OttlError('bad_value', `"${network}" is no network like 10.0.0.0/8`);
    }
    list.addSubnet(base, Number(bits), most === 128 ? 'ipv6' : 'ipv4');
  }
  return list;
}

function isLuhn(text: string): boolean {
  if (!/^\d+$/.test(text)) return false;
  const digits = text.split('').toReversed().map(Number);
  const sum = digits.reduce((total, digit, i) => {
    const doubled = i % 2 === 0 ? digit : digit * 2;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

function uuidV7(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const ends = [8, 12, 16, 20, 32];
  return ends.map((end, i) => hex.slice(ends[i - 1] ?? 0, end)).join('-');
}
