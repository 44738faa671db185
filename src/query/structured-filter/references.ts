/** What a structured filter can name: attributes at a level, and the closed set of built-in fields
 *  (Jaeger's RFC 0005 §5.2), with what each holds. */

import { type AttributeScope, type Field, intrinsic, type Intrinsic } from '../../filter/ast.ts';
import type { TraceField } from '../../filter/ast.ts';
import { member, type Place, refuse, textMember } from './place.ts';

/** What a value is, as far as it is known before it is stored: `any` for attributes. */
export type Holds = 'any' | 'text' | 'id' | 'duration' | 'time' | 'kind' | 'status';

export interface Reference {
  /** Several where a name has more than one place; one is enough. */
  readonly fields: readonly Field[];
  readonly holds: Holds;
}

type BuiltIn = Readonly<Record<string, readonly [Field, Holds]>>;

const of = (name: Intrinsic, holds: Holds): readonly [Field, Holds] => [intrinsic(name), holds];
const ofTrace = (name: TraceField, holds: Holds): readonly [Field, Holds] => [
  { kind: 'trace', name },
  holds,
];

const FIELDS: Readonly<Record<string, BuiltIn>> = {
  span: {
    traceID: of('traceId', 'id'),
    spanID: of('spanId', 'id'),
    parentSpanID: of('parentSpanId', 'id'),
    traceState: of('traceState', 'text'),
    name: of('name', 'text'),
    kind: of('kind', 'kind'),
    startTime: of('startNano', 'time'),
    endTime: of('endNano', 'time'),
    duration: of('durationNano', 'duration'),
    status: of('status', 'status'),
    statusMessage: of('statusMessage', 'text'),
  },
  resource: { service: of('service', 'text'), schemaURL: of('resourceSchemaUrl', 'text') },
  scope: {
    name: of('scopeName', 'text'),
    version: of('scopeVersion', 'text'),
    schemaURL: of('scopeSchemaUrl', 'text'),
  },
  event: {
    name: of('eventName', 'text'),
    time: of('eventTimeNano', 'time'),
    timeSinceStart: of('eventSinceStartNano', 'duration'),
  },
  link: {
    traceID: of('linkTraceId', 'id'),
    spanID: of('linkSpanId', 'id'),
    traceState: of('linkTraceState', 'text'),
  },
  trace: {
    duration: ofTrace('durationNano', 'duration'),
    rootService: ofTrace('rootService', 'text'),
    rootName: ofTrace('rootName', 'text'),
  },
};

/** Levels that have attributes. */
const LEVELS: readonly AttributeScope[] = ['span', 'resource', 'scope', 'event', 'link'];

export function parseReference(value: unknown, place: Place): Reference {
  const attribute = member(value, 'attr');
  if (attribute !== undefined) return attributeReference(attribute, place);
  const field = member(value, 'field');
  if (field !== undefined) return fieldReference(field, place);
  if (member(value, 'nested') !== undefined) {
    throw refuse(place, 'a collection can only be the first argument of some');
  }
  throw refuse(place, 'expected {"attr": …} or {"field": …}');
}

/** Whether greater and less mean something. */
export function isOrdered({ holds }: Pick<Reference, 'holds'>, type: string): boolean {
  return holds !== 'kind' && holds !== 'status' && type !== 'bool';
}

function attributeReference(attribute: object, place: Place): Reference {
  const key = textMember(attribute, 'key');
  if (key === '') throw refuse(place, 'an attribute needs a "key"');
  const level = textMember(attribute, 'level');
  const scopes = level === '' ? (['span', 'resource'] as const) : LEVELS.filter((l) => l === level);
  if (scopes.length === 0) throw unknownLevel(level, LEVELS, place);
  return { holds: 'any', fields: scopes.map((scope) => ({ kind: 'attribute', scope, key })) };
}

function fieldReference(field: object, place: Place): Reference {
  const level = textMember(field, 'level');
  const known = Object.hasOwn(FIELDS, level) ? FIELDS[level] : undefined;
  if (known === undefined) throw unknownLevel(level, Object.keys(FIELDS), place);
  const name = textMember(field, 'name');
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found === undefined) {
    const names = Object.keys(known).join(', ');
    throw refuse(
      place,
      `unknown field ${JSON.stringify(name)} of ${level}; there are ${names}, ` +
        'and {"attr": …} names an attribute',
    );
  }
  return { fields: [found[0]], holds: found[1] };
}

function unknownLevel(level: string, known: readonly string[], place: Place) {
  return refuse(place, `unknown level ${JSON.stringify(level)}; there are ${known.join(', ')}`);
}
