/** What a converter is, how its arguments are bound, and what converters are made of. */

import type { Argument, Call, Expression } from './ast.ts';
import { OttlError } from './error.ts';
import { nameOf, type Value } from './value.ts';

export interface CallState<Item> {
  /** What `prepare` returned. */
  readonly prepared: unknown;
  readonly item: Item;
}

export interface OttlFunction<Item = unknown> {
  readonly parameters: readonly string[];
  /** `constants[i]` is undefined where the argument is not a constant. */
  prepare?(constants: readonly (Value | undefined)[]): unknown;
  /** `args[i]` is undefined where an optional argument was left out. */
  call(args: readonly (Value | undefined)[], state: CallState<Item>): Value;
}

/** Arguments in the order of the parameters. Throws OttlError when they do not fit. */
export function bindArguments(call: Call, { parameters }: OttlFunction<never>) {
  const names = parameters.map((name) => name.replace('?', ''));
  const values: (Expression | undefined)[] = names.map(() => undefined);
  for (const [i, argument] of call.args.entries()) {
    const at = argument.name === undefined ? i : names.indexOf(argument.name);
    if (at < 0 || at >= names.length) throw misfit(call, argument, parameters);
    values[at] = argument.value;
  }
  const missing = parameters.findIndex((name, i) => !name.endsWith('?') && values[i] === undefined);
  if (missing >= 0) {
    throw new OttlError(
      'syntax',
      `${call.name} needs the argument ${names[missing]}, at column ${call.at + 1}`,
    );
  }
  return { values, constants: values.map(constantOf) };
}

/** Also a list of constants is one. */
function constantOf(expression: Expression | undefined): Value | undefined {
  if (expression?.kind === 'literal') return expression.value;
  if (expression?.kind !== 'list') return undefined;
  const items = expression.items.map(constantOf);
  const known = items.filter((item) => item !== undefined);
  return known.length === items.length ? known : undefined;
}

function misfit(call: Call, argument: Argument, parameters: readonly string[]): OttlError {
  const what = argument.name === undefined ? 'so many arguments' : `the argument ${argument.name}`;
  return new OttlError('syntax', `${call.name} does not take ${what}, at column ${call.at + 1}`, {
    hint: `it takes ${parameters.join(', ') || 'none'}`,
  });
}

export const isA = (test: (value: Value) => boolean): OttlFunction => ({
  parameters: ['value'],
  call: ([value = null]) => test(value),
});

export const ofText = (compute: (text: string) => Value): OttlFunction => ({
  parameters: ['target'],
  call: ([value = null]) => compute(textArgument(value)),
});

export const ofTwoTexts = (
  name: string,
  compute: (a: string, b: string) => Value,
): OttlFunction => ({
  parameters: ['target', name],
  call: ([a = null, b = null]) => compute(textArgument(a), textArgument(b)),
});

export function textArgument(value: Value): string {
  if (typeof value === 'string') return value;
  throw wrong('text', value);
}

export function intArgument(value: Value): number {
  if (typeof value === 'bigint') return Number(value);
  throw wrong('an int', value);
}

export function wrong(wanted: string, value: Value): OttlError {
  return new OttlError('bad_value', `expected ${wanted} but got ${nameOf(value)}`);
}
