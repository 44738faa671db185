/** On a Debian machine that is ours (root, as in CI) missing packages are installed; anywhere else
 *  the tests that need them are skipped and say what to install. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { say } from './problem.mjs';

const isOurs = () =>
  existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;

const isInstalled = (name) =>
  spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' })
    .stdout === 'installed';

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const stdio = ['ignore', 'ignore', 'pipe'];
  return spawnSync('apt-get', ['-qq', ...args], { env, stdio, encoding: 'utf8' });
}

/** Installs what is missing; answers whether all of it is there. */
function install(packages) {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return true;
  say(`installing ${missing.join(' ')}`);
  apt(['update']);
  const result = apt(['install', '-y', '--no-install-recommends', ...missing]);
  if (result.status === 0) return true;
  say(`apt-get cannot install ${missing.join(' ')}: ${result.stderr.trim().split('\n').at(-1)}`);
  return false;
}

/** `debian(['chromium'])` installs packages; undefined where this machine is not ours to change. */
export const debian = isOurs() ? install : undefined;
