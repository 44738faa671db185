/** `npm run build`: what the published package carries: src/ as JavaScript in dist/ (Node strips no
 *  types under node_modules) and the UI in ui/dist. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installDependencies } from './setup/dependencies.mjs';
import { main, root, SetupProblem } from './setup/problem.mjs';
import { findRuntime } from './setup/runtime.mjs';
import { buildUi } from './setup/ui.mjs';

await main(async () => {
  const runtime = await findRuntime();
  await installDependencies();
  await buildUi(runtime);
  const cwd = fileURLToPath(root);
  rmSync(new URL('dist', root), { recursive: true, force: true });
  const args = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'];
  const { status } = spawnSync(runtime.node, args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new SetupProblem('the sources do not compile, as shown above');
  return 0;
});
