/** Constants of a structured filter. They travel as text with an optional type; the field they stand
 *  beside says how a text without one is read (Jaeger's RFC 0005 §5.4). */

import type { Scalar } from '../../filter/ast.ts';
import { parseGoDuration } from '../../lib/go-duration.ts';
import { parseRfc3339 } from '../../lib/rfc3339.ts';
import { SPAN_KINDS, STATUS_CODES } from '../../model/attribute.ts';
import { member, type Place, refuse } from './place.ts';
import type { Holds, Reference } from './references.ts';
import { looseScalars } from '../search-filter.ts';

const TYPES = ['', 'string', 'int', 'double', 'bool'] as const;
type ValueType = (typeof TYPES)[number];
const VALUES_MAX = 1000;

export interface Constant {
  readonly text: string;
  /** '' = whatever it was stored as. */
  readonly type: ValueType;
  /** As the field beside it reads it; undefined beside an attribute. */
  readonly read?: Scalar | undefined;
}

export function parseConstant(
  value: unknown,
  reference: Pick<Reference, 'holds'>,
  place: Place,
): Constant {
  const scalar = member(value, 'scalar');
  if (scalar === undefined) {
    throw refuse(place, 'expected {"scalar": {"value": "…"}}; two references cannot be compared');
  }
  const text: unknown = Reflect.get(scalar, 'value');
  return constantOf(text, { type: typeOf(scalar, place), holds: reference.holds, place });
}

export function parseList(
  value: unknown,
  reference: Pick<Reference, 'holds'>,
  place: Place,
): Constant[] {
  const list = member(value, 'list');
  const values: unknown = list === undefined ? undefined : Reflect.get(list, 'values');
  if (list === undefined || !Array.isArray(values) || values.length === 0) {
    throw refuse(place, 'expected {"list": {"values": ["…"]}} with at least one value');
  }
  if (values.length > VALUES_MAX) throw refuse(place, `more than ${VALUES_MAX} values`);
  const type = typeOf(list, place);
  return values.map((text: unknown) => constantOf(text, { type, holds: reference.holds, place }));
}

/** Every value that the constant means. */
export function scalarsOf({ text, type, read }: Constant): readonly Scalar[] {
  if (read !== undefined) return [read];
  switch (type) {
    case '':
      return looseScalars(text);
    case 'string':
      return [text];
    case 'int':
      return [BigInt(text)];
    case 'double':
      return [Number(text)];
    case 'bool':
      return [text === 'true'];
  }
}

interface Reading {
  readonly type: ValueType;
  readonly holds: Holds;
  readonly place: Place;
}

function constantOf(text: unknown, { type, holds, place }: Reading): Constant {
  if (typeof text !== 'string') throw refuse(place, 'a value is written as a string');
  if (holds === 'any') {
    if (!isOfType(text, type)) throw refuse(place, `${JSON.stringify(text)} is no ${type}`);
    return { text, type };
  }
  if (type !== '' && type !== 'string') {
    throw refuse(place, `the field holds a ${holds}, not a ${type}`);
  }
  const read = READERS[holds](text);
  if (read === undefined) throw refuse(place, `${JSON.stringify(text)} is no ${EXPECTED[holds]}`);
  return { text, type, read };
}

const READERS: Readonly<Record<Exclude<Holds, 'any'>, (text: string) => Scalar | undefined>> = {
  text: (text) => text,
  id: (text) => text.toLowerCase(),
  duration: parseGoDuration,
  time: parseRfc3339,
  kind: (text) => SPAN_KINDS.find((kind) => kind === text),
  status: (text) => STATUS_CODES.find((status) => status === text),
};

const EXPECTED: Readonly<Record<Exclude<Holds, 'any'>, string>> = {
  text: 'text',
  id: 'id',
  duration: 'duration like 2s or 50us',
  time: 'time like 2026-01-02T03:04:05.678Z',
  kind: `span kind: ${SPAN_KINDS.join(', ')}`,
  status: `status: ${STATUS_CODES.join(', ')}`,
};

const INT_MAX = 2n ** 63n - 1n;

function isOfType(text: string, type: ValueType): boolean {
  switch (type) {
    case '':
    case 'string':
      return true;
    case 'int': {
      if (!/^-?\d{1,19}$/.test(text)) return false;
      const value = BigInt(text);
      return value <= INT_MAX && value >= -INT_MAX - 1n;
    }
    case 'double':
      return text.trim() !== '' && (text === 'NaN' || !Number.isNaN(Number(text)));
    case 'bool':
      return text === 'true' || text === 'false';
  }
}

function typeOf(value: object, place: Place): ValueType {
  const type: unknown = Reflect.get(value, 'type') ?? '';
  const known = TYPES.find((each) => each === type);
  if (known === undefined) {
    throw refuse(
      place,
      `unknown type ${JSON.stringify(type)}; there are string, int, double, bool`,
    );
  }
  return known;
}
