/** The data directory: its format, its lock, and what lies where.
 *
 *    format.json  LOCK  wal/<n>.wal
 *    tenants/<name>/catalogue.json  seg/<from>-<to>[.<n>].{parquet,idx}  fresh/<n>.parquet
 *    tenants/<name>/tombstones/<n>.tomb  red/<day>.red
 *
 *  <from>-<to> are the tenant's flush numbers a data file covers. A file whose range lies in that
 *  of another is what a stitch left behind, one whose range is that of another with a higher <n>
 *  what a deletion left behind; so no list of valid files has to be kept. */

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import { StorageError } from '../contract.ts';
import {
  type FileSystem,
  makeDurableDirectory,
  replaceFile,
  temporaryPath,
} from './file-system.ts';
import type { HashSeed } from './identity.ts';
import { lockStore } from './store-lock.ts';

export const STORE_FORMAT = 1;

export interface StoreDirectory {
  readonly root: string;
  readonly wal: string;
  readonly hashSeed: HashSeed;
  /** Names of the tenants that have a folder. */
  readonly tenants: readonly string[];
  release(): Promise<void>;
}

export interface TenantDirectory {
  readonly root: string;
  readonly segments: string;
  readonly fresh: string;
  readonly catalogue: string;
  /** What has been deleted and may still be in files. */
  readonly tombstones: string;
  /** What is counted of spans that are gone, by day. */
  readonly rollups: string;
}

export interface OpenDirectoryDeps {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: () => number;
}

