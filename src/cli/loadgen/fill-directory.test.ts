import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { silentLogger } from '../../lib/logger.ts';
import { DEFAULT_TENANT } from '../../model/batch/span-batch.ts';
import { openEmbedded } from '../../storage/embedded/backend.ts';
import { EmbeddedConfig } from '../../storage/embedded/config.ts';
import { listTenant, tenantDirectory } from '../../storage/embedded/directory.ts';
import { openDataFile } from '../../storage/embedded/encode/data-file.ts';
import { realFileSystem } from '../../storage/embedded/file-system.ts';
import { type FillOptions, fillDirectory } from './fill-directory.ts';

const SPANS = 40_000;
const TIMEOUT_MS = 60_000;
const never = { aborted: false };
const made: string[] = [];

afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-fill-'));
  made.push(directory);
  return directory;
}

function fill(directory: string, more: Partial<FillOptions> = {}) {
  const options = { directory, spans: SPANS, days: 2, seed: 3, signal: never, progress: () => {} };
  return fillDirectory({ ...options, ...more });
}

/** What the index files say: spans by trace, and the range of starts. */
async function stored(directory: string) {
  const { files } = await listTenant(realFileSystem, tenantDirectory(directory, DEFAULT_TENANT));
  const spans = new Map<string, number>();
  const starts: number[] = [];
  for (const { path } of files) {
    const { index } = await openDataFile(path);
    for (let i = 0; i < (index?.traceCount ?? 0); i++) {
      const summary = index?.summaryAt(i);
      if (summary === undefined) continue;
      spans.set(summary.traceId, (spans.get(summary.traceId) ?? 0) + summary.spanCount);
      starts.push(Number(summary.startNano / 1_000_000n));
    }
  }
  return { spans, from: Math.min(...starts), to: Math.max(...starts), files: files.length };
}

test(
  'writes exactly the spans asked for, spread over the days',
  { timeout: TIMEOUT_MS },
  async () => {
    const directory = await newDirectory();
    const done = await fill(directory);
    expect(done).toMatchObject({ spans: SPANS, written: SPANS });
    const { spans, from, to, files } = await stored(directory);
    expect([...spans.values()].reduce((sum, count) => sum + count, 0)).toBe(SPANS);
    expect(files).toBe(1);
    const days = (to - from) / 86_400_000;
    expect(days).toBeGreaterThan(1.7);
    expect(days).toBeLessThan(2.3);
    expect(Math.abs(Date.now() - to)).toBeLessThan(0.3 * 86_400_000);
  },
);

test(
  'interrupted, it goes on and makes what it would have made',
  { timeout: TIMEOUT_MS },
  async () => {
    const [whole, parts] = [await newDirectory(), await newDirectory()];
    await fill(whole);
    let asked = 0;
    const soon = {
      get aborted() {
        return ++asked > 30;
      },
    };
    const first = await fill(parts, { signal: soon });
    expect(first.spans).toBeGreaterThan(10_000);
    expect(first.spans).toBeLessThan(20_000);
    const second = await fill(parts);
    expect(second).toMatchObject({ spans: SPANS, written: SPANS - first.spans });
    expect((await stored(parts)).spans).toEqual((await stored(whole)).spans);
    expect(await fill(parts)).toMatchObject({ spans: SPANS, written: 0 });
  },
);

test('a server opens the directory like any other', { timeout: TIMEOUT_MS }, async () => {
  const directory = await newDirectory();
  await fill(directory, { spans: 3000 });
  const deps = { clock: systemClock, logger: silentLogger };
  const backend = await openEmbedded(EmbeddedConfig.parse({ directory }), deps);
  try {
    expect(await backend.reader.getServices(DEFAULT_TENANT)).toContain('frontend');
    const [traceId = ''] = (await stored(directory)).spans.keys();
    const batch = await backend.reader.getTrace(DEFAULT_TENANT, { traceId });
    expect(batch?.count).toBe((await stored(directory)).spans.get(traceId));
    await expect(fill(directory, { spans: 3000 })).rejects.toMatchObject({ code: 'unusable' });
  } finally {
    await backend.close();
  }
});

test('another plan, or spans of others, are refused', { timeout: TIMEOUT_MS }, async () => {
  const directory = await newDirectory();
  await fill(directory, { spans: 1000 });
  await expect(fill(directory, { spans: 1000, seed: 4 })).rejects.toMatchObject({ code: 'usage' });
  await writeFile(join(directory, 'loadgen.json'), 'no plan');
  await expect(fill(directory, { spans: 1000 })).rejects.toMatchObject({ code: 'usage' });
});
