/** `npm run check`: what can be said about the code without starting it, and the unit tests. All
 *  steps run even when one fails, so that one run shows everything. `--fix` formats and repairs,
 *  `--static` leaves the unit tests out. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { quietNode } from './setup/child.mjs';
import { installDependencies } from './setup/dependencies.mjs';
import { main, root, say } from './setup/problem.mjs';
import { findRuntime } from './setup/runtime.mjs';

const bin = (path) => fileURLToPath(new URL(`node_modules/${path}`, root));
const oxfmt = [bin('oxfmt/bin/oxfmt')];
const oxlint = [bin('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings'];
const tsc = (project) => [bin('typescript/bin/tsc'), '-p', project];
const vitest = [bin('vitest/vitest.mjs'), 'run', '--project', 'unit', '--project', 'ui'];

const unitTests = 'unit tests';

const fixes = [
  ['format', [...oxfmt]],
  ['lint', [...oxlint, '--fix']],
];
const steps = [
  ['format', [...oxfmt, '--check']],
  ['lint', oxlint],
  ['types of the server', tsc('.')],
  ['types of the UI', tsc('ui')],
  ['dead code', [bin('knip/bin/knip.js'), '--no-progress']],
  ['docs fresh', ['scripts/docs.ts', '--check']],
  [unitTests, vitest],
];

function runStep({ node, env }, [name, args]) {
  const startedMs = performance.now();
  const cwd = fileURLToPath(root);
  const { status } = spawnSync(node, [...quietNode, ...args], { cwd, env, stdio: 'inherit' });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  return status === 0;
}

function chosenSteps(args) {
  if (args.includes('--fix')) return fixes;
  return args.includes('--static') ? steps.filter(([name]) => name !== unitTests) : steps;
}

await main(async (args) => {
  const runtime = await findRuntime();
  await installDependencies();
  const failed = chosenSteps(args).filter((step) => !runStep(runtime, step));
  if (failed.length === 0) return 0;
  say(`failed: ${failed.map(([name]) => name).join(', ')}`);
  return 1;
});
