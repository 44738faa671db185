/** Who answers for a store: the server that uses it, found by what it left in the directory, or, when
 *  none does, this process, which takes the directory's lock and serves itself on a port of its own.
 *  So there is one way to export, import and delete. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createQueryServer } from '../../api/http/server.ts';
import { systemClock } from '../../lib/clock.ts';
import { SpoorError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger.ts';
import { DEFAULT_TENANT } from '../../model/batch/span-batch.ts';
import { StorageError, type StorageBackend } from '../../storage/contract.ts';
import { openEmbedded } from '../../storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../storage/embedded/config.ts';
import { FORMAT_FILE } from '../../storage/embedded/directory.ts';
import { readDoor } from '../../storage/embedded/door.ts';
import { UsageError } from '../arguments.ts';
import { StoreClient } from './client.ts';
import { PLACE_HELP, storeDirectory, type StoreArguments } from './place.ts';

export const REACH_HELP = `  --server <url>         ask this server, not the one that the store's directory names; its secret
                         is read from SPOOR_STORE_SECRET, else from the directory
  --header <k: v>        send this header too, for a server that wants to know who asks; repeat it
  --insecure             take any certificate
  --tenant <name>        of the store, "${DEFAULT_TENANT}" unless given
${PLACE_HELP}`;

export const reachFlags = {
  server: { type: 'string' },
  tenant: { type: 'string' },
  header: { type: 'string', multiple: true },
  insecure: { type: 'boolean' },
} as const;

export interface Reached {
  readonly client: StoreClient;
  /** For people. */
  readonly where: string;
  readonly close: () => Promise<void>;
}

export async function reachStore(args: StoreArguments, signal: AbortSignal): Promise<Reached> {
  const server = args.flag('server');
  const remote = remoteWith(args, signal);
  const given = process.env['SPOOR_STORE_SECRET'];
  if (server !== undefined && given !== undefined) return remote(server, given);
  const directory = await storeDirectory(args);
  if (server !== undefined) {
    const door = await readDoor(directory);
    if (door === undefined) throw noSecret(directory);
    return remote(server, door.secret);
  }
  if ((await stat(join(directory, FORMAT_FILE)).catch(() => undefined)) === undefined) {
    throw new UsageError('usage', `${directory} is no store`, {
      hint: 'give its --directory, or the --config that names it',
    });
  }
  const backend = await openUnused(directory);
  if (backend !== undefined) return serve(backend, directory, signal);
  const door = await readDoor(directory);
  if (door === undefined) throw noDoor(directory);
  return remote(door.address, door.secret);
}

function remoteWith(args: StoreArguments, signal: AbortSignal) {
  const headers = Object.fromEntries(args.many('header').map(headerOf));
  const isInsecure = args.has('insecure');
  return (address: string, secret: string): Reached => {
    const client = new StoreClient({ address, secret, signal, headers, isInsecure });
    return { client, where: address, close: async () => {} };
  };
}

function headerOf(written: string): [string, string] {
  const at = written.indexOf(':');
  if (at > 0) return [written.slice(0, at).trim(), written.slice(at + 1).trim()];
  throw new UsageError('usage', `--header wants "name: value", got "${written}"`);
}

/** Undefined when another process has it. Opened by a tool, a store loses nothing to its age. */
async function openUnused(directory: string): Promise<StorageBackend | undefined> {
  const config = EmbeddedConfig.parse({
    directory,
    retention: { max_age: '876000h', max_bytes: '1000TB' },
  });
  const logger = createLogger({
    level: 'warn',
    encoding: 'console',
    colour: false,
    output: process.stderr,
  });
  try {
    return await openEmbedded(config, { logger, clock: systemClock });
  } catch (error) {
    if (error instanceof StorageError && /is in use by process/.test(error.message)) {
      return undefined;
    }
    throw error;
  }
}

async function serve(
  backend: StorageBackend,
  directory: string,
  signal: AbortSignal,
): Promise<Reached> {
  const { reader, capabilities, maintenance } = backend;
  const secret = maintenance?.door?.secret;
  if (secret === undefined) throw new TypeError('the embedded store has a door');
  const server = await createQueryServer({
    reader,
    capabilities,
    maintenance,
    tenant: DEFAULT_TENANT,
    basePath: '',
    maxClockSkewNano: 0n,
    maxTraceSize: 0,
    now: () => systemClock.nowMs(),
    log: { warn: () => {} },
  });
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    client: new StoreClient({ address, secret, signal }),
    where: directory,
    close: async () => {
      await server.close();
      await backend.close();
    },
  };
}

class ReachError extends SpoorError<'unreachable'> {}

function noSecret(directory: string): ReachError {
  return new ReachError('unreachable', `${directory} names no secret of a server`, {
    hint: 'set SPOOR_STORE_SECRET to the one in server.json in the directory of the server',
  });
}

function noDoor(directory: string): ReachError {
  return new ReachError('unreachable', `the process that uses ${directory} serves no API`, {
    hint: 'add jaeger_query to its extensions, or stop it and try again',
  });
}
