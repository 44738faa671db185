/** One component's values: a file each, in one folder. */
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyValueStore } from '../../component/sending.ts';
import { systemCodeOf } from '../../lib/errors.ts';

const VALUE = '.value';
const UNFINISHED = '.tmp';

/** Letters, digits, `_`, `-` and `.` (but not in front) stay; every other byte becomes `~XX`, so names cannot leave
 *  the folder or meet by case of an escape. */
export function fileName(name: string): string {
  const bytes = Buffer.from(name);
  return Array.from(bytes, (byte, i) => {
    const letter = String.fromCharCode(byte);
    const isPlain = /[A-Za-z0-9_.-]/.test(letter) && (i > 0 || letter !== '.');
    if (isPlain) return letter;
    return `~${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }).join('');
}

function keyOf(file: string): string {
  const escaped = file.slice(0, -VALUE.length).replaceAll(/~([0-9A-F]{2})/g, '%$1');
  return decodeURIComponent(escaped);
}

export class FileStore implements KeyValueStore {
  readonly #directory: string;
  readonly #isSynced: boolean;

  private constructor(directory: string, isSynced: boolean) {
    this.#directory = directory;
    this.#isSynced = isSynced;
  }

  /** Nobody else may use the directory meanwhile. Removes what an interrupted write left. */
  static async open(directory: string, isSynced: boolean): Promise<FileStore> {
    const left = (await readdir(directory)).filter((file) => file.endsWith(UNFINISHED));
    await Promise.all(left.map((file) => rm(join(directory, file), { force: true })));
    return new FileStore(directory, isSynced);
  }

  async keys(): Promise<readonly string[]> {
    const files = await readdir(this.#directory);
    return files.filter((file) => file.endsWith(VALUE)).map(keyOf);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.#path(key));
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    const path = this.#path(key);
    const unfinished = `${path}${UNFINISHED}`;
    await writeFile(unfinished, value, { flush: this.#isSynced });
    await rename(unfinished, path);
    if (this.#isSynced) await this.#syncDirectory();
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  #path(key: string): string {
    return join(this.#directory, `${fileName(key)}${VALUE}`);
  }

  /** A rename is durable once its folder is. */
  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}
