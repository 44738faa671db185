/** Reads an OTTL condition: `not` binds tighter than `and`, `and` tighter than `or`; comparisons are
 *  of arithmetic over literals, paths, enums, lists, maps and converters. Nesting is bounded. */

import type { Argument, Call, CompareOp, Condition, Expression, MathOp, Path } from './ast.ts';
import { OttlError } from './error.ts';
import { type Token, tokenize } from './lexer.ts';

const DEPTH_MAX = 64;
const COMPARE_OPS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const INT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

export function parseCondition(source: string): Condition {
  return new Parser(source).whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  whole(): Condition {
    const condition = this.#or();
    if (this.#peek().kind !== 'end') throw this.#unexpected('"and", "or" or the end');
    return condition;
  }

  #or(): Condition {
    return this.#chain('or', () => this.#and());
  }

  #and(): Condition {
    return this.#chain('and', () => this.#term());
  }

  #chain(kind: 'and' | 'or', next: () => Condition): Condition {
    const of = [next()];
    while (this.#takeName(kind)) of.push(next());
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : { kind, of };
  }

  #term(): Condition {
    return this.#nested(() => {
      if (this.#takeName('not')) return { kind: 'not', of: this.#term() };
      return this.#group() ?? this.#comparison();
    });
  }

  /** `( condition )`; undefined when the parenthesis belongs to arithmetic. */
  #group(): Condition | undefined {
    if (this.#peek().text !== '(' || this.#peek().kind !== 'symbol') return undefined;
    const start = this.#at;
    this.#at++;
    try {
      const inner = this.#or();
      this.#expect(')');
      if (!this.#isOperator()) return inner;
    } catch (error) {
      if (!(error instanceof OttlError)) throw error;
      // A parenthesis that holds no condition may still hold arithmetic: that reading then tells
      // what is wrong.
    }
    this.#at = start;
    return undefined;
  }

  #comparison(): Condition {
    const left = this.#sum();
    const op = this.#peek();
    if (op.kind === 'symbol' && isCompareOp(op.text)) {
      this.#at++;
      return { kind: 'compare', by: op.text, left, right: this.#sum() };
    }
    if (left.kind === 'literal' && typeof left.value === 'boolean') {
      return { kind: 'constant', value: left.value };
    }
    if (left.kind === 'call') return { kind: 'call', call: left.call };
    throw this.#unexpected('a comparison (== != < <= > >=)');
  }

  #sum(): Expression {
    return this.#math(['+', '-'], () => this.#math(['*', '/'], () => this.#value()));
  }

  #math(ops: readonly MathOp[], next: () => Expression): Expression {
    let left = next();
    for (;;) {
      const op = ops.find((known) => this.#takeSymbol(known));
      if (op === undefined) return left;
      left = { kind: 'math', op, left, right: next() };
    }
  }

  #value(): Expression {
    return this.#nested(() => {
      if (this.#takeSymbol('(')) {
        const inner = this.#sum();
        this.#expect(')');
        return inner;
      }
      if (this.#takeSymbol('-')) return this.#negative();
      if (this.#takeSymbol('[')) return { kind: 'list', items: this.#list(']', () => this.#sum()) };
      if (this.#takeSymbol('{'))
        return { kind: 'map', entries: this.#list('}', () => this.#entry()) };
      return this.#scalar(this.#peek(), '');
    });
  }

  #negative(): Expression {
    const token = this.#peek();
    if (token.kind !== 'int' && token.kind !== 'float') throw this.#unexpected('a number');
    return this.#scalar(token, '-');
  }

  #scalar(token: Token, sign: '' | '-'): Expression {
    if (token.kind === 'name') return this.#named(token);
    this.#at++;
    switch (token.kind) {
      case 'string':
        return { kind: 'literal', value: token.text };
      case 'bytes':
        return { kind: 'literal', value: hexBytes(token) };
      case 'float':
        return { kind: 'literal', value: Number(sign + token.text) };
      case 'int':
        return { kind: 'literal', value: int64(sign + token.text, token) };
      default:
        this.#at--;
        throw this.#unexpected('a value');
    }
  }

  #named(token: Token): Expression {
    if (token.text === 'true' || token.text === 'false') {
      this.#at++;
      return { kind: 'literal', value: token.text === 'true' };
    }
    if (token.text === 'nil') {
      this.#at++;
      return { kind: 'literal', value: null };
    }
    if (/^[a-z]/.test(token.text)) return { kind: 'path', path: this.#path() };
    this.#at++;
    if (this.#takeSymbol('(')) return { kind: 'call', call: this.#call(token) };
    return { kind: 'enum', name: token.text, at: token.at };
  }

  #path(): Path {
    const { at } = this.#peek();
    const names = [this.#name()];
    while (this.#takeSymbol('.')) names.push(this.#name());
    return { names, keys: this.#keys(), at };
  }

  #call({ text: name, at }: Token): Call {
    const args = this.#list(')', () => this.#argument());
    return { name, args, keys: this.#keys(), at };
  }

  #argument(): Argument {
    const [name, equals] = [this.#peek(), this.#tokens[this.#at + 1]];
    if (name.kind !== 'name' || equals?.text !== '=') return { value: this.#sum() };
    this.#at += 2;
    return { name: name.text, value: this.#sum() };
  }

  #keys(): Expression[] {
    const keys: Expression[] = [];
    while (this.#takeSymbol('[')) {
      keys.push(this.#sum());
      this.#expect(']');
    }
    return keys;
  }

  #entry(): [string, Expression] {
    const key = this.#peek();
    if (key.kind !== 'string') throw this.#unexpected('a key in quotes');
    this.#at++;
    this.#expect(':');
    return [key.text, this.#sum()];
  }

  #list<T>(close: string, next: () => T): T[] {
    if (this.#takeSymbol(close)) return [];
    const items = [next()];
    while (this.#takeSymbol(',')) items.push(next());
    this.#expect(close);
    return items;
  }

  #name(): string {
    const token = this.#peek();
    if (token.kind !== 'name') throw this.#unexpected('a name');
    this.#at++;
    return token.text;
  }

  #isOperator(): boolean {
    const { kind, text } = this.#peek();
    return kind === 'symbol' && (isCompareOp(text) || ['+', '-', '*', '/'].includes(text));
  }

  #takeName(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'name' || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #takeSymbol(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'symbol' || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takeSymbol(text)) throw this.#unexpected(`"${text}"`);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: 'the end', at: 0 };
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > DEPTH_MAX) {
      throw new OttlError('syntax', `conditions nest at most ${DEPTH_MAX} deep`);
    }
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  #unexpected(wanted: string): OttlError {
    const { kind, text, at } = this.#peek();
    const found = kind === 'end' ? 'the end' : `"${text}"`;
    return new OttlError('syntax', `expected ${wanted} but found ${found} at column ${at + 1}`);
  }
}

function isCompareOp(text: string): text is CompareOp {
  return COMPARE_OPS.includes(text);
}

function hexBytes({ text, at }: Token): Uint8Array {
  const digits = text.slice(2);
  if (digits.length % 2 !== 0) {
    throw new OttlError('syntax', `bytes need an even number of digits, at column ${at + 1}`);
  }
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

function int64(text: string, { at }: Token): bigint {
  const value = BigInt(text);
  if (value < INT64.least || value > INT64.most) {
    throw new OttlError('syntax', `${text} does not fit 64 bits, at column ${at + 1}`);
  }
  return value;
}
