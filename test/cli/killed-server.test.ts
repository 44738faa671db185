/** A short `npm run audit`: a real server under load, killed and started again. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const audit = new URL('../../scripts/audit.ts', import.meta.url).pathname;

test('a killed server has what it acknowledged', { timeout: 300_000 }, async () => {
  const args = ['--disable-warning=ExperimentalWarning', audit, '--cycles', '3', '--rate', '2000'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toMatch(/^3 kills: [1-9]\d* traces .* 0 missing, 0 altered, 0 duplicated$/m);
});
