/** How tools find the server that holds a directory: `server.json` in it names the address of its API
 *  and a secret of this run. Only the user who owns the directory can read it: who may read the files
 *  may also ask the server about them, and nobody else. */

import { randomBytes } from 'node:crypto';
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemCodeOf } from '../../lib/errors.ts';
import type { MaintenanceDoor } from '../contract.ts';

const DoorFile = z.object({ address: z.string(), secret: z.string(), pid: z.int() });
export type DoorFile = z.infer<typeof DoorFile>;

const OWNER_ONLY = 0o600;

export class Door implements MaintenanceDoor {
  readonly secret = randomBytes(32).toString('base64url');
  readonly #path: string;

  constructor(root: string) {
    this.#path = doorPath(root);
  }

  async announce(address: string): Promise<void> {
    const content: DoorFile = { address, secret: this.secret, pid: process.pid };
    const temporary = `${this.#path}.tmp`;
    await rm(temporary, { force: true });
    await writeFile(temporary, `${JSON.stringify(content)}\n`, { mode: OWNER_ONLY, flag: 'wx' });
    await chmod(temporary, OWNER_ONLY);
    await rename(temporary, this.#path);
  }

  /** Also for what a crash left behind: its secret opens nothing any more. */
  async close(): Promise<void> {
    await rm(this.#path, { force: true });
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
