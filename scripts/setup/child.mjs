/** Runs a program in our place: its terminal, its exit code, its signals.
 *
 *  Ctrl-C reaches a whole process group and npm forwards it once more, so a program in our group
 *  would hear one Ctrl-C two or three times and take the second as "stop at once". It therefore gets
 *  a group of its own; we alone pass signals on, and count what arrives within `echoMs` as one. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const echoMs = 150;
const killAfterMs = 1500;
const forwarded = process.platform === 'win32' ? [] : ['SIGINT', 'SIGTERM', 'SIGHUP'];

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

function forwardSignals(child) {
  let lastMs = -Infinity;
  let count = 0;
  const onSignal = (signal) => {
    const nowMs = performance.now();
    const isEcho = nowMs - lastMs < echoMs;
    lastMs = nowMs;
    if (isEcho) return;
    count += 1;
    child.kill(signal);
    // A second request means "at once", even to a program that no longer listens.
    if (count === 2) setTimeout(() => killGroup(child), killAfterMs).unref();
  };
  for (const signal of forwarded) process.on(signal, onSignal);
  // On Windows the console itself tells every process; we only have to outlive the child.
  if (process.platform === 'win32') process.on('SIGINT', () => {});
  return () => {
    for (const signal of forwarded) process.off(signal, onSignal);
  };
}

/** Resolves with the exit code, 128 + number for a program that a signal ended. */
export function runChild({ node, env }, args, options = {}) {
  return new Promise((resolve, reject) => {
    const detached = process.platform !== 'win32';
    const child = spawn(node, args, { stdio: 'inherit', env, detached, ...options });
    const stopForwarding = forwardSignals(child);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      stopForwarding();
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** Node's notice that it strips types is no news to who reads our output. */
export const quietNode = ['--disable-warning=ExperimentalWarning'];
