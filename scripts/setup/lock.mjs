/** Two commands started at once must not install or build over each other: the second waits for the
 *  first. The lock is a file holding its owner's process id, so a killed owner leaves no trouble; it
 *  lies outside the checkout because a clean install empties node_modules. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, SetupProblem } from './problem.mjs';

const checkout = createHash('sha256').update(root.href).digest('hex').slice(0, 16);
const lockFile = join(tmpdir(), `spoor-setup-${checkout}.lock`);
const waitMsMax = 10 * 60_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function tryLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new SetupProblem(`cannot write ${lockFile}: ${error.message}`);
  }
}

function dropStale() {
  try {
    const owner = Number(readFileSync(lockFile, 'utf8'));
    if (owner > 0 && !isAlive(owner)) rmSync(lockFile, { force: true });
  } catch {
    // Its owner removed it between our two looks.
  }
}

export async function withLock(work) {
  const deadline = Date.now() + waitMsMax;
  while (!tryLock()) {
    dropStale();
    if (Date.now() > deadline) {
      throw new SetupProblem(`another command has been setting up for long; remove ${lockFile}`);
    }
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}
