import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { folderOfTenant, listTenant, openDirectory, tenantDirectory } from './directory.ts';
import { tenantOfFolder } from './directory.ts';
import { realFileSystem } from './file-system.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-directory-'));
});
afterEach(() => rm(root, { recursive: true }));

const open = () =>
  openDirectory(root, { files: realFileSystem, clock: systemClock, random: Math.random });
const lockFile = () => join(root, 'LOCK');

describe('the lock', () => {
  test('a directory that is in use is refused, and free again after release', async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({
      code: 'unusable',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await first.release();
    await (await open()).release();
    expect(await readdir(root)).not.toContain('LOCK');
  });

  test('the lock of a process that lives is honoured', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      const probe = await open();
      const own = JSON.parse(await readFile(lockFile(), 'utf8')) as { started: string };
      await probe.release();
      const started = await startOf(child.pid!, own.started);
      await writeFile(lockFile(), JSON.stringify({ host: hostname(), pid: child.pid, started }));
      await expect(open()).rejects.toMatchObject({ code: 'unusable' });
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('the lock of a dead process is taken over', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.once('exit', resolve));
    await writeFile(lockFile(), JSON.stringify({ host: hostname(), pid: child.pid, started: '' }));
    const directory = await open();
    expect(JSON.parse(await readFile(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid });
    await directory.release();
  });

  test('the id of a dead process that now is another one does not hold the lock', async () => {
    const owner = { host: hostname(), pid: process.pid, started: 'another boot 1' };
    await writeFile(lockFile(), JSON.stringify(owner));
    await (await open()).release();
  });

  test('a lock without content is taken over', async () => {
    await writeFile(lockFile(), '');
    await (await open()).release();
  });

  test('the lock of another host is honoured while that host touches it', async () => {
    await writeFile(lockFile(), JSON.stringify({ host: 'elsewhere', pid: 1, started: '' }));
    await expect(open()).rejects.toMatchObject({
      message: expect.stringContaining('on elsewhere'),
    });
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lockFile(), longAgo, longAgo);
    await (await open()).release();
  });

  test('who holds it touches it', async () => {
    const clock = new ManualClock();
    const deps = { files: realFileSystem, clock, random: Math.random };
    const directory = await openDirectory(root, deps);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lockFile(), longAgo, longAgo);
    clock.advance(5000);
    await expect
      .poll(async () => (await stat(lockFile())).mtimeMs, { timeout: 10_000 })
      .toBeGreaterThan(Date.now() - 30_000);
    await directory.release();
    expect(clock.pendingCount).toBe(0);
  });
});

/** Linux tells the start of any process; elsewhere the id alone has to do. */
async function startOf(pid: number, ownStart: string): Promise<string> {
  if (process.platform !== 'linux') return '';
  const stats = await readFile(`/proc/${pid}/stat`, 'utf8');
  const ticks = stats.slice(stats.lastIndexOf(')') + 2).split(' ')[19];
  return `${ownStart.split(' ')[0]} ${ticks}`;
}

describe('the format', () => {
  test('the seed of the hashes stays', async () => {
    const first = await open();
    await first.release();
    const second = await open();
    await second.release();
    expect(second.hashSeed).toEqual(first.hashSeed);
  });

  test('a newer format is refused and the directory left as it was', async () => {
    await writeFile(join(root, 'format.json'), '{"format":2,"secrets":[]}');
    await expect(open()).rejects.toMatchObject({
      code: 'unusable',
      message: expect.stringContaining('format 2'),
    });
    expect(await readdir(root)).not.toContain('LOCK');
  });

  test('a damaged format file is refused', async () => {
    await (await open()).release();
    const path = join(root, 'format.json');
    const whole = await readFile(path, 'utf8');
    await writeFile(
      path,
      whole.replace(/"hashSeed":\[(\d)/, (_, n) => `"hashSeed":[${9 - n}`),
    );
    await expect(open()).rejects.toMatchObject({ code: 'unusable' });
    await writeFile(path, whole.slice(0, 20));
    await expect(open()).rejects.toMatchObject({ code: 'unusable' });
  });

  test('a directory that cannot be made is refused', async () => {
    await writeFile(join(root, 'file'), '');
    const deps = { files: realFileSystem, clock: systemClock, random: Math.random };
    const opening = openDirectory(join(root, 'file', 'data'), deps);
    await expect(opening).rejects.toMatchObject({ code: 'unusable' });
  });
});

test('every tenant name has a folder of its own, on file systems that ignore case too', () => {
  const names = ['default', 'Default', 'a/b', 'a%2fb', '..', '.', '', 'ünï', 'CON', 'a b'];
  const folders = names.map(folderOfTenant);
  expect(new Set(folders.map((folder) => folder.toLowerCase())).size).toBe(names.length);
  for (const folder of folders) expect(folder).toMatch(/^t-[a-z0-9_%-]*$/);
  expect(folders.map(tenantOfFolder)).toEqual(names);
  expect(tenantOfFolder('lost+found')).toBeUndefined();
});

describe('what a crash leaves behind', () => {
  async function listing(names: readonly string[]) {
    const directory = tenantDirectory(root, 'default');
    await mkdir(directory.segments, { recursive: true });
    await mkdir(directory.fresh, { recursive: true });
    for (const name of names) await writeFile(join(directory.segments, name), name);
    await writeFile(join(directory.fresh, '7.parquet'), '');
    const { files, spentIndexes } = await listTenant(realFileSystem, directory);
    expect(await readdir(directory.fresh)).toEqual([]);
    return {
      files: files.map(({ from, to }) => `${from}-${to}`),
      spentIndexes: spentIndexes.map((path) => path.slice(directory.segments.length + 1)),
      onDisk: (await readdir(directory.segments)).sort(),
    };
  }

  test('files are listed oldest first, by number', async () => {
    const found = await listing(
      ['1-9', '10-10', '11-11'].flatMap((name) => [`${name}.idx`, `${name}.parquet`]),
    );
    expect(found.files).toEqual(['1-9', '10-10', '11-11']);
  });

  test('temporary files and an index without its file are removed', async () => {
    const found = await listing([
      '1-1.idx',
      '1-1.parquet',
      '2-2.idx',
      '3-3.parquet.tmp',
      '3-3.idx.tmp',
    ]);
    expect(found.files).toEqual(['1-1']);
    expect(found.onDisk).toEqual(['1-1.idx', '1-1.parquet']);
  });

  test('what was stitched into another file is removed, its index kept for resends', async () => {
    const found = await listing([
      '1-2.idx',
      '1-2.parquet',
      '1-1.idx',
      '2-2.idx',
      '2-2.parquet',
      '3-3.idx',
      '3-3.parquet',
    ]);
    expect(found.files).toEqual(['1-2', '3-3']);
    expect(found.spentIndexes).toEqual(['1-1.idx', '2-2.idx']);
    expect(found.onDisk).not.toContain('2-2.parquet');
  });

  test('a stitch that did not get to its Parquet file changes nothing', async () => {
    const found = await listing(['1-2.idx', '1-1.idx', '1-1.parquet', '2-2.idx', '2-2.parquet']);
    expect(found.files).toEqual(['1-1', '2-2']);
    expect(found.spentIndexes).toEqual([]);
  });
});
