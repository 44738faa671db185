/** Where configuration text comes from: `file:`, `env:`, `yaml:`, `http:` and `https:`. The same
 *  providers serve `--config` and `${scheme:…}` inside a value. */
import { readFile } from 'node:fs/promises';
import { messageOf, systemCodeOf } from '../lib/errors.ts';
import { isMap, parseYaml, YamlError, type ConfigMap, type ConfigValue } from './yaml.ts';

export interface Retrieved {
  readonly value: ConfigValue;
  /** The text before it was parsed, which a string-typed target receives. */
  readonly text: string;
  /** There is no such environment variable: the default of the schema applies. */
  readonly isUnset?: boolean;
}

/** What a source reads from; tests pass their own environment. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told about things that are allowed but deserve a line in the log. */
  warn(message: string): void;
  fetch(url: string): Promise<Response>;
  /** Told about every file that was asked for, with its text unless it could not be read. */
  read?(path: string, text: string | undefined): void;
}

export const schemes = ['env', 'file', 'http', 'https', 'yaml'] as const;

const schemePattern = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s;
const envNamePattern = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** @throws Error with a message that names the source */
export async function retrieve(uri: string, around: Surroundings): Promise<Retrieved> {
  const [, scheme = '', rest = ''] = schemePattern.exec(uri) ?? [];
  switch (scheme) {
    case 'env':
      return fromEnvironment(rest, around);
    case 'file':
      return fromFile(rest, around);
    case 'yaml':
      return fromLiteral(rest);
    case 'http':
    case 'https':
      return fromUrl(uri, around);
    default:
      throw new Error(
        `scheme "${scheme || uri}" is not supported, use one of: ${schemes.join(', ')}`,
      );
  }
}

/** `--config` may leave `file:` out; a Windows drive letter is not a scheme. */
export function asLocation(written: string): string {
  return schemePattern.test(written) ? written : `file:${written}`;
}

function fromEnvironment(reference: string, around: Surroundings): Retrieved {
  const cut = reference.indexOf(':-');
  const name = cut < 0 ? reference : reference.slice(0, cut);
  if (!envNamePattern.test(name)) {
    throw new Error(
      `environment variable "${name}" has an invalid name: ` +
        'letters, digits and _ are allowed, and the first may not be a digit',
    );
  }
  const found = around.env[name];
  if (found === '') around.warn(`environment variable ${name} is set but empty`);
  if (found !== undefined) return parsedOrVerbatim(found);
  if (cut >= 0) return parsedOrVerbatim(reference.slice(cut + 2));
  around.warn(`environment variable ${name} is not set, the default applies`);
  return { value: null, text: '', isUnset: true };
}

/** A value that is not YAML is taken as it is, and so is a string, with its quotes: the variable
 *  `"0123"` is six characters and not a number. */
function parsedOrVerbatim(text: string): Retrieved {
  try {
    const value = parseYaml(text);
    return { value: typeof value === 'string' ? text : value, text };
  } catch {
    return { value: text, text };
  }
}

async function fromFile(path: string, around: Surroundings): Promise<Retrieved> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
    around.read?.(path, text);
  } catch (cause) {
    around.read?.(path, undefined);
    throw new Error(`cannot read the file ${path}: ${fileFault(cause)}`, { cause });
  }
  return { value: parsed(text, path), text };
}

function fileFault(cause: unknown): string {
  const code = systemCodeOf(cause);
  if (code === 'ENOENT') return 'it does not exist';
  if (code === 'EACCES') return 'no permission';
  if (code === 'EISDIR') return 'it is a directory';
  return messageOf(cause);
}

function fromLiteral(text: string): Retrieved {
  const value = parsed(text, 'yaml:');
  return { value: isMap(value) ? nested(value) : value, text };
}

/** `a::b: 1` means `a: {b: 1}`. */
export function nested(map: ConfigMap): ConfigMap {
  const result: ConfigMap = {};
  for (const [key, value] of Object.entries(map)) {
    const steps = key.split('::');
    const last = steps.pop() ?? key;
    let at = result;
    for (const step of steps) {
      const inner = at[step];
      const next: ConfigMap = isMap(inner) ? inner : {};
      at[step] = next;
      at = next;
    }
    at[last] = value;
  }
  return result;
}

async function fromUrl(url: string, around: Surroundings): Promise<Retrieved> {
  let response: Response;
  try {
    response = await around.fetch(url);
  } catch (cause) {
    throw new Error(`cannot fetch ${url}: ${messageOf(cause)}`, { cause });
  }
  if (response.status !== 200) {
    throw new Error(`cannot fetch ${url}: it answered with status ${response.status}`);
  }
  const text = await response.text();
  return { value: parsed(text, url), text };
}

function parsed(text: string, source: string): ConfigValue {
  try {
    return parseYaml(text);
  } catch (cause) {
    if (cause instanceof YamlError) {
      const place = cause.at === undefined ? source : `${source}:${cause.at}`;
      throw new Error(`${place}: this is not valid YAML: ${cause.message}`, { cause });
    }
    throw cause;
  }
}
