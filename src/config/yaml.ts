/** YAML as the Collector reads it: anchors and `<<` merges work, `yes` and `no` are strings, and an
 *  integer with a leading zero is octal. */
import {
  parseDocument,
  type Document,
  type DocumentOptions,
  type LineCounter,
  type ParseOptions,
  type ScalarTag,
  type SchemaOptions,
  type YAMLParseError,
} from 'yaml';

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

export class YamlError extends Error {
  /** `12:5`, where the parser knows it. */
  readonly at: string | undefined;

  constructor(message: string, about?: ErrorOptions & { readonly at?: string | undefined }) {
    super(message, about);
    this.at = about?.at;
  }
}

/** @throws YamlError with line and column */
export function parseYaml(text: string): ConfigValue {
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error) throw yamlError(error);
  try {
    return stringKeyed(document.toJS({ maxAliasCount }));
  } catch (cause) {
    if (cause instanceof RangeError) throw new YamlError('an alias stands inside what it names');
    throw new YamlError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** The document as nodes, which know where they stand. */
export function parseTree(text: string, lineCounter: LineCounter): Document.Parsed {
  return parseDocument(text, { ...options, lineCounter });
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

/** yaml says the place in the message and adds a picture of it below. */
function yamlError({ message, linePos }: YAMLParseError): YamlError {
  const [first = message] = message.split('\n', 1);
  const at = linePos && `${linePos[0].line}:${linePos[0].col}`;
  return new YamlError(first.replace(/ at line \d+, column \d+:?$/, ''), { at });
}
