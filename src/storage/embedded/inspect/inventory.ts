/** What a store's directory holds, without taking its lock or touching anything: another process may
 *  be using it. Files may vanish right after they have been listed; who reads them must expect that. */

import { join } from 'node:path';
import {
  arrange,
  FORMAT_FILE,
  readHashSeed,
  type StoredFile,
  type TenantDirectory,
  tenantDirectory,
  tenantOfFolder,
} from '../directory.ts';
import { realFileSystem } from '../file-system.ts';
import type { HashSeed } from '../identity.ts';

export interface TenantInventory {
  readonly tenant: string;
  readonly directory: TenantDirectory;
  /** Oldest first. */
  readonly files: readonly StoredFile[];
  /** Indices without a file. */
  readonly spentIndexes: readonly string[];
  readonly tombstones: readonly string[];
  /** Rates, errors and durations by day. */
  readonly red: readonly string[];
}

export interface Inventory {
  readonly root: string;
  readonly format: string;
  readonly hashSeed: HashSeed;
  readonly wal: readonly string[];
  readonly tenants: readonly TenantInventory[];
}

/** Throws StorageError 'unusable' when the directory is no store. */
export async function readInventory(root: string): Promise<Inventory> {
  const hashSeed = await readHashSeed(root, realFileSystem);
  const tenants: TenantInventory[] = [];
  for (const folder of await realFileSystem.list(join(root, 'tenants'))) {
    const tenant = tenantOfFolder(folder);
    if (tenant !== undefined) tenants.push(await readTenant(root, tenant));
  }
  return {
    root,
    format: join(root, FORMAT_FILE),
    hashSeed,
    wal: await listPaths(join(root, 'wal'), /^\d+\.wal$/),
    tenants,
  };
}

async function readTenant(root: string, tenant: string): Promise<TenantInventory> {
  const directory = tenantDirectory(root, tenant);
  // First, and the files they speak of after them: a tombstone goes when its files have been replaced.
  const tombstones = await listPaths(directory.tombstones, /^\d+\.tomb$/);
  const names = await realFileSystem.list(directory.segments);
  const { files, spentIndexes } = arrange(directory.segments, names);
  const red = await listPaths(join(directory.root, 'red'), /\.red$/);
  return { tenant, directory, files, spentIndexes, tombstones, red };
}

async function listPaths(directory: string, pattern: RegExp): Promise<string[]> {
  const names = await realFileSystem.list(directory);
  return names.filter((name) => pattern.test(name)).map((name) => join(directory, name));
}
