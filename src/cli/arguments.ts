/** The flags that every command with a configuration takes. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { openGates } from '../config/gates.ts';
import { messageOf, SpoorError } from '../lib/errors.ts';
import type { Sources } from '../config/load.ts';

export class UsageError extends SpoorError<'usage'> {}

export type Flags = NonNullable<ParseArgsConfig['options']>;

const configFlags = {
  config: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  'feature-gates': { type: 'string', multiple: true },
} as const satisfies Flags;

export interface ParsedArguments {
  readonly sources: Sources;
  /** The command's own flags. */
  flag(name: string): string | undefined;
  /** One of the command's own flags without a value was given. */
  isOn(name: string): boolean;
}

/** @throws UsageError, GateError */
export function parseArguments(args: readonly string[], own: Flags = {}): ParsedArguments {
  const parsed = parse(args, { ...configFlags, ...own });
  const many = (name: string) => {
    const value = parsed[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  };
  return {
    sources: {
      configs: many('config'),
      sets: many('set'),
      gates: openGates(many('feature-gates')),
    },
    flag(name) {
      const value = parsed[name];
      return typeof value === 'string' ? value : undefined;
    },
    isOn: (name) => parsed[name] === true,
  };
}

function parse(args: readonly string[], options: Flags): Readonly<Record<string, unknown>> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    const [message = ''] = messageOf(cause).split('. ', 1);
    throw new UsageError('usage', message, { cause, hint: 'see `spoor help`' });
  }
}
