/** ui/dist follows the UI's sources. Vite builds beside it and the result is swapped in whole, so a
 *  running server never serves half a build. */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { root, say, SetupProblem } from './problem.mjs';
import { contentHash, isStamped, stamp } from './stamp.mjs';

const step = 'ui';
const inputs = ['ui/', 'src/model/', 'src/api/contract.ts', 'package-lock.json'];
const dist = fileURLToPath(new URL('ui/dist', root));
const next = fileURLToPath(new URL('ui/dist.next', root));

function viteBuild({ node, env }) {
  const vite = fileURLToPath(new URL('node_modules/vite/bin/vite.js', root));
  const args = [vite, 'build', '--outDir', next, '--emptyOutDir', '--logLevel', 'warn'];
  const cwd = fileURLToPath(new URL('ui/', root));
  const result = spawnSync(node, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  throw new SetupProblem('the UI does not build, as shown above');
}

export async function buildUi(runtime) {
  const isBuilt = (hash) =>
    isStamped(step, hash) && existsSync(new URL('ui/dist/index.html', root));
  const hash = contentHash(inputs);
  if (isBuilt(hash)) return;
  await withLock(() => {
    if (isBuilt(hash)) return;
    say('building the UI');
    viteBuild(runtime);
    rmSync(dist, { recursive: true, force: true });
    renameSync(next, dist);
    stamp(step, hash);
  });
}
