/** Which store a command means: `--directory`, or the one argument of a command that takes it, else the one that the configuration names, else that
 *  of the built-in configuration. */
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import { type Flags, UsageError } from '../arguments.ts';
import { readConfiguration } from '../configuration.ts';

export const PLACE_HELP = `  --directory <dir>      the store; without it the one that the configuration names
  --config <file>        a configuration, as \`spoor run\` takes it
  --backend <name>       of the jaeger_storage extension, when there are several
`;

const placeFlags = {
  directory: { type: 'string' },
  config: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  backend: { type: 'string' },
} as const satisfies Flags;

export interface StoreArguments {
  /** The one argument without a flag. */
  readonly argument: string | undefined;
  flag(name: string): string | undefined;
  many(name: string): readonly string[];
  has(name: string): boolean;
}

/** Throws UsageError, also for more arguments without a flag than the command takes: one, or none. */
export function parseStoreArguments(
  args: readonly string[],
  own: Flags = {},
  takes: 'none' | 'one' = 'none',
): StoreArguments {
  const { values, positionals } = parsed(args, { ...placeFlags, ...own });
  const stray = positionals[takes === 'one' ? 1 : 0];
  if (stray !== undefined) {
    throw new UsageError('usage', `"${stray}" is one argument too many`, {
      hint: 'see `spoor store --help`',
    });
  }
  const many = (name: string) => {
    const value = values[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  };
  return {
    argument: positionals[0],
    flag(name) {
      const value = values[name];
      return typeof value === 'string' ? value : undefined;
    },
    many,
    has: (name) => values[name] === true,
  };
}

function parsed(args: readonly string[], options: Flags) {
  try {
    const all = parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
    const values: Readonly<Record<string, unknown>> = all.values;
    return { values, positionals: all.positionals };
  } catch (cause) {
    const [message = ''] = messageOf(cause).split('. ', 1);
    throw new UsageError('usage', message, { cause, hint: 'see `spoor store --help`' });
  }
}

/** Absolute. Throws UsageError when the configuration names none, or several. */
export async function storeDirectory(args: StoreArguments, directory?: string): Promise<string> {
  const given = args.flag('directory') ?? directory;
  if (given !== undefined) return resolve(given);
  const sources = { configs: args.many('config'), sets: args.many('set') };
  const { settings } = await readConfiguration(sources);
  const extension = settings.extensions.get('jaeger_storage');
  const { data } = StorageSection.safeParse(extension?.config);
  const named = Object.entries(data?.backends ?? {}).flatMap(([name, { embedded }]) =>
    embedded === undefined ? [] : [{ name, directory: embedded.directory }],
  );
  const wanted = args.flag('backend');
  const chosen = wanted === undefined ? named : named.filter(({ name }) => name === wanted);
  const [first, ...others] = chosen;
  if (first !== undefined && others.length === 0) return resolve(first.directory);
  const names = named.map(({ name }) => name).join(', ');
  throw new UsageError(
    'usage',
    first === undefined ? 'the configuration names no embedded store' : 'there are several stores',
    { hint: names === '' ? 'give --directory' : `give --directory, or --backend: ${names}` },
  );
}

const StorageSection = z.object({
  backends: z.record(
    z.string(),
    z.object({ embedded: z.object({ directory: z.string() }).optional() }),
  ),
});
