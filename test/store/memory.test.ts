/** The store as the memory backend: bounded in traces, the oldest go first, nothing of it must last. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { openEmbedded } from '../../src/storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../src/storage/embedded/config.ts';
import { spans } from '../../src/storage/conformance/plain-spans.ts';

const START = 1_731_000_000_000_000_000n;
const TRACES_MAX = 1000;

test('the oldest traces make room for new ones', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-memory-'));
  const backend = await openEmbedded(EmbeddedConfig.parse({ directory }), {
    clock: systemClock,
    logger: silentLogger,
    maxTraces: TRACES_MAX,
    isTemporary: true,
  });
  try {
    expect(backend.capabilities.durableOnAck).toBe(false);
    for (let i = 0; i < 5000; i += 100) {
      const traces = Array.from({ length: 100 }, (_, n) => ({
        name: `${i + n}`,
        startNano: START + BigInt(i + n),
      }));
      await backend.writer.write(spans('default', traces));
    }
    const names = async () => {
      const range = { startNano: START, endNano: START + 1_000_000n };
      const page = await backend.reader.findTraces({ tenant: 'default', range, limit: 10_000 });
      return page.traces.map(({ rootName }) => Number(rootName));
    };
    // What is in no file yet comes on top: two flushes' worth at most.
    await expect
      .poll(async () => (await names()).length, { timeout: 60_000, interval: 200 })
      .toBeLessThanOrEqual(TRACES_MAX + 200);
    const left = await names();
    expect(left.length).toBeGreaterThan(TRACES_MAX / 2);
    expect(left).toEqual(Array.from({ length: left.length }, (_, i) => 4999 - i));
  } finally {
    await backend.close();
    await rm(directory, { recursive: true });
  }
});
