/** Random spans with everything a span may have, from a seed: for tests of whatever carries them. */

import type { AttributeValue, KeyValue } from '../attribute.ts';
import type { Span } from '../trace/span.ts';

/** mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const TEXTS = [
  '',
  'a',
  'GET /cart',
  'service.name',
  'http.method',
  '한국어 이름',
  'naïve',
  '🦊'.repeat(9),
];
const INTS = [0n, 1n, -1n, 127n, 128n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n];
const DOUBLES = [
  0,
  -0.5,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0.1,
];
const TIMES = [0n, 1n, 1_700_000_000_000_000_001n, 2n ** 64n - 1n, 2n ** 63n];
const COUNTS = [0, 0, 0, 1, 7, 4_294_967_295];

export class RandomSpans {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  text(): string {
    const kind = this.below(10);
    if (kind < 6) return this.pick(TEXTS);
    if (kind < 8) return `v${this.below(50)}`;
    return String.fromCharCode(97 + this.below(26)).repeat(this.below(kind === 8 ? 40 : 600));
  }

  id(bytes: number): string {
    return Array.from({ length: bytes }, () =>
      (1 + this.below(255)).toString(16).padStart(2, '0'),
    ).join('');
  }

  value(depth = 0): AttributeValue {
    switch (this.below(depth < 3 ? 9 : 6)) {
      case 0:
        return { type: 'bool', value: this.random() < 0.5 };
      case 1:
        return { type: 'int', value: this.pick(INTS) };
      case 2:
        return { type: 'double', value: this.pick(DOUBLES) };
      case 3:
        return {
          type: 'bytes',
          value: Uint8Array.from({ length: this.below(9) }, () => this.below(256)),
        };
      case 4:
        return { type: 'empty' };
      case 6:
        return { type: 'array', value: this.list(4, () => this.value(depth + 1)) };
      case 7:
        return { type: 'kvlist', value: this.attributes(4, depth + 1) };
      default:
        return { type: 'string', value: this.text() };
    }
  }

  list<T>(limit: number, make: () => T): T[] {
    return Array.from({ length: this.below(limit) }, make);
  }

  attributes(limit = 12, depth = 0): KeyValue[] {
    return this.list(limit, () => ({ key: this.text(), value: this.value(depth) }));
  }

  resource(): Span['resource'] {
    return {
      schemaUrl: this.pick(TEXTS),
      droppedAttributes: this.pick(COUNTS),
      attributes: this.attributes(),
    };
  }

  scope(): Span['scope'] {
    return { ...this.resource(), name: this.text(), version: this.pick(['', '1.2.3']) };
  }

  span(around: Pick<Span, 'resource' | 'scope'>): Span {
    return {
      traceId: this.id(16),
      spanId: this.id(8),
      parentSpanId: this.random() < 0.3 ? '' : this.id(8),
      name: this.text(),
      kind: this.below(7),
      startNano: this.pick(TIMES),
      endNano: this.pick(TIMES),
      statusCode: this.below(4),
      statusMessage: this.random() < 0.7 ? '' : this.text(),
      traceState: this.random() < 0.7 ? '' : 'vendor=1',
      flags: this.pick(COUNTS),
      droppedAttributes: this.pick(COUNTS),
      droppedEvents: this.pick(COUNTS),
      droppedLinks: this.pick(COUNTS),
      attributes: this.attributes(),
      events: this.list(4, () => ({
        timeNano: this.pick(TIMES),
        name: this.text(),
        droppedAttributes: this.pick(COUNTS),
        attributes: this.attributes(4),
      })),
      links: this.list(3, () => ({
        traceId: this.id(16),
        spanId: this.id(8),
        traceState: this.pick(TEXTS),
        flags: this.pick(COUNTS),
        droppedAttributes: this.pick(COUNTS),
        attributes: this.attributes(4),
      })),
      ...around,
      warnings: [],
    };
  }

  /** Spans of a few resources and scopes, grouped as a request would have them. */
  spans(limit = 40): Span[] {
    const out: Span[] = [];
    const wanted = this.below(limit);
    while (out.length < wanted) {
      const resource = this.resource();
      for (let scopes = 1 + this.below(2); scopes > 0; scopes--) {
        const scope = this.scope();
        for (let n = 1 + this.below(8); n > 0; n--) out.push(this.span({ resource, scope }));
      }
    }
    return out;
  }
}
