/** Brings a real Prometheus, where this machine is ours to change. */
import { spawnSync } from 'node:child_process';

export function setup({ debian, log }) {
  if (hasPrometheus()) return;
  if (debian === undefined || !debian(['prometheus']))
    log('pipeline: no prometheus to scrape with');
}

/** Whether `prometheus` can be started here. */
export function hasPrometheus() {
  return spawnSync('prometheus', ['--version'], { stdio: 'ignore' }).status === 0;
}
