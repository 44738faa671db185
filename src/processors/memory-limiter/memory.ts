/** What the machine and this process have, and asking for garbage to be collected. */

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Memory {
  /** Resident bytes: buffers outside V8's heap are most of what a batch is. */
  usedBytes(): number;
  /** Bytes there are: the control group's limit, else the machine's. */
  totalBytes(): number;
  collectGarbage(): void;
}

const CGROUP_LIMITS = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

export function processMemory(): Memory {
  let collect: (() => void) | undefined;
  return {
    usedBytes: () => process.memoryUsage.rss(),
    totalBytes: () => Math.min(totalmem(), ...CGROUP_LIMITS.map(limitIn)),
    collectGarbage() {
      collect ??= exposedCollector();
      collect();
    },
  };
}

function limitIn(path: string): number {
  try {
    const limit = Number(readFileSync(path, 'utf8'));
    return Number.isFinite(limit) && limit > 0 ? limit : Number.POSITIVE_INFINITY;
  } catch {
    // No such file: no control group, or another system.
    return Number.POSITIVE_INFINITY;
  }
}

/** V8 shows its collector to contexts made after the flag was set. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return typeof collect === 'function' ? () => void collect() : () => undefined;
}
