/** Runs npm quietly; when it fails, says why in one sentence and shows npm's own last lines. */
import { spawnSync } from 'node:child_process';
import { SetupProblem } from './problem.mjs';

const offline = /EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/;
const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'];

/** The npm that started us, else the one on the PATH.
 *  @returns {[string, string[]]} */
function command() {
  const cli = process.env.npm_execpath;
  if (cli && /npm-cli\.c?js$/.test(cli)) return [process.execPath, [cli]];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', []];
}

/** Undefined for what only npm's own words explain. */
function knownReason(what, stderr) {
  if (offline.test(stderr)) {
    return `cannot ${what}: the npm registry does not answer; connect to a network, or set \`registry\` or \`proxy\` in your ~/.npmrc, and run this again`;
  }
  if (/ENOSPC/.test(stderr)) return `cannot ${what}: the disk is full`;
  if (/EACCES|EPERM|EROFS/.test(stderr)) return `cannot ${what}: this folder cannot be written`;
  return undefined;
}

/** Without the outer npm's idea of which package this is: `scripts/runtime` is another one. */
function environment() {
  const outer = /^(npm_package_|npm_lifecycle_|npm_config_local_prefix$|INIT_CWD$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => !outer.test(key)));
}

export function npm(args, { cwd, what }) {
  const [file, first] = command();
  const result = spawnSync(file, [...first, ...args, ...quiet], {
    cwd,
    env: environment(),
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: file.endsWith('.cmd'),
    maxBuffer: 64 << 20,
  });
  if (result.error?.code === 'ENOENT') {
    throw new SetupProblem(`cannot ${what}: npm is not on the PATH; install Node.js with npm`);
  }
  if (result.error) throw new SetupProblem(`cannot ${what}: ${result.error.message}`);
  if (result.status === 0) return;
  const known = knownReason(what, result.stderr);
  if (known === undefined) process.stderr.write(result.stderr);
  throw new SetupProblem(known ?? `cannot ${what}: npm failed as shown above`);
}
