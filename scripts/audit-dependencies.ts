/** `npm run audit:dependencies`: are the dependencies what we promise, and is a vulnerability known in what users
 *  receive? Outside of `npm test`, because the second answer changes without a change of ours. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { lockProblems, type LockFile } from './audit-dependencies/lock-file.ts';

const lock: LockFile = JSON.parse(
  readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'),
);
const problems = lockProblems(lock);
for (const problem of problems) console.error(problem);
console.log(
  `${Object.keys(lock.packages).length - 1} locked packages, ${problems.length} problems`,
);

const known = spawnSync('npm', ['audit', '--omit=dev', '--audit=true'], {
  cwd: new URL('..', import.meta.url),
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
process.exitCode = problems.length === 0 && known.status === 0 ? 0 : 1;
