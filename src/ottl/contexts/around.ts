/** The resource and scope around a metric or log record, for conditions. */

import type { ResourceValue, ScopeValue } from '../../model/batch/view.ts';
import type { Around } from '../../model/signal-message.ts';
import type { Owner } from './resource-scope.ts';

export interface ItemAround {
  readonly around: Around;
}

/** As the resource context reads it. */
export function resourceOf({ resource }: Pick<Around, 'resource'>): ResourceValue {
  return { ...resource.resource, schemaUrl: resource.schemaUrl };
}

function scopeOf({ scope }: Around): ScopeValue {
  return { ...scope.scope, schemaUrl: scope.schemaUrl };
}

export const AROUND: Owner<ItemAround> = {
  resource: ({ around }) => resourceOf(around),
  scope: ({ around }) => scopeOf(around),
};
