/** Lends key-value stores that outlive the process: a folder a component, a file a value. A value is
 *  written beside its place and renamed onto it, so a reader finds the old or the new one whole. Each
 *  folder is locked: two processes would give out the same keys and delete what the other has. */
import { join } from 'node:path';
import { access, constants, mkdir } from 'node:fs/promises';
import { defineExtension, type CreateContext } from '../../component/define.ts';
import { PipelineError } from '../../component/consumer.ts';
import { keyValueStorage, type KeyValueStore } from '../../component/sending.ts';
import {
  type DirectoryLock,
  DirectoryLockError,
  lockDirectory,
  realLockFiles,
} from '../../lib/directory-lock.ts';
import { messageOf } from '../../lib/errors.ts';
import { FileStorageConfig } from './config.ts';
import { FileStore, fileName } from './file-store.ts';

export const component = defineExtension({
  type: 'file_storage',
  stability: 'beta',
  summary: 'Keeps queues and other state of components in files.',
  config: FileStorageConfig,
  offers: ({ directory }, id) => [
    { what: keyValueStorage.name, name: id, ack: { kind: 'durable', where: directory } },
  ],
  create: (context) => new FileStorage(context),
});

class FileStorage {
  readonly #context: CreateContext<FileStorageConfig>;
  readonly #stores = new Map<string, Promise<KeyValueStore>>();
  readonly #locks: DirectoryLock[] = [];

  constructor(context: CreateContext<FileStorageConfig>) {
    this.#context = context;
  }

  async start(): Promise<void> {
    const { config, host, id } = this.#context;
    await this.#prepare(config);
    host.lend(keyValueStorage, id, { client: (name) => this.#client(name) });
  }

  async stop(): Promise<void> {
    // What is being opened has its lock before it is let go.
    await Promise.allSettled(this.#stores.values());
    this.#stores.clear();
    for (const lock of this.#locks.splice(0)) await lock.release();
  }

  async #prepare({ directory, create_directory: isMade }: FileStorageConfig): Promise<void> {
    try {
      if (isMade) await this.#makeDirectory(directory);
      await access(directory, constants.R_OK | constants.W_OK);
    } catch (cause) {
      const message = `file_storage cannot use the directory ${directory}: ${messageOf(cause)}`;
      const hint = 'create it, set create_directory: true, or name another with directory';
      throw new PipelineError('not_running', message, { cause, hint });
    }
  }

  async #makeDirectory(path: string): Promise<void> {
    const mode = Number.parseInt(this.#context.config.directory_permissions, 8);
    await mkdir(path, { recursive: true, mode });
  }

  /** Opened once a name. */
  #client(name: string): Promise<KeyValueStore> {
    const known = this.#stores.get(name);
    if (known) return known;
    const opening = this.#open(name);
    this.#stores.set(name, opening);
    // One that failed is tried again when it is asked for again.
    opening.catch(() => this.#stores.delete(name));
    return opening;
  }

  async #open(name: string): Promise<KeyValueStore> {
    const { directory, fsync } = this.#context.config;
    const path = join(directory, fileName(name));
    await this.#makeDirectory(path);
    this.#locks.push(await this.#lock(path));
    return FileStore.open(path, fsync);
  }

  async #lock(path: string): Promise<DirectoryLock> {
    try {
      return await lockDirectory(path, { clock: this.#context.clock, files: realLockFiles });
    } catch (cause) {
      if (!(cause instanceof DirectoryLockError)) throw cause;
      throw new PipelineError('not_running', cause.message, { cause, hint: cause.hint });
    }
  }
}
