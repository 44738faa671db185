/** Spans and filters by chance, the same for the same seed: few values, so that filters find some
 *  spans and not all, and the ones that stores get wrong are among them. */

import type { Field, Filter, Intrinsic, Scalar } from '../../filter/ast.ts';
import { countTraceConditions, TRACE_CONDITIONS_MAX } from '../../filter/trace-conditions.ts';
import type { AttributeValue } from '../../model/attribute.ts';
import type { KnownSpan } from './oracle.ts';
import { bool, double, int, type PlainAttributes, text } from './plain-spans.ts';

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  isHit(probability: number): boolean {
    return this.next() < probability;
  }

  hex(bytes: number): string {
    return Array.from({ length: bytes }, () => this.below(256).toString(16).padStart(2, '0')).join(
      '',
    );
  }

  some<T>(countMax: number, make: () => T): T[] {
    return Array.from({ length: this.below(countMax + 1) }, make);
  }
}

const SERVICES = ['shop', 'Shop', 'billing', 'größe 🚚', ''];
const NAMES = ['GET /', 'GET /cart', 'get /', 'SELECT', ''];
const KEYS = ['http.status', 'HTTP.status', 'user id', 'ключ', 'a', 'retry'];
const TEXTS = [
  '503',
  'true',
  '1.5',
  'x',
  'X',
  '',
  'ключ',
  'line\nbreak',
  '\u001f\u001d',
  '%_*',
  "it's",
];

function value(chance: Chance): AttributeValue {
  switch (chance.below(10)) {
    case 0:
      return int(503);
    case 1:
      return int(chance.of([0n, -1n, 9_007_199_254_740_993n, 9_223_372_036_854_775_807n]));
    case 2:
      return double(chance.of([1.5, -0, NaN, Infinity, 503, 1e300]));
    case 3:
      return bool(chance.isHit(0.5));
    case 4:
      return chance.of<AttributeValue>([
        { type: 'empty' },
        { type: 'bytes', value: Uint8Array.of(53, 48, 51) },
        { type: 'array', value: [text('x'), int(503)] },
        { type: 'kvlist', value: [{ key: 'a', value: text('x') }] },
      ]);
    default:
      return text(chance.of(TEXTS));
  }
}

/** Keys are distinct: what a filter finds of a key that repeats is not told. */
function attributes(chance: Chance, countMax = 3): PlainAttributes {
  const keys = new Set(chance.some(countMax, () => chance.of(KEYS)));
  return [...keys].map((key) => [key, value(chance)] as const);
}

export interface RandomSpansOptions {
  readonly traces: number;
  readonly startNano: bigint;
  readonly spreadNano: bigint;
}

export function randomSpans(chance: Chance, options: RandomSpansOptions): KnownSpan[] {
  const resources = Array.from({ length: 6 }, () => ({
    service: chance.isHit(0.9) ? chance.of(SERVICES) : undefined,
    resource: { schemaUrl: chance.of(['', 'schema']), attributes: attributes(chance) },
  }));
  const scopes = Array.from({ length: 4 }, () => ({
    name: chance.of(['', 'lib', 'Lib']),
    version: chance.of(['', '1.0']),
    schemaUrl: chance.of(['', 'schema']),
    attributes: attributes(chance, 2),
  }));
  return Array.from({ length: options.traces }, () => {
    const traceId = chance.hex(16);
    const at = options.startNano + BigInt(Math.floor(chance.next() * Number(options.spreadNano)));
    const spanIds: string[] = [];
    return Array.from({ length: 1 + chance.below(6) }, () => {
      const spanId = chance.hex(8);
      const { service, resource } = chance.of(resources);
      const startNano = at + BigInt(chance.below(5_000_000));
      const parents = chance.isHit(0.1) ? [chance.hex(8)] : spanIds;
      const parentSpanId = parents.length > 0 ? chance.of(parents) : '';
      const span: KnownSpan = {
        traceId,
        spanId,
        parentSpanId,
        startNano,
        endNano: startNano + BigInt(chance.below(2_000_000)),
        name: chance.of(NAMES),
        kind: chance.below(6),
        status: chance.below(3),
        statusMessage: chance.of(['', 'failed']),
        traceState: chance.of(['', 'a=b']),
        ...(service === undefined ? {} : { service }),
        resource,
        scope: chance.of(scopes),
        attributes: attributes(chance),
        events: chance.some(2, () => ({
          timeNano: startNano + BigInt(chance.below(3) * 500_000),
          name: chance.of(['exception', 'Log', '']),
          attributes: attributes(chance, 2),
        })),
        links: chance.some(1, () => ({
          // Often to the own trace, or to the parent: what a consumer says of its message.
          traceId: chance.of([traceId, chance.hex(16)]),
          spanId: chance.of([parentSpanId || spanId, chance.hex(8)]),
          traceState: chance.of(['', 'a=b']),
          attributes: attributes(chance, 2),
        })),
      };
      spanIds.push(spanId);
      return span;
    });
  }).flat();
}

