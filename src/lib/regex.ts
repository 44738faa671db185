/** Regular expressions that users write: RE2 everywhere, so that a pattern means the same in a
 *  processor, in a condition and in a search, and none takes more than linear time. */

import { RE2JS } from 're2js';
import { SpoorError } from './errors.ts';

/** Answers are remembered for texts up to this length, so many of them: names, routes and keys come
 *  again and again, and looking one up costs a tenth of matching it. */
const REMEMBERED_LENGTH_MAX = 200;
const REMEMBERED_MAX = 1000;

export class RegexError extends SpoorError<'bad_regex'> {}

export interface Regex {
  /** Whether the pattern is anywhere in the text. */
  readonly isIn: (text: string) => boolean;
  /** The named groups of the first match; a group that took no part is ''. */
  readonly groupsIn: (text: string) => ReadonlyMap<string, string> | undefined;
  readonly groupNames: readonly string[];
}

/** Throws RegexError when the pattern is none. */
export function compileRegex(pattern: string): Regex {
  const compiled = compile(pattern);
  const groupNames = Object.keys(compiled.namedGroups());
  return {
    groupNames,
    isIn: remembering((text) => compiled.matcher(text).find()),
    groupsIn(text) {
      const matcher = compiled.matcher(text);
      if (!matcher.find()) return undefined;
      return new Map(groupNames.map((name) => [name, matcher.group(name) ?? '']));
    },
  };
}

function remembering(test: (text: string) => boolean): (text: string) => boolean {
  const known = new Map<string, boolean>();
  return (text) => {
    if (text.length > REMEMBERED_LENGTH_MAX) return test(text);
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = test(text);
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(text, made);
    return made;
  };
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    throw new RegexError('bad_regex', `"${pattern}" is not a regular expression`, {
      cause,
      hint: 'use the syntax of RE2 regular expressions',
    });
  }
}
