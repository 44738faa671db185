/** Random spans and filters over a few keys and values, so that they meet. Seeded. */

import type { AttributeValue } from '../../../model/attribute.ts';
import type { Comparison, Field, Filter, Intrinsic, Scalar } from '../../../filter/ast.ts';
import type { PlainAttributes, PlainSpan } from '../../conformance/plain-spans.ts';

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  some<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.below(max + 1) }, make);
  }
}

export const KEYS = [
  'a',
  'A',
  'b.c',
  'b.c:int',
  'x~1',
  '',
  'quote"d',
  "it's",
  'tab\there',
  '키',
  'c',
];

const STRINGS = [
  '',
  'x',
  'X',
  '503',
  'true',
  'NaN',
  '1.5',
  '%_',
  "o'clock",
  '\u001f\u001da\u001ds',
  '\u0010P\u0000',
  '한글',
  '\u{1f600}',
  '\uffee',
  'line\nbreak',
  // Enough of them that some columns keep them apart.
  '0.0.0.0',
  '10.0.0.1',
  '10.0.0.10',
  '100.20.3.255',
  '192.168.0.1',
  '255.255.255.255',
  '10.0.0.01',
  '00000000-0000-0000-0000-000000000000',
  '0f0e0d0c-0b0a-4908-8706-050403020100',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '123e4567-e89b-12d3-a456-426614174000',
  '8c7b3f2a-1111-4222-8333-444455556666',
  '8c7b3f2a-1111-4222-8333-444455556667',
  '8C7B3F2A-1111-4222-8333-444455556667',
];
const INTS = [0n, 1n, -1n, 503n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const DOUBLES = [
  0,
  -0,
  1,
  1.5,
  503,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  2 ** 63,
  1e21,
  5e-324,
];

export function randomScalar(random: Random): Scalar {
  switch (random.below(5)) {
    case 0:
      return random.of(INTS);
    case 1:
      return random.of(DOUBLES);
    case 2:
      return random.next() < 0.5;
    default:
      return random.of(STRINGS);
  }
}

export function randomValue(random: Random): AttributeValue {
  switch (random.below(9)) {
    case 0:
      return { type: 'empty' };
    case 1:
      return { type: 'bytes', value: Uint8Array.of(1, 2, random.below(256)) };
    case 2:
      return { type: 'array', value: [{ type: 'string', value: random.of(STRINGS) }] };
    default: {
      const value = randomScalar(random);
      if (typeof value === 'string') return { type: 'string', value };
      if (typeof value === 'bigint') return { type: 'int', value };
      return typeof value === 'number' ? { type: 'double', value } : { type: 'bool', value };
    }
  }
}

const attributes = (random: Random, max: number): PlainAttributes =>
  random.some(max, () => [random.of(KEYS), randomValue(random)]);

export const SERVICES = ['cart', 'pay', 'Pay', '', '서비스'];
export const START = 1_700_000_000_000_000_000n;

const id = (random: Random, digits: number): string =>
  (random.below(200) + 1).toString(16).padStart(digits, '0');

/** Two of them often, so that a parent is sometimes there, sometimes twice, and sometimes not. */
const spanIdOf = (random: Random): string =>
  random.of(['00000000000000ff', 'ff00000000000001', id(random, 16)]);

/** Traces are few, so that each has several spans. */
export function randomSpan(random: Random, secondsMax = 3600): PlainSpan {
  const startNano = START + BigInt(random.below(secondsMax * 1000)) * 1_000_000n;
  const length = BigInt(random.below(5) * 1000 - 500);
  const traceId = id(random, 32);
  const parentSpanId = spanIdOf(random);
  return {
    traceId,
    spanId: spanIdOf(random),
    ...(random.next() < 0.7 ? { parentSpanId } : {}),
    startNano,
    endNano: startNano + length,
    name: random.of(['GET /', 'POST /', '', 'get', '한글']),
    kind: random.below(7),
    status: random.below(3),
    statusMessage: random.of(['', '', 'boom', 'x']),
    traceState: random.of(['', '', 'k=v']),
    ...(random.next() < 0.9 ? { service: random.of(SERVICES) } : {}),
    resource: { schemaUrl: random.of(['', 'x']), attributes: attributes(random, 3) },
    scope: {
      schemaUrl: random.of(['', 'x']),
      name: random.of(['', 'lib', 'x']),
      version: random.of(['', '1.5']),
      attributes: attributes(random, 1),
    },
    attributes: attributes(random, 4),
    events: random.some(2, () => ({
      name: random.of(['', 'exception', 'x\u001d', 'a']),
      timeNano: random.of([startNano, startNano + 700n, startNano - 700n, 0n, 2n ** 64n - 1n]),
      attributes: attributes(random, 2),
    })),
    links: random.some(1, () => ({
      traceId: random.of([traceId, id(random, 32)]),
      spanId: random.of([parentSpanId, id(random, 16)]),
      traceState: random.of(['', 'k=v', 'x\u001d']),
      attributes: attributes(random, 2),
    })),
  };
}

const INTRINSICS: readonly Intrinsic[] = [
  'service',
  'name',
  'kind',
  'status',
  'statusMessage',
  'durationNano',
  'startNano',
  'traceId',
  'spanId',
  'parentSpanId',
  'traceState',
  'scopeName',
  'scopeVersion',
  'scopeSchemaUrl',
  'resourceSchemaUrl',
  'endNano',
  'eventName',
  'eventTimeNano',
  'eventSinceStartNano',
  'linkTraceId',
  'linkSpanId',
  'linkTraceState',
];
const BY: readonly Comparison[] = ['=', '!=', '<', '<=', '>', '>='];
const PATTERNS = ['x', '^x$', '', '[0-9]+', '(?i)X', '^.$', 'ex|GET', '한.', '\\x1f'];
const LOOSE_KEYS = ['error', 'span.kind', 'span.status', 'scope.name', 'scope.version'];
const LOOSE_TEXTS = ['true', 'false', 'server', 'ERROR', 'ok', 'unset', 'lib', '0', '1e+21', '-0'];

function randomField(random: Random): Field {
  if (random.next() < 0.4) return { kind: 'intrinsic', name: random.of(INTRINSICS) };
  const scope = random.of(['span', 'resource', 'scope', 'event', 'link', 'any', 'span'] as const);
  return { kind: 'attribute', scope, key: random.of([...KEYS, 'service.name']) };
}

function scalarFor(random: Random, field: Field): Scalar {
  if (field.kind !== 'intrinsic' || random.next() < 0.2) return randomScalar(random);
  switch (field.name) {
    case 'durationNano':
      return random.of([500n, 500, -500n, 0, 1500n, 499.5, 2n ** 64n, -(2n ** 64n)]);
    case 'eventSinceStartNano':
      return random.of([700n, -700, 0n, 0.5, 2n ** 63n]);
    case 'startNano':
    case 'endNano':
    case 'eventTimeNano':
      return random.of([START + 1_800_000_000_000n, Number(START), 0n, -1n, 2n ** 64n, 1e30]);
    case 'kind':
      return random.of(['server', 'client', 'unspecified', 'z']);
    case 'status':
      return random.of(['error', 'ok', 'unset']);
    case 'traceId':
    case 'linkTraceId':
      return id(random, 32);
    case 'spanId':
    case 'linkSpanId':
    case 'parentSpanId':
      return random.of(['00000000000000ff', 'ff00000000000001', id(random, 16), '']);
    case 'service':
      return random.of(SERVICES);
    default:
      return random.of([
        'GET /',
        'exception',
        'x\u001d',
        'a',
        'lib',
        'boom',
        'k=v',
        '1.5',
        'x',
        '',
      ]);
  }
}

export function randomFilter(random: Random, depth = 3): Filter {
  const roll = random.below(depth > 0 ? 11 : 6);
  const field = randomField(random);
  switch (roll) {
    case 0:
    case 1:
      return { op: 'compare', field, by: random.of(BY), value: scalarFor(random, field) };
    case 2:
      return { op: 'in', field, values: random.some(3, () => scalarFor(random, field)) };
    case 3:
      return { op: 'regex', field, pattern: random.of(PATTERNS) };
    case 4:
      return { op: 'exists', field };
    case 5:
      return random.next() < 0.4
        ? { op: 'looseEquals', key: random.of(LOOSE_KEYS), text: random.of(LOOSE_TEXTS) }
        : {
            op: 'looseEquals',
            key: random.of(KEYS),
            text: random.of([
              ...STRINGS,
              ...LOOSE_TEXTS,
              String(random.of(INTS)),
              'Infinity',
              '5e-324',
            ]),
          };
    case 6:
    case 7:
      return { op: 'not', of: randomFilter(random, depth - 1) };
    case 8:
      return {
        op: 'some',
        in: random.of(['event', 'event', 'link']),
        of: randomFilter(random, depth - 1),
      };
    default:
      return {
        op: random.of(['and', 'or']),
        of: random.some(3, () => randomFilter(random, depth - 1)),
      };
  }
}