const TEXT_INTRINSICS: readonly Intrinsic[] = [
  'service',
  'name',
  'kind',
  'status',
  'statusMessage',
  'traceState',
  'scopeName',
  'scopeVersion',
  'scopeSchemaUrl',
  'resourceSchemaUrl',
  'eventName',
  'linkTraceState',
];

function field(chance: Chance): Field {
  if (chance.isHit(0.35)) return { kind: 'intrinsic', name: chance.of(TEXT_INTRINSICS) };
  if (chance.isHit(0.1)) return { kind: 'trace', name: chance.of(['rootService', 'rootName']) };
  const scope = chance.of(['span', 'resource', 'scope', 'event', 'link', 'any', 'any'] as const);
  return { kind: 'attribute', scope, key: chance.of([...KEYS, 'service.name', 'absent']) };
}

function scalar(chance: Chance): Scalar {
  const made = value(chance);
  if (made.type === 'string') {
    const words = [
      ...TEXTS,
      ...SERVICES,
      ...NAMES,
      'server',
      'error',
      'exception',
      'lib',
      'failed',
    ];
    return chance.of(words);
  }
  return 'value' in made && typeof made.value !== 'object' ? made.value : 503n;
}

/** One that a store can be asked: not too many conditions are of the trace. */
export function randomFilter(chance: Chance): Filter {
  for (;;) {
    const filter = anyFilter(chance, 0);
    if (countTraceConditions(filter) <= TRACE_CONDITIONS_MAX) return filter;
  }
}

function anyFilter(chance: Chance, depth: number): Filter {
  const leaf = (): Filter => {
    switch (chance.below(7)) {
      case 0:
        return { op: 'exists', field: field(chance) };
      case 1:
        return { op: 'in', field: field(chance), values: chance.some(3, () => scalar(chance)) };
      case 2:
        return {
          op: 'regex',
          field: field(chance),
          pattern: chance.of(['^G', 't', 'x$', '.', '[0-9]+']),
        };
      case 3:
        return {
          op: 'looseEquals',
          key: chance.of([
            ...KEYS,
            'error',
            'span.kind',
            'scope.name',
            'span.status',
            'service.name',
          ]),
          text: chance.of([
            ...TEXTS,
            'server',
            'error',
            'lib',
            'shop',
            '9007199254740993',
            '-0',
            '0',
            'NaN',
          ]),
        };
      case 4:
        return {
          op: 'compare',
          field: chance.of<Field>([
            { kind: 'intrinsic', name: 'durationNano' },
            { kind: 'intrinsic', name: 'eventSinceStartNano' },
            { kind: 'trace', name: 'durationNano' },
          ]),
          by: chance.of(['<', '>=', '=', '>'] as const),
          value: BigInt(chance.below(2_000_000)),
        };
      default:
        return {
          op: 'compare',
          field: field(chance),
          by: chance.of(['=', '=', '=', '!=', '<', '<=', '>', '>='] as const),
          value: scalar(chance),
        };
    }
  };
  if (depth >= 3 || chance.isHit(0.4)) return leaf();
  const inner = () => anyFilter(chance, depth + 1);
  if (chance.isHit(0.2)) return { op: 'not', of: inner() };
  if (chance.isHit(0.15)) return { op: 'some', in: chance.of(['event', 'link']), of: inner() };
  return { op: chance.of(['and', 'or'] as const), of: [inner(), ...chance.some(2, inner)] };
}