export async function openDirectory(
  root: string,
  { files, clock, random }: OpenDirectoryDeps,
): Promise<StoreDirectory> {
  try {
    await makeDirectory(root);
    await makeDurableDirectory(files, join(root, 'wal'));
    await makeDurableDirectory(files, join(root, 'tenants'));
  } catch (cause) {
    throw new StorageError('unusable', `cannot make ${root}: ${messageOf(cause)}`, {
      cause,
      hint: 'give a directory that this user may write',
    });
  }
  const lock = await lockStore(root, { clock, files });
  try {
    await files.unlink(temporaryPath(join(root, FORMAT_FILE)));
    const hashSeed = await readFormat(root, { files, random });
    const names = await files.list(join(root, 'tenants'));
    const tenants = names.map(tenantOfFolder).filter((name) => name !== undefined);
    return { root, wal: join(root, 'wal'), hashSeed, tenants, release: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The checksum guards the seed: with a wrong one the log would read as damaged. A newer format may
 *  have anything besides its number. */
const FormatFile = z.object({
  format: z.int(),
  hashSeed: z.tuple([z.int(), z.int()]).default([0, 0]),
  crc32: z.int().default(0),
});
type Format = z.infer<typeof FormatFile>;

export const FORMAT_FILE = 'format.json';

/** The store's secret, of a directory that is there. Throws StorageError 'unusable'. */
export async function readHashSeed(root: string, files: FileSystem): Promise<HashSeed> {
  const path = join(root, FORMAT_FILE);
  if ((await files.stat(path)) === undefined) {
    throw new StorageError('unusable', `${root} is no store: it has no ${FORMAT_FILE}`, {
      hint: 'give the directory that the configuration names',
    });
  }
  return readFormat(root, { files, random: () => 0 });
}

async function readFormat(
  root: string,
  { files, random }: { files: FileSystem; random: () => number },
): Promise<HashSeed> {
  const path = join(root, FORMAT_FILE);
  if ((await files.stat(path)) === undefined) {
    const word = () => Math.floor(random() * 0x1_0000_0000);
    const hashSeed: HashSeed = [word(), word()];
    const content = { format: STORE_FORMAT, hashSeed, crc32: crc32(hashSeed.join()) };
    await replaceFile(files, path, new TextEncoder().encode(`${JSON.stringify(content)}\n`));
    return hashSeed;
  }
  const { format, hashSeed } = parseFormat(path, await files.read(path));
  if (format <= STORE_FORMAT) return hashSeed;
  throw new StorageError(
    'unusable',
    `${path} says format ${format}, and this Spoor knows formats up to ${STORE_FORMAT}`,
    { hint: 'it was written by a newer Spoor; start that one, or give another directory' },
  );
}

function parseFormat(path: string, bytes: Uint8Array): Format {
  try {
    const { data } = FormatFile.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    const isWhole =
      data && (data.format > STORE_FORMAT || crc32(data.hashSeed.join()) === data.crc32);
    if (isWhole) return data;
  } catch {
    // Told below.
  }
  throw new StorageError('unusable', `${path} cannot be read`, {
    hint: 'restore it from a backup, or give another directory',
  });
}

/** Where a tenant's files lie. Letters that a file system may confuse are written as %xx. */
export function tenantDirectory(root: string, tenant: string): TenantDirectory {
  const folder = folderOfTenant(tenant);
  if (folder.length > 200) {
    throw new StorageError('invalid', `the tenant's name is too long: ${tenant.slice(0, 40)}…`);
  }
  const home = join(root, 'tenants', folder);
  return {
    root: home,
    segments: join(home, 'seg'),
    fresh: join(home, 'fresh'),
    catalogue: join(home, 'catalogue.json'),
    tombstones: join(home, 'tombstones'),
    rollups: join(home, 'red'),
  };
}

export function folderOfTenant(tenant: string): string {
  const bytes = new TextEncoder().encode(tenant);
  let folder = 't-';
  for (const byte of bytes) {
    const char = String.fromCodePoint(byte);
    folder += /[a-z0-9_-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return folder;
}

export function tenantOfFolder(folder: string): string | undefined {
  if (!/^t-(?:[a-z0-9_-]|%[0-9a-f]{2})*$/.test(folder)) return undefined;
  try {
    return decodeURIComponent(folder.slice(2));
  } catch {
    return undefined;
  }
}

export interface StoredFile {
  /** Of the Parquet file. */
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

export interface TenantListing {
  /** Oldest first, no two overlap. */
  readonly files: readonly StoredFile[];
  /** Index files of flushes that were stitched, oldest first: kept to recognise resends. */
  readonly spentIndexes: readonly string[];
}

/** What the tenant has, after removing what a crash left behind. */
export async function listTenant(
  files: FileSystem,
  directory: TenantDirectory,
): Promise<TenantListing> {
  await makeDurableDirectory(files, directory.segments);
  await makeDurableDirectory(files, directory.fresh);
  for (const name of await files.list(directory.fresh)) {
    await files.unlink(join(directory.fresh, name));
  }
  const listing = arrange(directory.segments, await files.list(directory.segments));
  for (const path of listing.leftovers) await files.unlink(path);
  return listing;
}

/** What names in a folder of segments mean, without touching anything. `leftovers`: paths of what a
 *  crash left behind, or what is about to go while the directory is in use. */
export function arrange(
  directory: string,
  names: readonly string[],
): TenantListing & { readonly leftovers: readonly string[] } {
  const leftovers: string[] = [];
  const found: NamedFile[] = [];
  for (const name of names) {
    const file = parseName(directory, name);
    if (file === undefined) leftovers.push(join(directory, name));
    else found.push(file);
  }
  const parquet = found.filter(({ extension }) => extension === 'parquet');
  const kept = parquet.filter((file) => !parquet.some((other) => covers(other, file)));
  const spent: NamedFile[] = [];
  for (const file of found) {
    const same = kept.find((one) => isSame(one, file));
    if (same?.generation === file.generation) continue;
    // An index that no file's range covers: a flush that was cut short, and is still in the log.
    const isStitched = same === undefined && kept.some((one) => covers(one, file));
    const isSpent = file.extension === 'idx' && isStitched;
    if (isSpent) spent.push(file);
    else leftovers.push(file.path);
  }
  const byAge = (a: StoredFile, b: StoredFile) => a.from - b.from;
  return {
    files: kept.toSorted(byAge),
    spentIndexes: spent.toSorted(byAge).map(({ path }) => path),
    leftovers,
  };
}

type NamedFile = StoredFile & { readonly generation: number; readonly extension: string };

const NAME = /^(\d+)-(\d+)(?:\.(\d+))?\.(parquet|idx)$/;

function parseName(directory: string, name: string): NamedFile | undefined {
  const [, from, to, generation = '0', extension] = NAME.exec(name) ?? [];
  if (extension === undefined) return undefined;
  return {
    path: join(directory, name),
    from: Number(from),
    to: Number(to),
    generation: Number(generation),
    extension,
  };
}

/** Where the file goes when it is written anew without some of its rows: readers of the old one
 *  keep what they have open. */
export function nextGeneration(path: string): string {
  return path.replace(/(?:\.(\d+))?\.parquet$/, (_, generation: string | undefined) => {
    return `.${Number(generation ?? 0) + 1}.parquet`;
  });
}

function covers(outer: NamedFile, inner: NamedFile): boolean {
  if (isSame(outer, inner)) return outer.generation > inner.generation;
  return outer.from <= inner.from && inner.to <= outer.to;
}

function isSame(a: StoredFile, b: StoredFile): boolean {
  return a.from === b.from && a.to === b.to;
}
