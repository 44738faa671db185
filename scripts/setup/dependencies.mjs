/** node_modules follows package-lock.json: a clean install when there is none, the difference when
 *  the lock file changed, nothing otherwise. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { npm } from './npm.mjs';
import { root, say } from './problem.mjs';
import { contentHash, isStamped, stamp } from './stamp.mjs';

const step = 'dependencies';
const what = 'install the dependencies';

export async function installDependencies() {
  const hash = contentHash(['package-lock.json']);
  if (isStamped(step, hash)) return;
  await withLock(() => {
    if (isStamped(step, hash)) return;
    const cwd = fileURLToPath(root);
    const isInstalled = existsSync(new URL('node_modules/.package-lock.json', root));
    say(isInstalled ? 'the lock file changed, updating dependencies' : 'installing dependencies');
    npm(isInstalled ? ['install', '--no-save'] : ['ci'], { cwd, what });
    stamp(step, hash);
  });
}
