/** Makes a directory and what is missing above it. Node's own `recursive` never returns where a
 *  parent exists and still refuses with ENOENT, as /proc does. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCodeOf } from './errors.ts';

export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST' && (await isDirectory(path))) return;
    const parent = dirname(path);
    if (systemCodeOf(error) !== 'ENOENT' || parent === path) throw error;
    if (await isDirectory(parent)) throw error;
    await makeDirectory(parent);
    await mkdir(path);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
