/** `npm test [-- vitest arguments]`: everything, from a fresh clone, under one runner. The last line
 *  is `N passed, N failed, N skipped`; whatever is missing on this machine is a counted skip.
 *
 *  A folder under test/ that needs more than npm packages brings a `setup.mjs` exporting
 *  `setup({ root, debian, log })`: it installs what it can and leaves paths in process.env. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromiumMissing, findChromium } from './setup/chromium.mjs';
import { quietNode, runChild } from './setup/child.mjs';
import { debian } from './setup/debian.mjs';
import { installDependencies } from './setup/dependencies.mjs';
import { main, root, say } from './setup/problem.mjs';
import { findRuntime } from './setup/runtime.mjs';
import { buildUi } from './setup/ui.mjs';

function findBrowser() {
  if (!findChromium()) debian?.(['chromium', 'fonts-noto-cjk']);
  const found = findChromium();
  if (found) process.env.SPOOR_CHROMIUM = found;
  else say(chromiumMissing);
}

/** Whether a run limited to some paths touches this folder. */
function isAsked(folder, args) {
  const paths = args.filter((arg) => !arg.startsWith('-') && arg.includes('/'));
  return paths.length === 0 || paths.some((path) => `${path}/`.includes(`test/${folder}/`));
}

/** A hook that fails costs its own tests, which then skip or fail and say why; not the whole run. */
async function runHooks(args) {
  const folder = new URL('test/', root);
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const hook = new URL(`${entry.name}/setup.mjs`, folder);
    if (!entry.isDirectory() || !existsSync(hook) || !isAsked(entry.name, args)) continue;
    try {
      const { setup } = await import(hook.href);
      await setup({ root: fileURLToPath(root), debian, log: say });
    } catch (error) {
      say(`test/${entry.name}/setup.mjs failed: ${error.message}`);
    }
  }
}

await main(async (args) => {
  const { node } = await findRuntime();
  await installDependencies();
  await buildUi(await findRuntime());
  findBrowser();
  await runHooks(args);
  const { env } = await findRuntime();
  const vitest = fileURLToPath(new URL('node_modules/vitest/vitest.mjs', root));
  const cwd = fileURLToPath(root);
  return runChild({ node, env }, [...quietNode, vitest, 'run', ...args], { cwd });
});
