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
/** undefined: nothing to do on this batch, it has no such key. */
export type Action = (editor: BatchEditor) => Bound | undefined;

/** All actions, in list order. They are bound in this order too: a key that an action adds is known
 *  to those after it. */
export function compileActions(actions: readonly AttributeAction[]): Action {
  const compiled = actions.map(compileAction);
  return (editor) => {
    const bound = compiled.map((action) => action(editor)).filter((run) => run !== undefined);
    const [only] = bound;
    if (bound.length <= 1) return only;
    return (attributes) => {
      for (const run of bound) run(attributes);
    };
  };
}

function compileAction(action: AttributeAction): Action {
  switch (action.action) {
    case 'insert':
    case 'update':
    case 'upsert':
      return setter(action);
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

function setter(action: AttributeAction): Action {
  const source = sourceOf(action);
  const { key: name, action: kind } = action;
  return (editor) => {
    const key = kind === 'update' ? editor.strings.find(name) : editor.strings.id(name);
    if (key < 0) return undefined;
    const read = source(editor);
    return (attributes) => {
      if (kind !== 'upsert' && attributes.find(key) >= 0 !== (kind === 'update')) return;
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
  const matching = keyMatching(key, pattern);
  return (editor) => {
    const isGone = matching(editor);
    return isGone && ((attributes) => attributes.deleteWhere(isGone));
  };
}

function hasher({ key, pattern }: AttributeAction): Action {
  const matching = keyMatching(key, pattern);
  return (editor) => {
    const isHashed = matching(editor);
    if (isHashed === undefined) return undefined;
    // Of strings by their id: the same statement is hashed once a batch.
    const digests = new Map<number, number>();
    return (attributes) => {
      for (let at = 0; at < attributes.count; at++) {
        if (isHashed(attributes.keys[at] ?? 0)) hashAt({ editor, digests }, attributes, at);
      }
    };
  };
}

type KeyTest = (key: number) => boolean;

/** A test of key ids; undefined where no key of the batch can pass. */
function keyMatching(
  key: string,
  pattern: string | undefined,
): (editor: BatchEditor) => KeyTest | undefined {
  const isMatch = pattern === undefined ? undefined : compileRegex(pattern).isIn;
  return ({ strings }) => {
    const id = key === '' ? -1 : strings.find(key);
    if (isMatch !== undefined) {
      return memo((other) => other === id || isMatch(strings.text(other)));
    }
    return id < 0 ? undefined : (other) => other === id;
  };
}

interface Hashing {
  readonly editor: BatchEditor;
  readonly digests: Map<number, number>;
}

function hashAt(
  { editor: { strings }, digests }: Hashing,
  attributes: EditableAttributes,
  at: number,
): void {
  const isText = attributes.types[at] === AttributeType.string;
  const low = attributes.values[at * 2] ?? 0;
  const known = isText ? digests.get(low) : undefined;
  const digest = known ?? strings.add(hashOf(hashInput(strings, attributes, at)));
  if (isText && known === undefined) digests.set(low, digest);
  attributes.setAt(at, AttributeType.string, digest, 0);
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
    if (id < 0) return undefined;
    const targets = regex.groupNames.map((name) => strings.id(name));
    // What a text gives, by its id; undefined where it does not match.
    const found = new Map<number, readonly number[] | undefined>();
    const read = (text: number): readonly number[] | undefined => {
      const groups = regex.groupsIn(strings.text(text));
      return groups && regex.groupNames.map((name) => strings.add(groups.get(name) ?? ''));
    };
    return (attributes) => {
      const at = attributes.find(id);
      if (at < 0 || attributes.types[at] !== AttributeType.string) return;
      const text = attributes.values[at * 2] ?? 0;
      if (!found.has(text)) found.set(text, read(text));
      found.get(text)?.forEach((value, i) => {
        attributes.set(targets[i] ?? 0, AttributeType.string, value, 0);
      });
    };
  };
}

function converter(key: string, to: ConvertedType): Action {
  return ({ strings }) => {
    const id = strings.find(key);
    if (id < 0) return undefined;
    return (attributes) => {
      const at = attributes.find(id);
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
  return { type: AttributeType.string, low: strings.add(value), high: 0 };
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
