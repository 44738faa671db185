/** `npm start [-- arguments]`: from a fresh clone to a running Spoor. Plain JavaScript for any Node
 *  since 20, because the Node that runs the sources may still have to be fetched. */
import { fileURLToPath } from 'node:url';
import { quietNode, runChild } from './setup/child.mjs';
import { installDependencies } from './setup/dependencies.mjs';
import { main, root } from './setup/problem.mjs';
import { findRuntime } from './setup/runtime.mjs';
import { buildUi } from './setup/ui.mjs';

await main(async (args) => {
  const runtime = await findRuntime();
  await installDependencies();
  await buildUi(runtime);
  return runChild(runtime, [
    ...quietNode,
    fileURLToPath(new URL('src/cli/main.ts', root)),
    ...args,
  ]);
});
