/** The query process is killed again and again while spans are written and searched: no write may
 *  fail for it, and every search answers. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { StorageBackend, TraceOrder } from '../../src/storage/contract.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { spans } from '../../src/storage/conformance/plain-spans.ts';

const KILLS = 6;
const SPANS_A_BATCH = 40;
const ALL = { startNano: 0n, endNano: 2n ** 63n };
const START = 1_731_000_000_000_000_000n;
/** Each asks DuckDB: longest and most spans are answered from indexes. */
const ORDERS: readonly TraceOrder[] = ['newest', 'oldest', 'newest', 'oldest'];

/** A child of this process that runs DuckDB; undefined while there is none. */
function queryProcess(): number | undefined {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('query-child');
    } catch {
      return false;
    }
  });
}

let batches = 0;

async function writeOne(backend: StorageBackend): Promise<void> {
  const batch = ++batches;
  const traceId = batch.toString(16).padStart(32, '0');
  const plain = Array.from({ length: SPANS_A_BATCH }, (_, i) => ({
    traceId,
    spanId: (batch * 1000 + i).toString(16).padStart(16, '0'),
    startNano: START + BigInt(batch) * 1_000_000n,
    endNano: START + BigInt(batch) * 1_000_000n + 10n,
    name: 'work',
    service: `service-${batch % 7}`,
  }));
  await backend.writer.write(spans('default', plain));
}

test.runIf(process.platform === 'linux')(
  'killed under load, the query process costs no write and no answer',
  { timeout: 180_000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spoor-query-kill-'));
    const config = EmbeddedConfig.parse({ directory, flush_spans: 2000, stitch_row_groups: 3 });
    const backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger });
    const stop = new AbortController();
    let answers = 0;
    const writing = async () => {
      while (!stop.signal.aborted) await writeOne(backend);
    };
    const asking = async (order: TraceOrder) => {
      while (!stop.signal.aborted) {
        const query = { tenant: 'default', range: ALL, order, limit: 10 };
        const { warnings } = await backend.reader.findTraces(query);
        expect(warnings).toEqual([]);
        answers++;
      }
    };
    try {
      await writeOne(backend);
      const load = Promise.all([writing(), writing(), ...ORDERS.map(asking)]);
      // Whatever fails ends the test at once.
      const failed = load.then(() => {});
      const killed = new Set<number>();
      while (killed.size < KILLS) {
        const pid = queryProcess();
        const before = answers;
        if (pid !== undefined && !killed.has(pid)) {
          process.kill(pid, 'SIGKILL');
          killed.add(pid);
        }
        // A query may be interrupted once: the next kill comes when all of them have been answered.
        while (answers < before + 2 * ORDERS.length) {
          await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 20))]);
        }
      }
      stop.abort();
      await load;
      expect(killed.size).toBe(KILLS);
      const query = { tenant: 'default', range: ALL, limit: 100_000 };
      const { traces } = await backend.reader.findTraces(query);
      expect(traces).toHaveLength(batches);
      expect(traces.every(({ spanCount }) => spanCount === SPANS_A_BATCH)).toBe(true);
      expect(backend.health()).toMatchObject({ ok: true, problems: [] });
    } finally {
      stop.abort();
      await backend.close();
      rmSync(directory, { recursive: true });
    }
  },
);
