/** Turns a condition into a closure for one context. Names are resolved once, so an unknown path,
 *  function or enum is an error when the configuration is read, not while data flows. */

import type { Call, Condition, Expression, Path } from './ast.ts';
import type { Context, Getter } from './context.ts';
import { OttlError } from './error.ts';
import { bindArguments } from './function.ts';
import { FUNCTIONS } from './functions.ts';
import { parseCondition } from './parser.ts';
import { calculate, compareValues, isList, nameOf, type Value } from './value.ts';

/** May throw OttlError `bad_value`: the caller's error_mode decides what that means. */
export type Predicate<Item> = (item: Item) => boolean;

/** Throws OttlError when the text is no condition of this context. */
export function compileCondition<Item>(source: string, context: Context<Item>): Predicate<Item> {
  return new Compiler(context).condition(parseCondition(source));
}

/** True when any of the conditions is; conditions are separate strings in a configuration. */
export function compileAny<Item>(
  sources: readonly string[],
  context: Context<Item>,
): Predicate<Item> {
  const predicates = sources.map((source) => compileCondition(source, context));
  return (item) => predicates.some((predicate) => predicate(item));
}

class Compiler<Item> {
  readonly #context: Context<Item>;

  constructor(context: Context<Item>) {
    this.#context = context;
  }

  condition(condition: Condition): Predicate<Item> {
    switch (condition.kind) {
      case 'constant':
        return () => condition.value;
      case 'not': {
        const inner = this.condition(condition.of);
        return (item) => !inner(item);
      }
      case 'and': {
        const all = condition.of.map((part) => this.condition(part));
        return (item) => all.every((predicate) => predicate(item));
      }
      case 'or': {
        const any = condition.of.map((part) => this.condition(part));
        return (item) => any.some((predicate) => predicate(item));
      }
      case 'compare': {
        const left = this.#expression(condition.left);
        const right = this.#expression(condition.right);
        return (item) => compareValues(left(item), condition.by, right(item));
      }
      case 'call':
        return this.#truth(condition.call);
    }
  }

  #truth(call: Call): Predicate<Item> {
    const get = this.#call(call);
    return (item) => {
      const value = get(item);
      if (typeof value === 'boolean') return value;
      throw new OttlError('bad_value', `${call.name} gave ${nameOf(value)}, not true or false`);
    };
  }

  #expression(expression: Expression): Getter<Item> {
    switch (expression.kind) {
      case 'literal':
        return () => expression.value;
      case 'enum':
        return this.#enum(expression);
      case 'path':
        return this.#path(expression.path);
      case 'call':
        return this.#call(expression.call);
      case 'list': {
        const items = expression.items.map((item) => this.#expression(item));
        return (item) => items.map((get) => get(item));
      }
      case 'map': {
        const entries = expression.entries.map(([key, value]) => ({
          key,
          get: this.#expression(value),
        }));
        return (item) => new Map(entries.map(({ key, get }) => [key, get(item)]));
      }
      case 'math': {
        const left = this.#expression(expression.left);
        const right = this.#expression(expression.right);
        return (item) => calculate(left(item), expression.op, right(item));
      }
    }
  }

  #enum({ name, at }: { name: string; at: number }): Getter<Item> {
    const value = this.#context.enums[name];
    if (value === undefined) throw this.#unknown(`the enum ${name}`, at);
    return () => value;
  }

  #path({ names, keys, at }: Path): Getter<Item> {
    const [first] = keys;
    const constant =
      first?.kind === 'literal' && typeof first.value === 'string' ? first.value : undefined;
    const isOwn = names[0] === this.#context.name && names.length > 1;
    const found =
      (isOwn ? this.#context.path(names.slice(1), constant) : undefined) ??
      this.#context.path(names, constant);
    if (found === undefined) throw this.#unknown(`the path ${names.join('.')}`, at);
    return this.#keyed(found.get, found.usedKey === true ? keys.slice(1) : keys);
  }

  #call(call: Call): Getter<Item> {
    const definition = this.#context.functions?.[call.name] ?? FUNCTIONS[call.name];
    if (definition === undefined) throw this.#unknown(`the function ${call.name}`, call.at);
    const { values, constants } = bindArguments(call, definition);
    const getters = values.map((value) => value && this.#expression(value));
    const prepared = definition.prepare?.(constants);
    return this.#keyed(
      (item) =>
        definition.call(
          getters.map((get) => get?.(item)),
          { prepared, item },
        ),
      call.keys,
    );
  }

  #keyed(get: Getter<Item>, keys: readonly Expression[]): Getter<Item> {
    if (keys.length === 0) return get;
    const getters = keys.map((key) => this.#expression(key));
    return (item) => getters.reduce((value, key) => indexed(value, key(item)), get(item));
  }

  #unknown(what: string, at: number): OttlError {
    return new OttlError(
      'unknown_name',
      `${what} at column ${at + 1} is not known in a ${this.#context.name} condition`,
    );
  }
}

function indexed(value: Value, key: Value): Value {
  if (value === null) return null;
  if (value instanceof Map && typeof key === 'string') return value.get(key) ?? null;
  if (isList(value) && typeof key === 'bigint') return value[Number(key)] ?? null;
  throw new OttlError('bad_value', `cannot take ${nameOf(key)} of ${nameOf(value)}`);
}
