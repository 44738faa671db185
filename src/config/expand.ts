/** `${env:NAME}` and its kin inside values. A reference that is the whole value may become anything
 *  (a number, a list, a map) and remembers its text, because only the schema knows whether a string
 *  is wanted there; inside a longer string the text is inserted. Keys are never expanded. */
import type { ConfigProblem } from './problem.ts';
import { messageOf } from '../lib/errors.ts';
import { retrieve, schemes, type Retrieved, type Surroundings } from './providers.ts';
import { isMap, type ConfigMap, type ConfigValue } from './yaml.ts';

/** A value that came out of a reference, before the schema has chosen between the two. */
export class Expanded {
  readonly value: ConfigValue;
  readonly text: string;

  constructor(value: ConfigValue, text: string) {
    this.value = value;
    this.text = text;
  }
}

/** References inside references end here: two variables may name each other. */
const maxRounds = 1000;

export interface Expansion {
  readonly tree: ConfigMap;
  /** What could not be expanded; these values are null in the tree. */
  readonly problems: readonly ConfigProblem[];
  /** Paths of values that hold references. */
  readonly paths: readonly (readonly string[])[];
}

export async function expand(tree: ConfigMap, around: Surroundings): Promise<Expansion> {
  const expander = new Expander(around);
  const expanded = await expander.map(tree, []);
  return { tree: expanded, problems: expander.problems, paths: expander.paths };
}

class Expander {
  readonly problems: ConfigProblem[] = [];
  readonly paths: (readonly string[])[] = [];
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async map(map: ConfigMap, path: readonly string[]): Promise<ConfigMap> {
    const entries: [string, ConfigValue][] = [];
    for (const [key, value] of Object.entries(map)) {
      entries.push([key, await this.#deep(value, [...path, key])]);
    }
    return Object.fromEntries(entries);
  }

  async #deep(value: ConfigValue, path: readonly string[]): Promise<ConfigValue> {
    if (typeof value === 'string')
      return this.#text(value, path).catch((error: unknown) => {
        this.#failed(error, path);
        return null;
      });
    if (isMap(value)) return this.map(value, path);
    if (!Array.isArray(value)) return value;
    const items: ConfigValue[] = [];
    for (const [index, item] of value.entries()) {
      items.push(await this.#deep(item, [...path, String(index)]));
    }
    return items;
  }

  /** One bad reference does not hide the next. */
  #failed(error: unknown, path: readonly string[]): void {
    this.problems.push({ path, message: messageOf(error) });
  }

  async #text(text: string, path: readonly string[]): Promise<ConfigValue> {
    let current = text;
    for (let round = 0; round < maxRounds; round += 1) {
      const found = findReference(current);
      if (!found) return unescapeDollars(current);
      if (round === 0) this.paths.push(path);
      const retrieved = await this.#resolve(found.body);
      const { value, text: inserted } = retrieved;
      const isWhole = found.start === 0 && found.end === current.length;
      if (isWhole && typeof value !== 'string') return this.#whole(retrieved, path);
      if (typeof value === 'object' && value !== null) {
        throw new Error(`\${${found.body}} is a map or a list and cannot be part of a string`);
      }
      current = current.slice(0, found.start) + inserted + current.slice(found.end);
    }
    throw new Error(`too many recursive expansions of ${text}`);
  }

  /** A whole value that is not a string: what it contains is expanded again. */
  async #whole(found: Retrieved, path: readonly string[]): Promise<ConfigValue> {
    if (found.value === null && found.text === '')
      return found.isUnset ? null : new Expanded(null, '');
    return new Expanded(await this.#deep(found.value, path), unescapeDollars(found.text));
  }

  async #resolve(body: string): Promise<Retrieved> {
    try {
      return await retrieve(referenceUri(body), this.#around);
    } catch (cause) {
      throw new Error(`cannot expand \${${body}}: ${messageOf(cause)}`, { cause });
    }
  }
}

interface Reference {
  readonly start: number;
  /** After the closing brace. */
  readonly end: number;
  readonly body: string;
}

/** The first closing brace pairs with the last opening one before it, so the innermost comes first.
 *  An odd number of dollars before the opening escapes it, and ends the search in this string. */
function findReference(text: string): Reference | undefined {
  let from = 0;
  for (;;) {
    const close = text.indexOf('}', from);
    if (close < 0) return undefined;
    const open = text.lastIndexOf('${', close);
    if (open >= from) {
      if (dollarsBefore(text, open) % 2 === 1) return undefined;
      return { start: open, end: close + 1, body: text.slice(open + 2, close) };
    }
    from = close + 1;
  }
}

function dollarsBefore(text: string, index: number): number {
  let count = 0;
  while (text[index - 1 - count] === '$') count += 1;
  return count;
}

/** Without a scheme it is an environment variable; `${NAME:-default}` is one too, although the text
 *  before its colon looks like a scheme. */
function referenceUri(body: string): string {
  const scheme = body.slice(0, Math.max(0, body.indexOf(':')));
  const isEnvironment = !body.includes(':') || (!isScheme(scheme) && body.includes(':-'));
  return isEnvironment ? `env:${body}` : body;
}

function isScheme(text: string): boolean {
  return schemes.some((scheme) => scheme === text);
}

function unescapeDollars(text: string): string {
  return text.replaceAll('$$', () => '$');
}
