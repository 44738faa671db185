/** The paths `resource.*` and `instrumentation_scope.*` (also `scope.*`), which every context has. */

import type { KeyValue } from '../../model/attribute.ts';
import type { ResourceValue, ScopeValue } from '../../model/batch/view.ts';
import type { Getter, PathMatch } from '../context.ts';
import { mapOf, type Value, valueOf } from '../value.ts';

/** How a context's item gives its resource and scope. */
export interface Owner<Item> {
  resource(item: Item): ResourceValue;
  scope(item: Item): ScopeValue;
}

export function resourceOrScopePath<Item>(
  names: readonly string[],
  firstKey: string | undefined,
  owner: Owner<Item>,
): PathMatch<Item> | undefined {
  const [first = '', ...rest] = names;
  const name = rest.join('.');
  if (first === 'resource') {
    if (name === 'attributes')
      return attributesPath((item) => owner.resource(item).attributes, firstKey);
    return plain(RESOURCE[name], (item: Item) => owner.resource(item));
  }
  if (first === 'instrumentation_scope' || first === 'scope') {
    if (name === 'attributes')
      return attributesPath((item) => owner.scope(item).attributes, firstKey);
    return plain(SCOPE[name], (item: Item) => owner.scope(item));
  }
  return undefined;
}

/** `attributes` and `attributes["key"]`: the latter without making a map. */
export function attributesPath<Item>(
  read: (item: Item) => readonly KeyValue[],
  firstKey: string | undefined,
): PathMatch<Item> {
  if (firstKey === undefined) return { get: (item) => mapOf(read(item)) };
  const get: Getter<Item> = (item) => {
    const found = read(item).findLast(({ key }) => key === firstKey);
    return found === undefined ? null : valueOf(found.value);
  };
  return { get, usedKey: true };
}

const RESOURCE: Readonly<Record<string, (resource: ResourceValue) => Value>> = {
  schema_url: (resource) => resource.schemaUrl,
  dropped_attributes_count: (resource) => BigInt(resource.droppedAttributes),
};

const SCOPE: Readonly<Record<string, (scope: ScopeValue) => Value>> = {
  name: (scope) => scope.name,
  version: (scope) => scope.version,
  schema_url: (scope) => scope.schemaUrl,
  dropped_attributes_count: (scope) => BigInt(scope.droppedAttributes),
};

function plain<Item, Part>(
  read: ((part: Part) => Value) | undefined,
  part: (item: Item) => Part,
): PathMatch<Item> | undefined {
  return read && { get: (item) => read(part(item)) };
}
