/** What OTLP requests of metrics and of logs have in common, as JavaScript objects: items within
 *  scopes within resources. A decoded message is shared by every branch of a fan-out, so nobody
 *  changes one: who edits makes new objects for what changed and for the way down to it. */
import type { KeyValue } from './attribute.ts';

export interface SignalMessage<Item> {
  resources: ResourceGroup<Item>[];
}

export interface ResourceGroup<Item> {
  resource: Resource;
  scopes: ScopeGroup<Item>[];
  schemaUrl: string;
}

export interface ScopeGroup<Item> {
  scope: Scope;
  items: Item[];
  schemaUrl: string;
}

export interface Resource {
  attributes: KeyValue[];
  droppedAttributes: number;
}

export interface Scope {
  name: string;
  version: string;
  attributes: KeyValue[];
  droppedAttributes: number;
}

/** What surrounds an item. */
export interface Around {
  readonly resource: ResourceGroup<unknown>;
  readonly scope: ScopeGroup<unknown>;
}

/** The message with `edit` done to every resource; the same one when nothing changed. `edit` gives
 *  undefined for what is to go. */
export function mapResources<Item>(
  message: SignalMessage<Item>,
  edit: (group: ResourceGroup<Item>) => ResourceGroup<Item> | undefined,
): SignalMessage<Item> {
  const resources = mapChanged(message.resources, edit);
  return resources === message.resources ? message : { resources };
}

/** The message with `edit` done to every item. Scopes and resources that lost all their items go,
 *  those that came without any stay. */
export function mapItems<Item>(
  message: SignalMessage<Item>,
  edit: (item: Item, around: Around) => Item | undefined,
): SignalMessage<Item> {
  return mapResources(message, (resource) => {
    const scopes = mapChanged(resource.scopes, (scope) => {
      const items = mapChanged(scope.items, (item) => edit(item, { resource, scope }));
      if (items === scope.items) return scope;
      return items.length === 0 ? undefined : { ...scope, items };
    });
    if (scopes === resource.scopes) return resource;
    return scopes.length === 0 ? undefined : { ...resource, scopes };
  });
}

/** Like `map`, leaving out undefined; the same array when every element stayed as it was. */
export function mapChanged<T>(list: T[], edit: (element: T) => T | undefined): T[] {
  let out: T[] | undefined;
  for (const [i, element] of list.entries()) {
    const edited = edit(element);
    if (out === undefined) {
      if (edited === element) continue;
      out = list.slice(0, i);
    }
    if (edited !== undefined) out.push(edited);
  }
  return out ?? list;
}

/** How one item counts, and how to cut it where it counts as several. */
export interface Measure<Item> {
  readonly size: (item: Item) => number;
  readonly split: (item: Item, at: number) => readonly [Item, Item];
}

/** The message's first `count` and the rest, as messages of the same resources and scopes. */
export function splitMessage<Item>(
  message: SignalMessage<Item>,
  count: number,
  item: Measure<Item>,
): readonly [SignalMessage<Item>, SignalMessage<Item>] {
  const sum = <T>(list: readonly T[], size: (one: T) => number): number =>
    list.reduce((total, one) => total + size(one), 0);
  const scope: Measure<ScopeGroup<Item>> = {
    size: ({ items }) => sum(items, item.size),
    split(group, at) {
      const [first, rest] = splitList(group.items, at, item);
      return [
        { ...group, items: first },
        { ...group, items: rest },
      ];
    },
  };
  const resource: Measure<ResourceGroup<Item>> = {
    size: ({ scopes }) => sum(scopes, scope.size),
    split(group, at) {
      const [first, rest] = splitList(group.scopes, at, scope);
      return [
        { ...group, scopes: first },
        { ...group, scopes: rest },
      ];
    },
  };
  const [first, rest] = splitList(message.resources, count, resource);
  return [{ resources: first }, { resources: rest }];
}

function splitList<T>(list: readonly T[], count: number, { size, split }: Measure<T>): [T[], T[]] {
  let left = count;
  for (const [i, one] of list.entries()) {
    const own = size(one);
    if (own <= left) {
      left -= own;
      continue;
    }
    if (left === 0) return [list.slice(0, i), list.slice(i)];
    const [before, after] = split(one, left);
    return [
      [...list.slice(0, i), before],
      [after, ...list.slice(i + 1)],
    ];
  }
  return [[...list], []];
}
