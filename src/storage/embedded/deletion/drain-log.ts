/** Moves everything that is in the log to files, so that its files can go. */

import type { Engine } from '../engine.ts';
import type { Wal } from '../wal/wal.ts';

/** False when some of the log has to stay. */
export async function drainLog(engine: Engine, wal: Wal): Promise<boolean> {
  const full = await wal.rotateNow();
  const lastSeqs = new Map<string, number>();
  for (const file of full) {
    for (const [tenant, seq] of file.lastSeqs) {
      lastSeqs.set(tenant, Math.max(seq, lastSeqs.get(tenant) ?? 0));
    }
  }
  for (const [tenant, seq] of lastSeqs) await engine.tenant(tenant)?.flushTo(seq);
  await engine.releaseLog();
  return full.every((file) => !wal.holds(file));
}
