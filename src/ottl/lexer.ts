/** Cuts an OTTL condition into tokens. */

import { OttlError } from './error.ts';

export type TokenKind = 'string' | 'bytes' | 'float' | 'int' | 'name' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a string its value. */
  readonly text: string;
  /** Offset in the condition, from 0. */
  readonly at: number;
}

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['bytes', /0x[0-9a-fA-F]+/y],
  ['float', /\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?/y],
  ['int', /\d+/y],
  ['name', /[a-zA-Z_][a-zA-Z0-9_]*/y],
  ['symbol', /==|!=|<=|>=|[<>+\-*/()[\]{},.:=]/y],
];
const STRING = /"(?:[^"\\]|\\.)*"/y;
const SPACE = /\s+/y;

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const token = readToken(source, at);
    if (token.token !== undefined) tokens.push(token.token);
    at = token.next;
  }
  return [...tokens, { kind: 'end', text: 'the end', at }];
}

function readToken(source: string, at: number): { token?: Token; next: number } {
  const space = match(SPACE, source, at);
  if (space !== undefined) return { next: at + space.length };
  const quoted = match(STRING, source, at);
  if (quoted !== undefined) {
    return { token: { kind: 'string', text: unquote(quoted, at), at }, next: at + quoted.length };
  }
  for (const [kind, pattern] of PATTERNS) {
    const text = match(pattern, source, at);
    if (text !== undefined) return { token: { kind, text, at }, next: at + text.length };
  }
  const what = source[at] === '"' ? 'a string without its closing quote' : `"${source[at]}"`;
  throw new OttlError('syntax', `did not expect ${what} at column ${at + 1}`);
}

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

/** Escapes as in Go and JSON: \" \\ \n \t \uXXXX. Others are refused, as the Collector does. */
function unquote(quoted: string, at: number): string {
  const body = quoted.slice(1, -1);
  return body.replaceAll(/\\(u[0-9a-fA-F]{4}|.)/gs, (whole, escape: string) => {
    if (escape.startsWith('u') && escape.length === 5) {
      return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    }
    const known = ESCAPES[escape];
    if (known !== undefined) return known;
    throw new OttlError(
      'syntax',
      `did not expect the escape ${whole} in the string at column ${at + 1}`,
      { hint: 'write a backslash as \\\\' },
    );
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
};
