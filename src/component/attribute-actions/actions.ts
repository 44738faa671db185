/** Attribute actions on columns. An action is compiled once, then bound to a batch (its string ids),
 *  then run on every owner: what repeats is a comparison of numbers. */
import { compileRegex } from '../../lib/regex.ts';
import { AttributeType, type AttributeValue } from '../../model/attribute.ts';
import { encodeNested } from '../../model/any-value.ts';
import { clientValue } from '../../model/batch/client.ts';
import type { BatchEditor, EditableAttributes } from '../../model/batch/editor.ts';
import { doubleFromWords } from '../../model/batch/view.ts';
import { bigNanoFromWords } from '../../model/time.ts';
import { attributeValue, type AttributeAction } from './config.ts';
import { converted, hashOf, type ConvertedType, type Scalar } from './values.ts';

/** Runs on the attributes of one owner. */
type Bound = (attributes: EditableAttributes) => void;
export type Action = (editor: BatchEditor) => Bound;

/** All actions, in list order. */
export function compileActions(actions: readonly AttributeAction[]): Action {
  const compiled = actions.map(compileAction);
  return (editor) => {
    const bound = compiled.map((action) => action(editor));
    return (attributes) => {
      for (const run of bound) run(attributes);
    };
  };
}

function compileAction(action: AttributeAction): Action {
  switch (action.action) {
    case 'insert':
      return setter(action, (attributes, key) => attributes.find(key) < 0);
    case 'update':
      return setter(action, (attributes, key) => attributes.find(key) >= 0);
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

function setter(
  action: AttributeAction,
  isWanted: (attributes: EditableAttributes, key: number) => boolean,
): Action {
  const source = sourceOf(action);
  return (editor) => {
    const key = editor.strings.id(action.key);
    const read = source(editor);
    return (attributes) => {
      if (!isWanted(attributes, key)) return;
      const cell = read(attributes);
      if (cell !== undefined) attributes.set(key, cell.type, cell.low, cell.high);
    };
  };
}

interface Cell {
  readonly type: AttributeType;
  readonly low: number;
  readonly high: number;
}

type Source = (editor: BatchEditor) => (attributes: EditableAttributes) => Cell | undefined;

function sourceOf(action: AttributeAction): Source {
  const { value, from_attribute: from, from_context: context, default_value: fallback } = action;
  const otherwise = fallback === undefined ? undefined : constant(fallback);
  if (context !== undefined) return fromContext(context, otherwise);
  if (from === undefined) return constant(value);
  return (editor) => {
    const key = editor.strings.find(from);
    const read = otherwise?.(editor);
    return (attributes) => {
      const at = key < 0 ? -1 : attributes.find(key);
      return at < 0 ? read?.(attributes) : cellAt(attributes, at);
    };
  };
}

function fromContext(name: string, otherwise: Source | undefined): Source {
  return (editor) => {
    const text = clientValue(editor.batch.client, name);
    if (text === undefined) return otherwise?.(editor) ?? (() => undefined);
    const cell = { type: AttributeType.string, low: editor.strings.id(text), high: 0 };
    return () => cell;
  };
}

function constant(written: unknown): Source {
  const value = attributeValue(written);
  return (editor) => {
    const cell = encodeCell(editor, value);
    return () => cell;
  };
}

function encodeCell({ strings }: BatchEditor, value: AttributeValue): Cell {
  switch (value.type) {
    case 'string':
      return { type: AttributeType.string, low: strings.id(value.value), high: 0 };
    case 'bool':
      return { type: AttributeType.bool, low: value.value ? 1 : 0, high: 0 };
    case 'int':
      return intCell(value.value);
    case 'double':
      return doubleCell(value.value);
    case 'array':
      return { type: AttributeType.array, low: strings.addBytes(encodeNested(value)), high: 0 };
    case 'kvlist':
      return { type: AttributeType.kvlist, low: strings.addBytes(encodeNested(value)), high: 0 };
    default:
      return { type: AttributeType.empty, low: 0, high: 0 };
  }
}

function deleter({ key, pattern }: AttributeAction): Action {
  const isMatch = keyPattern(pattern);
  return ({ strings }) => {
    const id = key === '' ? -1 : strings.find(key);
    const matched = memo((other) => isMatch?.(strings.text(other)) === true);
    return (attributes) => attributes.deleteWhere((other) => other === id || matched(other));
  };
}

function hasher({ key, pattern }: AttributeAction): Action {
  const isMatch = keyPattern(pattern);
  return (editor) => {
    const { strings } = editor;
    const id = key === '' ? -1 : strings.find(key);
    const matched = memo((other) => isMatch?.(strings.text(other)) === true);
    return (attributes) => {
      for (let at = 0; at < attributes.count; at++) {
        const other = attributes.keys[at] ?? 0;
        if (other === id || matched(other)) hashAt(editor, attributes, at);
      }
    };
  };
}

function hashAt({ strings }: BatchEditor, attributes: EditableAttributes, at: number): void {
  const digest = hashOf(hashInput(strings, attributes, at));
  attributes.setAt(at, AttributeType.string, strings.id(digest), 0);
}

/** As `hashedBytes`, of a cell. */
function hashInput(
  strings: BatchEditor['strings'],
  attributes: EditableAttributes,
  at: number,
): Uint8Array {
  const { type, low, high } = cellAt(attributes, at);
  if (type === AttributeType.string) return strings.bytes(low);
  if (type === AttributeType.bool) return Uint8Array.of(low);
  const isNumber = type === AttributeType.int || type === AttributeType.double;
  return isNumber ? new Uint8Array(Uint32Array.of(low, high).buffer) : new Uint8Array(0);
}

function extractor(key: string, pattern: string): Action {
  const regex = compileRegex(pattern);
  return ({ strings }) => {
    const id = strings.find(key);
    const targets = regex.groupNames.map((name) => ({ name, id: strings.id(name) }));
    return (attributes) => {
      const at = id < 0 ? -1 : attributes.find(id);
      if (at < 0 || attributes.types[at] !== AttributeType.string) return;
      const groups = regex.groupsIn(strings.text(attributes.values[at * 2] ?? 0));
      if (groups === undefined) return;
      for (const target of targets) {
        const text = groups.get(target.name) ?? '';
        attributes.set(target.id, AttributeType.string, strings.id(text), 0);
      }
    };
  };
}

function converter(key: string, to: ConvertedType): Action {
  return ({ strings }) => {
    const id = strings.find(key);
    return (attributes) => {
      const at = id < 0 ? -1 : attributes.find(id);
      if (at < 0) return;
      const value = scalarAt(strings, attributes, at);
      const result = value === undefined ? undefined : converted(value, to);
      if (result === undefined) return;
      const cell = scalarCell(strings, result);
      attributes.setAt(at, cell.type, cell.low, cell.high);
    };
  };
}

function scalarAt(
  strings: BatchEditor['strings'],
  attributes: EditableAttributes,
  at: number,
): Scalar | undefined {
  const { type, low, high } = cellAt(attributes, at);
  if (type === AttributeType.string) return strings.text(low);
  if (type === AttributeType.bool) return low !== 0;
  if (type === AttributeType.int) return BigInt.asIntN(64, bigNanoFromWords(low, high));
  return type === AttributeType.double ? doubleFromWords(low, high) : undefined;
}

function scalarCell(strings: BatchEditor['strings'], value: Scalar): Cell {
  if (typeof value === 'bigint') return intCell(value);
  if (typeof value === 'number') return doubleCell(value);
  if (typeof value === 'boolean') return { type: AttributeType.bool, low: value ? 1 : 0, high: 0 };
  return { type: AttributeType.string, low: strings.id(value), high: 0 };
}

function cellAt(attributes: EditableAttributes, at: number): Cell {
  return {
    type: attributes.typeAt(at),
    low: attributes.values[at * 2] ?? 0,
    high: attributes.values[at * 2 + 1] ?? 0,
  };
}

function intCell(value: bigint): Cell {
  const words = new Uint32Array(BigInt64Array.of(value).buffer);
  return { type: AttributeType.int, low: words[0] ?? 0, high: words[1] ?? 0 };
}

function doubleCell(value: number): Cell {
  const words = new Uint32Array(Float64Array.of(value).buffer);
  return { type: AttributeType.double, low: words[0] ?? 0, high: words[1] ?? 0 };
}

function keyPattern(pattern: string | undefined): ((key: string) => boolean) | undefined {
  if (pattern === undefined) return undefined;
  const regex = compileRegex(pattern);
  return (key) => regex.isIn(key);
}

function memo(test: (id: number) => boolean): (id: number) => boolean {
  const known = new Map<number, boolean>();
  return (id) => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const made = test(id);
    known.set(id, made);
    return made;
  };
}
