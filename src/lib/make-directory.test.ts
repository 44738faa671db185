import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reachableAddress } from './address.ts';
import { makeDirectory } from './make-directory.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-directory-'));
});
afterAll(async () => rm(directory, { recursive: true, force: true }));

test('what is missing above is made, and what is there is left', async () => {
  const path = join(directory, 'a', 'b', 'c');
  await makeDirectory(path);
  await makeDirectory(path);
  expect((await stat(path)).isDirectory()).toBe(true);
});

test('a file in the way is an error', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(makeDirectory(file)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeDirectory(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.runIf(process.platform === 'linux')('a parent that refuses ends it', async () => {
  await expect(makeDirectory('/proc/spoor/data')).rejects.toMatchObject({ code: 'ENOENT' });
});

test.for([
  ['', 'localhost:1'],
  ['0.0.0.0', 'localhost:1'],
  ['::', 'localhost:1'],
  ['::1', '[::1]:1'],
  ['host', 'host:1'],
])('the host %j is reached as %j', ([host = '', expected]) => {
  expect(reachableAddress(host, 1)).toBe(expected);
});
