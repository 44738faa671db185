/** From the expanded tree to typed values: one walk of the tree along its schema settles what only
 *  the schema knows (which form of an expanded value is wanted, what null means, which keys exist),
 *  then zod checks. Nothing is converted silently: a string is no number. */
import { z } from 'zod';
import { Expanded } from './expand.ts';
import { suggestion } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';
import { isMap, type ConfigMap, type ConfigValue } from './yaml.ts';

export type Decoded<T> =
  | { readonly value: T; readonly problems: readonly [] }
  | { readonly value: undefined; readonly problems: readonly ConfigProblem[] };

/** Problems carry paths that begin with `path`. */
export function decode<T>(
  schema: z.ZodType<T>,
  input: ConfigValue,
  path: readonly string[] = [],
): Decoded<T> {
  const problems: ConfigProblem[] = [];
  const settled = settle(schema, input, { path, problems });
  const result = schema.safeParse(settled ?? {});
  if (!result.success) problems.push(...problemsOf(result.error.issues, path, settled));
  if (result.success && problems.length === 0) return { value: result.data, problems: [] };
  return { value: undefined, problems };
}

/** The same text for values that mean the same to the schema, however they were written: one
 *  expanded from a variable or not, keys in another order, null for a key left out. */
export function fingerprint(schema: z.ZodType, input: ConfigValue): string {
  return JSON.stringify(settle(schema, input, { path: [], problems: [] }), (_key, value: unknown) =>
    isMap(value) ? Object.fromEntries(Object.entries(value).toSorted(byKey)) : value,
  );
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

interface Place {
  readonly path: readonly string[];
  readonly problems: ConfigProblem[];
}

function settle(schema: z.ZodType, value: ConfigValue, place: Place): ConfigValue {
  const core = coreOf(schema);
  if (value instanceof Expanded) return settle(schema, chosen(core, value), place);
  if (core instanceof z.ZodObject) return settleObject(core, value, place);
  if (core instanceof z.ZodRecord) return settleRecord(core, value, place);
  if (core instanceof z.ZodArray) return settleArray(core, value, place);
  if (core instanceof z.ZodUnion) return settleUnion(core, value, place);
  return plainValue(value);
}

/** The schema below defaults, optionality and transformations: what is written in the file. */
export function coreOf(schema: z.ZodType): z.ZodType {
  let current = schema;
  for (;;) {
    const inner = innerOf(current);
    if (!inner) return current;
    current = inner;
  }
}

function innerOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodPipe) return asType(schema.in);
  const isWrapper =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodLazy;
  return isWrapper ? asType(schema.unwrap()) : undefined;
}

function asType(schema: z.core.$ZodType): z.ZodType | undefined {
  return schema instanceof z.ZodType ? schema : undefined;
}

/** A string-typed target takes the text as it was written, any other the parsed value. */
function chosen(core: z.ZodType, { value, text }: Expanded): ConfigValue {
  if (core instanceof z.ZodString || core instanceof z.ZodEnum) return text;
  if (!(core instanceof z.ZodUnion)) return value;
  const options = core.options.map((option) => coreOf(asType(option) ?? z.never()));
  const takesValue = options.some((option) => option.safeParse(plainValue(value)).success);
  const takesText = options.some((option) => option instanceof z.ZodString);
  return takesText && !takesValue ? text : value;
}

function settleObject(core: z.ZodObject, value: ConfigValue, place: Place): ConfigValue {
  if (value === null || value === undefined) return {};
  if (!isMap(value)) return plainValue(value);
  const known = new Map(Object.entries(core.shape));
  const entries: [string, ConfigValue][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const child = asType(known.get(key) ?? core.def.catchall ?? z.never());
    if (!child || child instanceof z.ZodNever) {
      const message = `unknown key "${key}"${suggestion(key, known.keys())}`;
      place.problems.push({ path: place.path, message, below: [key] });
      continue;
    }
    const settled = settle(child, inner, { ...place, path: [...place.path, key] });
    // Only of a key of its own does the schema say what nothing means.
    const isGiven = settled !== null && settled !== undefined;
    if (isGiven || !known.has(key)) entries.push([key, settled]);
  }
  return Object.fromEntries(entries);
}

