/** A search form's fields as one filter: every condition is of the same span. */

import { allOf, type Field, type Filter, intrinsic, type Scalar } from '../filter/ast.ts';

export interface SearchFields {
  readonly service?: string | undefined;
  readonly operation?: string | undefined;
  /** Key and value; each is a `looseEquals`. */
  readonly tags: readonly (readonly [string, string])[];
  /** Inclusive. */
  readonly minDurationNano?: bigint | undefined;
  readonly maxDurationNano?: bigint | undefined;
}

export function searchFilter(fields: SearchFields): Filter | undefined {
  return allOf([
    equals('service', fields.service),
    equals('name', fields.operation),
    duration('>=', fields.minDurationNano),
    duration('<=', fields.maxDurationNano),
    ...fields.tags.map(([key, text]) => tagFilter(key, text)),
  ]);
}

function equals(name: 'service' | 'name', value: string | undefined): Filter | undefined {
  if (value === undefined || value === '') return undefined;
  return { op: 'compare', field: intrinsic(name), by: '=', value };
}

function duration(by: '>=' | '<=', value: bigint | undefined): Filter | undefined {
  if (value === undefined) return undefined;
  return { op: 'compare', field: intrinsic('durationNano'), by, value };
}

const RESOURCE_PREFIX = 'resource.';

/** `resource.k=v` asks the resource's `k`, as Jaeger's memory store does, or a key spelled so. */
function tagFilter(key: string, text: string): Filter {
  const anywhere: Filter = { op: 'looseEquals', key, text };
  if (!key.startsWith(RESOURCE_PREFIX)) return anywhere;
  const field: Field = {
    kind: 'attribute',
    scope: 'resource',
    key: key.slice(RESOURCE_PREFIX.length),
  };
  return { op: 'or', of: [anywhere, { op: 'in', field, values: looseScalars(text) }] };
}

/** The values whose text form this is. */
export function looseScalars(text: string): Scalar[] {
  const isInt = /^(?:0|-?[1-9]\d{0,18})$/.test(text);
  const isDouble = text !== '' && String(Number(text)) === text;
  return [
    text,
    ...(isInt ? [BigInt(text)] : []),
    ...(isDouble && !isInt ? [Number(text)] : []),
    ...(text === 'true' || text === 'false' ? [text === 'true'] : []),
  ];
}
