/** Loaded into the server before it starts (--import): tells on SIGUSR2 how long its event loop was
 *  held up since the last time, in a line of its own, and counts anew. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const RESOLUTION_MS = 5;

// Only the process that takes and answers requests: its worker and its child may work as they like.
if (isMainThread && process.send === undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  process.on('SIGUSR2', () => {
    const ms = (nano: number) => Math.max(0, nano / 1e6 - RESOLUTION_MS).toFixed(1);
    const { max } = histogram;
    process.stdout.write(`event loop ${ms(histogram.percentile(99))} ${ms(max)}\n`);
    histogram.reset();
  });
}
