/** YAML as the Collector reads it: anchors and `<<` merges work, `yes` and `no` are strings, and an
 *  integer with a leading zero is octal. */
import { parseDocument, type DocumentOptions, type ParseOptions, type SchemaOptions } from 'yaml';
import type { ScalarTag } from 'yaml';

/** A decoded YAML value. Maps have string keys. */
export type ConfigValue = unknown;
export type ConfigMap = Record<string, ConfigValue>;

const legacyOctal: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:int',
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

const options: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.2',
  merge: true,
  uniqueKeys: true,
  prettyErrors: true,
  stringKeys: false,
  customTags: (tags) => [legacyOctal, ...tags],
};

/** More aliases than any configuration needs; stops a document that multiplies itself. */
const maxAliasCount = 1000;

export class YamlError extends Error {}

/** @throws YamlError with line and column */
export function parseYaml(text: string): ConfigValue {
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error) throw new YamlError(firstLine(error.message));
  try {
    return stringKeyed(document.toJS({ maxAliasCount }));
  } catch (cause) {
    throw new YamlError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

export function isMap(value: ConfigValue): value is ConfigMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isPlain(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A copy without prototype surprises: a key named `__proto__` is a key like any other. */
function stringKeyed(value: ConfigValue): ConfigValue {
  if (Array.isArray(value)) return value.map(stringKeyed);
  if (value instanceof Map) return mapOf([...value].map(([k, v]) => [String(k), stringKeyed(v)]));
  if (!isMap(value)) return value;
  return mapOf(Object.entries(value).map(([key, inner]) => [key, stringKeyed(inner)]));
}

export function mapOf(entries: readonly (readonly [string, ConfigValue])[]): ConfigMap {
  return Object.fromEntries(entries);
}

/** yaml adds a picture of the place below the message; the message has line and column already. */
function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.replace(/:$/, '') ?? message;
}