function settleRecord(core: z.ZodRecord, value: ConfigValue, place: Place): ConfigValue {
  if (value === null || value === undefined) return {};
  const child = asType(core.valueType);
  if (!isMap(value) || !child) return plainValue(value);
  const entries = Object.entries(value).map(([key, inner]): [string, ConfigValue] => {
    return [key, settle(child, inner, { ...place, path: [...place.path, key] })];
  });
  return Object.fromEntries(entries);
}

/** One string stands for a list of strings, split at commas. */
function settleArray(core: z.ZodArray, value: ConfigValue, place: Place): ConfigValue {
  const child = asType(core.element);
  if (!child) return plainValue(value);
  if (typeof value === 'string' && coreOf(child) instanceof z.ZodString) return value.split(',');
  if (!Array.isArray(value)) return plainValue(value);
  return value.map((item: ConfigValue, index) => {
    return settle(child, item, { ...place, path: [...place.path, String(index)] });
  });
}

/** The first option of the value's own shape decides; zod reports when none fits. */
function settleUnion(core: z.ZodUnion, value: ConfigValue, place: Place): ConfigValue {
  for (const option of core.options) {
    const type = asType(option);
    if (!type) continue;
    const inner = coreOf(type);
    if (isMap(value) && inner instanceof z.ZodObject && hasItsLiterals(inner, value)) {
      return settle(type, value, place);
    }
    if (Array.isArray(value) && inner instanceof z.ZodArray) return settle(type, value, place);
  }
  return plainValue(value);
}

/** False for the option of a discriminated union that another `type` was written for. */
function hasItsLiterals(object: z.ZodObject, value: ConfigMap): boolean {
  return Object.entries(object.shape).every(([key, shape]) => {
    const inner = coreOf(asType(shape) ?? z.never());
    return !(inner instanceof z.ZodLiteral) || inner.safeParse(plainValue(value[key])).success;
  });
}

/** The tree without traces of expansion. */
export function plainValue(value: ConfigValue): ConfigValue {
  if (value instanceof Expanded) return plainValue(value.value);
  if (Array.isArray(value)) return value.map(plainValue);
  return isMap(value) ? plainMap(value) : value;
}

export function plainMap(map: ConfigMap): ConfigMap {
  return Object.fromEntries(Object.entries(map).map(([key, inner]) => [key, plainValue(inner)]));
}

function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  path: readonly string[],
  input: ConfigValue,
): ConfigProblem[] {
  return issues.map((issue) => ({
    path: [...path, ...issue.path.map(String)],
    message: messageFor(issue, valueAt(input, issue.path)),
  }));
}

function messageFor(issue: z.core.$ZodIssue, found: ConfigValue): string {
  if (found === undefined && issue.code === 'invalid_type') return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected}, got ${described(found)}`;
    case 'invalid_value':
      return `expected ${listed(issue.values)}, got ${described(found)}${closest(issue.values, found)}`;
    case 'invalid_union':
      return unionMessage(issue, found);
    case 'unrecognized_keys':
      return `unknown keys: ${issue.keys.join(', ')}`;
    default:
      return issue.message;
  }
}

/** The kind that decides between forms is none of them, or no form fits. A union may bring its own
 *  words for that; zod's own say nothing about what is allowed. */
function unionMessage(issue: z.core.$ZodIssueInvalidUnion, found: ConfigValue): string {
  const kinds: readonly unknown[] = 'options' in issue ? (issue.options ?? []) : [];
  if (kinds.length > 0) {
    if (found === undefined) return `is required: ${listed(kinds)}`;
    return `expected ${listed(kinds)}, got ${described(found)}${closest(kinds, found)}`;
  }
  const { message } = issue;
  const words = message === 'Invalid input' ? 'none of the allowed forms takes this' : message;
  return `${words}, got ${described(found)}`;
}

function listed(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.length === 1 ? texts.join() : `one of ${texts.join(', ')}`;
}

function closest(values: readonly unknown[], found: ConfigValue): string {
  const names = values.filter((value) => typeof value === 'string');
  return typeof found === 'string' ? suggestion(found, names) : '';
}

function described(value: ConfigValue): string {
  if (isMap(value)) return 'a map';
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'nothing';
  return `${typeof value} ${JSON.stringify(value)}`;
}

function valueAt(input: ConfigValue, path: readonly PropertyKey[]): ConfigValue {
  let at = input;
  for (const step of path) {
    if (Array.isArray(at)) at = at[Number(step)];
    else if (isMap(at)) at = at[String(step)];
    else return undefined;
  }
  return at;
}
