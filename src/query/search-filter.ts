/** A search form's fields as one filter: every condition is of the same span. */

import { allOf, type Filter, intrinsic } from '../filter/ast.ts';

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
    ...fields.tags.map(([key, text]): Filter => ({ op: 'looseEquals', key, text })),
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
