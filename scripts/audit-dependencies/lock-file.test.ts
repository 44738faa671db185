import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { lockProblems, type LockFile } from './lock-file.ts';

const locked = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

test.each(['package-lock.json', 'scripts/runtime/package-lock.json'])(
  '%s installs alike everywhere',
  async (path) => {
    const lock: LockFile = JSON.parse(await locked(path));
    expect(lockProblems(lock)).toEqual([]);
  },
);

test('a platform that is missing, of another version, a registry and a licence are told', () => {
  const optionalDependencies = { 'x-linux': '1.0.0', 'x-mac': '1.0.0', 'x-win': '1.0.0' };
  const lock: LockFile = {
    packages: {
      '': {},
      'node_modules/x': { version: '1.0.0', license: 'MIT', optionalDependencies },
      'node_modules/x/node_modules/x-linux': { version: '1.0.0', license: 'MIT' },
      'node_modules/x-mac': { version: '0.9.0', license: 'MPL-2.0', dev: true },
      'node_modules/y': { version: '1.0.0', license: 'AGPL-3.0', resolved: 'https://r/y.tgz' },
    },
  };
  expect(lockProblems(lock)).toEqual([
    'node_modules/x: x-mac is locked as 0.9.0, wanted 1.0.0',
    'node_modules/x: x-win is not locked',
    'node_modules/y: licence AGPL-3.0',
    'node_modules/y: names a registry',
  ]);
});
