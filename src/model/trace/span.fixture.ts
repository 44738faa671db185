/** A span for tests: everything default but what the test is about. */

import type { AttributeValue, KeyValue } from '../attribute.ts';
import type { Span } from './span.ts';

const BASE_NANO = 1_700_000_000_000_000_000n;

export interface SpanFields extends Partial<Omit<Span, 'attributes'>> {
  readonly service?: string;
  /** ns after the fixture's base time. */
  readonly at?: number;
  readonly takes?: number;
  readonly attributes?: Readonly<Record<string, AttributeValue | string | number | boolean>>;
}

/** `spanId` and `parentSpanId` may be short: they are padded. Numbers become ints when whole. */
export function makeSpan(fields: SpanFields): Span {
  const { service = 'web', at = 0, takes = 1000, attributes = {}, ...rest } = fields;
  const startNano = BASE_NANO + BigInt(at);
  return {
    name: 'op',
    kind: 1,
    startNano,
    endNano: startNano + BigInt(takes),
    statusCode: 0,
    statusMessage: '',
    traceState: '',
    flags: 0,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    events: [],
    links: [],
    resource: {
      schemaUrl: '',
      droppedAttributes: 0,
      attributes: [{ key: 'service.name', value: { type: 'string', value: service } }],
    },
    scope: { name: '', version: '', schemaUrl: '', droppedAttributes: 0, attributes: [] },
    warnings: [],
    ...rest,
    traceId: (rest.traceId ?? '1').padStart(32, '0'),
    spanId: (rest.spanId ?? '1').padStart(16, '0'),
    parentSpanId: rest.parentSpanId === undefined ? '' : rest.parentSpanId.padStart(16, '0'),
    attributes: makeAttributes(attributes),
  };
}

export function makeAttributes(
  attributes: Readonly<Record<string, AttributeValue | string | number | boolean>>,
): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: makeValue(value) }));
}

function makeValue(value: AttributeValue | string | number | boolean): AttributeValue {
  if (typeof value === 'object') return value;
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'boolean') return { type: 'bool', value };
  return Number.isInteger(value)
    ? { type: 'int', value: BigInt(value) }
    : { type: 'double', value };
}
