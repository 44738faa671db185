/** How tools find the server that holds a directory: `server.json` in it names the address of its API
 *  and a secret of this run. Only the user who owns the directory can read it: who may read the files
 *  may also ask the server about them, and nobody else. */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemCodeOf } from '../../lib/errors.ts';
import type { MaintenanceDoor } from '../contract.ts';
import { type FileSystem, writeAll } from './file-system.ts';

const DoorFile = z.object({ address: z.string(), secret: z.string(), pid: z.int() });
export type DoorFile = z.infer<typeof DoorFile>;

const OWNER_ONLY = 0o600;

export class Door implements MaintenanceDoor {
  readonly secret = randomBytes(32).toString('base64url');
  readonly #path: string;
  readonly #files: FileSystem;

  constructor(root: string, files: FileSystem) {
    this.#path = doorPath(root);
    this.#files = files;
  }

  async announce(address: string): Promise<void> {
    const content: DoorFile = { address, secret: this.secret, pid: process.pid };
    const temporary = `${this.#path}.tmp`;
    await this.#files.unlink(temporary);
    const fd = await this.#files.open(temporary, 'wx', OWNER_ONLY);
    try {
      const parts = [new TextEncoder().encode(`${JSON.stringify(content)}\n`)];
      await writeAll(this.#files, fd, { parts, position: 0 });
    } finally {
      await this.#files.close(fd);
    }
    await this.#files.rename(temporary, this.#path);
  }

  /** Also for what a crash left behind: its secret opens nothing any more. */
  async close(): Promise<void> {
    await this.#files.unlink(this.#path);
  }
}

/** What the last server that opened the directory said; it may be gone. */
export async function readDoor(root: string): Promise<DoorFile | undefined> {
  try {
    const { data } = DoorFile.safeParse(JSON.parse(await readFile(doorPath(root), 'utf8')));
    return data;
  } catch (error) {
    if (error instanceof SyntaxError || systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function doorPath(root: string): string {
  return join(root, 'server.json');
}
