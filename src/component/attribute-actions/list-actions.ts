/** Attribute actions on lists of attributes, which data points, log records and their resources
 *  have. A list is never changed: what an action changes is a new one, so that a decoded request
 *  can be shared. Means the same as actions.ts does on columns. */
import { compileRegex } from '../../lib/regex.ts';
import type { AttributeValue, KeyValue } from '../../model/attribute.ts';
import { clientValue, type Client } from '../../model/batch/client.ts';
import { attributeValue, type AttributeAction } from './config.ts';
import { attributeOf, converted, hashedBytes, hashOf, type ConvertedType } from './values.ts';

/** The same list when nothing changes. */
export type ListAction = (list: KeyValue[], client: Client | undefined) => KeyValue[];

/** All actions, in list order. */
export function compileListActions(actions: readonly AttributeAction[]): ListAction {
  const compiled = actions.map(compileAction);
  return (list, client) => compiled.reduce((edited, action) => action(edited, client), list);
}

function compileAction(action: AttributeAction): ListAction {
  switch (action.action) {
    case 'insert':
      return setter(action, (at) => at < 0);
    case 'update':
      return setter(action, (at) => at >= 0);
    case 'upsert':
      return setter(action, () => true);
    case 'delete':
      return deleter(action);
    case 'hash':
      return hasher(action);
    case 'extract':
      return extractor(action.key, action.pattern ?? '');
    case 'convert':
      return converter(action.key, action.converted_type ?? 'string');
  }
}

function setter(action: AttributeAction, isWanted: (at: number) => boolean): ListAction {
  const source = sourceOf(action);
  return (list, client) => {
    if (!isWanted(find(list, action.key))) return list;
    const value = source(list, client);
    return value === undefined ? list : set(list, action.key, value);
  };
}

type Source = (list: readonly KeyValue[], client: Client | undefined) => AttributeValue | undefined;

function sourceOf({
  value,
  from_attribute: attribute,
  from_context: context,
  default_value: fallback,
}: AttributeAction): Source {
  const otherwise = fallback === undefined ? undefined : attributeValue(fallback);
  if (attribute !== undefined) return (list) => list[find(list, attribute)]?.value ?? otherwise;
  if (context !== undefined) {
    return (_, client) => {
      const text = clientValue(client, context);
      return text === undefined ? otherwise : { type: 'string', value: text };
    };
  }
  const constant = attributeValue(value);
  return () => constant;
}

function deleter(action: AttributeAction): ListAction {
  const isGone = keyTest(action);
  return (list) => {
    const kept = list.filter(({ key }) => !isGone(key));
    return kept.length === list.length ? list : kept;
  };
}

function hasher(action: AttributeAction): ListAction {
  const isHashed = keyTest(action);
  return (list) =>
    list.some(({ key }) => isHashed(key))
      ? list.map((entry) => (isHashed(entry.key) ? hashed(entry) : entry))
      : list;
}

function hashed({ key, value }: KeyValue): KeyValue {
  return { key, value: { type: 'string', value: hashOf(hashedBytes(value)) } };
}

function extractor(key: string, pattern: string): ListAction {
  const regex = compileRegex(pattern);
  return (list) => {
    const source = list[find(list, key)]?.value;
    const groups = source?.type === 'string' ? regex.groupsIn(source.value) : undefined;
    if (groups === undefined) return list;
    return regex.groupNames.reduce(
      (edited, name) => set(edited, name, { type: 'string', value: groups.get(name) ?? '' }),
      list,
    );
  };
}

function converter(key: string, to: ConvertedType): ListAction {
  return (list) => {
    const value = list[find(list, key)]?.value;
    if (value === undefined || value.type === to) return list;
    if (value.type === 'empty' || typeof value.value === 'object') return list;
    const result = converted(value.value, to);
    return result === undefined ? list : set(list, key, attributeOf(result));
  };
}

function keyTest({ key, pattern }: AttributeAction): (key: string) => boolean {
  const regex = pattern === undefined ? undefined : compileRegex(pattern);
  return (other) => (key !== '' && other === key) || regex?.isIn(other) === true;
}

/** Where a key stands twice, the last counts. */
function find(list: readonly KeyValue[], key: string): number {
  return list.findLastIndex((entry) => entry.key === key);
}

/** Replaces the value, or adds the attribute at the end. */
function set(list: KeyValue[], key: string, value: AttributeValue): KeyValue[] {
  const at = find(list, key);
  return at < 0 ? [...list, { key, value }] : list.with(at, { key, value });
}
