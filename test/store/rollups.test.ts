/** Charts outlive spans: what retention takes is counted on, once, also after a restart. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { intrinsic } from '../../src/filter/ast.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { spans } from '../../src/storage/conformance/plain-spans.ts';
import type { AggregateQuery, StorageBackend } from '../../src/storage/contract.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';

const MINUTE = 60_000_000_000n;
const NOW = (BigInt(Date.now()) * 1_000_000n) / MINUTE;
const START = (NOW - 600n) * MINUTE;
const BATCHES = 40;
const BATCH = 100;

async function countSpans(backend: StorageBackend, groupBy: AggregateQuery['groupBy']) {
  const found = await backend.reader.aggregate?.({
    tenant: 'default',
    range: { startNano: START, endNano: START + 600n * MINUTE },
    groupBy,
    groupsMax: 10,
  });
  const points = found?.series.flatMap((series) => series.points) ?? [];
  return { from: found?.from, count: points.reduce((sum, point) => sum + point.spans, 0) };
}

test('rates and durations of removed spans stay, and count once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-rollups-'));
  const config = EmbeddedConfig.parse({
    directory,
    flush_spans: BATCH,
    stitch_row_groups: 4,
    retention: { max_bytes: '16KiB' },
  });
  const deps = { clock: systemClock, logger: silentLogger };
  let backend = await openEmbedded(config, deps);
  try {
    const service = [intrinsic('service')];
    for (let batch = 0; batch < BATCHES; batch++) {
      const plain = Array.from({ length: BATCH }, (_, i) => ({
        service: `s${i % 3}`,
        name: `batch ${batch}`,
        startNano: START + BigInt(batch * 15) * MINUTE + BigInt(i),
      }));
      await backend.writer.write(spans('default', plain));
      // In whatever state the files just are.
      expect(await countSpans(backend, service)).toEqual({
        from: 'rollups',
        count: (batch + 1) * BATCH,
      });
    }
    for (const isAgain of [false, true]) {
      if (isAgain) {
        await backend.close();
        backend = await openEmbedded(config, deps);
      }
      // Only the spans know their status: most of them are gone.
      const left = () => countSpans(backend, [intrinsic('status')]);
      expect((await left()).from).toBe('spans');
      const half = (BATCHES * BATCH) / 2;
      await expect.poll(async () => (await left()).count, { timeout: 30_000 }).toBeLessThan(half);
      expect((await countSpans(backend, service)).count).toBe(BATCHES * BATCH);
    }
  } finally {
    await backend.close();
    await rm(directory, { recursive: true });
  }
}, 120_000);
