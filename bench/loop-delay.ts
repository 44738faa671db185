/** Loaded into the server before it starts (--import): tells on SIGUSR2 how long its event loop was
 *  held up since the last time, in a line of its own, and counts anew. On a machine that others use
 *  too most of that is waiting for a core; what the thread itself worked without a pause is told
 *  beside it, by the scheduler's account of it. */

import { openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const RESOLUTION_MS = 5;

// Only the process that takes and answers requests: its worker and its child may work as they like.
if (isMainThread && process.send === undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const account = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const bytes = Buffer.alloc(64);
  /** Time on a core so far, of this thread. */
  const workedMs = (): number => {
    const length = readSync(account, bytes, 0, bytes.length, 0);
    return Number(bytes.toString('latin1', 0, length).split(' ', 1)[0]) / 1e6;
  };
  let last = workedMs();
  let longest = 0;
  setInterval(() => {
    const now = workedMs();
    longest = Math.max(longest, now - last);
    last = now;
  }, RESOLUTION_MS).unref();
  process.on('SIGUSR2', () => {
    const ms = (nano: number) => Math.max(0, nano / 1e6 - RESOLUTION_MS).toFixed(1);
    const figures = [ms(histogram.percentile(99)), ms(histogram.max), longest.toFixed(1)];
    process.stdout.write(`event loop ${figures.join(' ')}\n`);
    histogram.reset();
    longest = 0;
  });
}
