/** The last line of a run is what people and CI read; it must not call a broken run a good one. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const reporter = join(root, 'scripts/closing-line-reporter.ts');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoor-reporter-'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function run(files: Record<string, string>): Promise<{ code: number; lines: string[] }> {
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), `import { test, expect } from 'vitest';\n${text}`);
  }
  const args = [vitest, 'run', '--reporter', 'default', '--reporter', reporter, '--root', folder];
  const env = { ...process.env, NO_COLOR: '1' };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: folder, env }, (_error, stdout) => {
      resolve({ code: child.exitCode ?? -1, lines: stdout.trimEnd().split('\n') });
    });
  });
}

test('counts, names what was skipped and why, and closes with the line', async () => {
  const { code, lines } = await run({
    'a.test.ts': `test('good', () => {}); test('bad', () => expect(1).toBe(2));
      test('absent', ({ skip }) => skip('install java'));`,
  });
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 1 skipped');
  expect(lines).toContain('skipped: absent: install java');
  expect(code).toBe(1);
});

test('a file that does not load is a failure', async () => {
  const { code, lines } = await run({
    'a.test.ts': `test('good', () => {});`,
    'b.test.ts': `import './missing.ts'; test('never', () => {});`,
  });
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  expect(code).toBe(1);
});

test('an error outside any test is a failure', async () => {
  const { code, lines } = await run({
    'a.test.ts': `test('good', async () => { void Promise.reject(new Error('lost'));
      await new Promise((resolve) => setTimeout(resolve, 50)); });`,
  });
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  expect(code).toBe(1);
});

test('a set-up that fails is a failure, and said to be why its tests did not run', async () => {
  const { code, lines } = await run({
    'a.test.ts': `import { beforeAll } from 'vitest'; beforeAll(() => { throw new Error('no'); });
      test('never', () => {});`,
  });
  expect(lines).toContain('skipped: never: its set-up failed');
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 1 skipped');
  expect(code).toBe(1);
});

test('no tests at all is not a success', async () => {
  const { code, lines } = await run({});
  expect(lines.at(-1)).toBe('0 passed, 0 failed, 0 skipped');
  expect(code).toBe(1);
});
