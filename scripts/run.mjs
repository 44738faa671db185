/** `node scripts/run.mjs [--ui] <file> [arguments]`: runs a file of this repository as `npm start`
 *  runs the server, with the right Node, the dependencies and, if it asks, the UI in place. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { quietNode, runChild } from './setup/child.mjs';
import { installDependencies } from './setup/dependencies.mjs';
import { main, root, SetupProblem } from './setup/problem.mjs';
import { findRuntime } from './setup/runtime.mjs';
import { buildUi } from './setup/ui.mjs';

await main(async (words) => {
  const needsUi = words[0] === '--ui';
  const [file, ...args] = needsUi ? words.slice(1) : words;
  const path = fileURLToPath(new URL(file, root));
  if (!existsSync(path)) throw new SetupProblem(`there is no ${file}`);
  const runtime = await findRuntime();
  await installDependencies();
  if (needsUi) await buildUi(runtime);
  return runChild(runtime, [...quietNode, path, ...args]);
});
