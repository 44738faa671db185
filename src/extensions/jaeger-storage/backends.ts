/** What each kind of backend in a configuration opens. There is one engine; `memory` and `badger`
 *  are its settings in other words. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { Ack } from '../../component/ack.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { StorageBackend } from '../../storage/contract.ts';
import type { BackendConfig, EngineConfig } from './config.ts';

/** What an engine is opened with besides its configuration. */
export interface EngineSurroundings {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly registry: Registry;
}

export interface EngineOptions extends EngineSurroundings {
  /** The oldest traces go when there are more; undefined = no limit. */
  readonly maxTraces: number | undefined;
  /** Nothing has to outlive the process. */
  readonly isTemporary: boolean;
}

/** A storage engine: its own schema, and how it is opened. */
export interface Engine {
  readonly config: z.ZodType<EngineConfig>;
  open(config: EngineConfig, options: EngineOptions): Promise<StorageBackend>;
}

export interface Engines {
  readonly embedded: Engine;
}

/** How a configured backend is opened. */
export interface Plan {
  /** As the configuration calls it. */
  readonly kind: 'embedded' | 'memory' | 'badger';
  /** Undefined: a temporary one, made when opened and removed when closed. */
  readonly directory: string | undefined;
  /** For the engine, in a directory it is given. */
  configIn(directory: string): EngineConfig;
  readonly maxTraces: number | undefined;
  /** Something the person who starts it should know. */
  readonly notice: string | undefined;
}

/** A temporary store must not fill the disk it happens to be on. */
const temporaryBytesMax = '2GB';

/** A hundred years: the number of traces is the limit there. */
const foreverAge = '876000h';

/** The schema has made sure that there is exactly one. */
export function planFor({ embedded, memory, badger }: BackendConfig, engine: Engine): Plan {
  if (badger) return badgerPlan(badger, engine);
  if (memory) {
    return {
      kind: 'memory',
      directory: undefined,
      configIn: (directory) =>
        engine.config.parse({
          directory,
          retention: { max_age: foreverAge, max_bytes: temporaryBytesMax },
        }),
      maxTraces: memory.max_traces,
      notice: 'the memory backend keeps its data in a temporary directory, gone when it stops',
    };
  }
  if (!embedded) throw new TypeError('a backend passed validation without a type');
  return {
    kind: 'embedded',
    directory: resolve(embedded.directory),
    configIn: (directory) => ({ ...embedded, directory }),
    maxTraces: undefined,
    notice: undefined,
  };
}

function badgerPlan(badger: NonNullable<BackendConfig['badger']>, engine: Engine): Plan {
  const { values } = badger.directories;
  const isTemporary = badger.ephemeral || values === undefined;
  const retention = {
    max_age: `${badger.ttl.spans}ms`,
    ...(isTemporary ? { max_bytes: temporaryBytesMax } : {}),
  };
  return {
    kind: 'badger',
    directory: isTemporary ? undefined : resolve(values, 'spoor'),
    configIn: (directory) => engine.config.parse({ directory, retention }),
    maxTraces: undefined,
    notice: 'the badger settings are used for the embedded backend; files of Badger are not read',
  };
}

export function ackOf({ directory }: Plan): Ack {
  return directory === undefined
    ? { kind: 'memory', where: 'a temporary directory' }
    : { kind: 'durable', where: directory };
}

/** Opens the engine; a temporary directory goes when it is closed. */
export async function openPlan(
  plan: Plan,
  engine: Engine,
  around: EngineSurroundings,
): Promise<StorageBackend> {
  const { directory, maxTraces } = plan;
  if (directory !== undefined) {
    return engine.open(plan.configIn(directory), { ...around, maxTraces, isTemporary: false });
  }
  const temporary = await mkdtemp(join(tmpdir(), 'spoor-'));
  const remove = async () => rm(temporary, { recursive: true, force: true });
  try {
    const config = plan.configIn(temporary);
    const backend = await engine.open(config, { ...around, maxTraces, isTemporary: true });
    return closingWith(backend, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

function closingWith(backend: StorageBackend, after: () => Promise<void>): StorageBackend {
  return {
    capabilities: { ...backend.capabilities, durableOnAck: false },
    writer: backend.writer,
    reader: backend.reader,
    health: () => backend.health(),
    async close() {
      await backend.close();
      await after();
    },
  };
}
