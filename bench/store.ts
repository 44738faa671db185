/** The store's write path: what each of its steps costs the main thread, and all of it together
 *  against a real disk, with the encoder's thread at work. */

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { makeTemplates, Payloads } from '../src/cli/loadgen/templates.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/logger.ts';
import { encodeFrame } from '../src/model/batch/frame.ts';
import type { SpanBatch } from '../src/model/batch/span-batch.ts';
import { openEmbedded } from '../src/storage/embedded/backend.ts';
import { Catalogue } from '../src/storage/embedded/catalogue.ts';
import { EmbeddedConfig } from '../src/storage/embedded/config.ts';
import { indexPathOf } from '../src/storage/embedded/manifest.ts';
import { identityHashes } from '../src/storage/embedded/identity.ts';
import { SeenSpans } from '../src/storage/embedded/seen-spans.ts';
import { encodeTraces } from '../src/wire/otlp-proto/encode.ts';
import { decodeTraces } from '../src/wire/otlp-proto/decode.ts';
import { cpuNanoPerItem } from './cpu-time.ts';
import { syncedWrites } from './disk.ts';
import { type Figure, type Options, percentile } from './report.ts';
import { batchesForEver } from './row-group.ts';

export async function run({ isQuick }: Options): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const batchSize of isQuick ? [512] : [512, 50]) {
    figures.push(...steps(batchSize), ...(await whole(batchSize, isQuick ? 100_000 : 300_000)));
  }
  figures.push(...(await onDisk(isQuick ? 4 : 32)));
  return figures;
}

const ROW_GROUP = 32_768;
const STITCHED_WITHIN_MS = 120_000;

/** Every file of a store that has taken so many row groups of new spans, after they are stitched. */
async function onDisk(rowGroups: number): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-bench-store-'));
  const config = EmbeddedConfig.parse({ directory, stitch_row_groups: rowGroups });
  const backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger });
  const sample = { spans: 0, payload: 0, gzip: 0 };
  let spans = 0;
  try {
    for (const batches of batchesForEver()) {
      for (const batch of batches) {
        await backend.writer.write(batch);
        spans += batch.count;
        if (sample.spans >= ROW_GROUP) continue;
        const bytes = encodeTraces([batch]);
        sample.spans += batch.count;
        sample.payload += bytes.length;
        sample.gzip += gzipSync(bytes, { level: 6 }).length;
      }
      if (spans >= rowGroups * ROW_GROUP) break;
    }
    const files = await stitchedFiles(directory);
    const segment = files.find(([path]) => path.endsWith('.parquet'))?.[0] ?? '';
    const figure = (name: string, isOne: (path: string) => boolean): Figure => {
      const bytes = files.reduce((sum, [path, size]) => sum + (isOne(path) ? size : 0), 0);
      return { claim: 'store', name, value: bytes / spans, unit: 'B/span' };
    };
    const isLog = (path: string) => path.endsWith('.wal');
    const isIndex = (path: string) => path === indexPathOf(segment);
    const isSpent = (path: string) => path.endsWith('.idx') && !isIndex(path);
    const all = figure('on disk, stitched', (path) => !isLog(path) && !isSpent(path));
    const ratio = (all.value * sample.spans) / sample.gzip;
    const shrinks = sample.payload / sample.gzip;
    return [
      { ...all, baseline: 'payload by gzip-6', ratio },
      figure('of that: segment', (path) => path === segment),
      figure('of that: its index', isIndex),
      // Both are of a size that does not grow with the store, and go by themselves.
      figure('besides: hashes of the last minutes', isSpent),
      figure('besides: the log, one file', isLog),
      { claim: 'store', name: 'payload by gzip-6', value: shrinks, unit: 'times smaller' },
    ];
  } finally {
    await backend.close();
    await rm(directory, { recursive: true });
  }
}

type Sized = [path: string, bytes: number];

/** Once there is one data file. */
async function stitchedFiles(directory: string): Promise<Sized[]> {
  const endMs = performance.now() + STITCHED_WITHIN_MS;
  for (;;) {
    const files = await sizesIn(directory);
    if (files.filter(([path]) => path.endsWith('.parquet')).length === 1) return files;
    if (performance.now() > endMs) throw new Error('the flushes were not stitched in time');
    await setTimeout(500);
  }
}

async function sizesIn(directory: string): Promise<Sized[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sized = files.map(async ({ parentPath, name }): Promise<Sized> => {
    const path = join(parentPath, name);
    return [path, (await stat(path)).size];
  });
  return Promise.all(sized);
}

/** Another for each call: no batch is a resend of another. */
let lastSeed = 1;

function batchesOf(batchSize: number, spans: number): SpanBatch[] {
  const templates = makeTemplates({
    seed: 1,
    batchSize,
    batches: 40,
    layout: 'sdk',
    isExact: true,
  });
  const payloads = new Payloads(templates, ++lastSeed);
  return Array.from({ length: Math.ceil(spans / batchSize) }, () =>
    decodeTraces(payloads.next(Date.now()).bytes),
  );
}

function steps(batchSize: number): Figure[] {
  const batches = batchesOf(batchSize, 20_000);
  const spans = batches.reduce((sum, batch) => sum + batch.count, 0);
  const hashes = batches.map((batch) => identityHashes(batch, [1, 2]));
  const catalogue = new Catalogue();
  const seen = new SeenSpans({ windowMs: 1e9, spansMax: 1e6 }, 0);
  const cases: [name: string, work: () => void][] = [
    ['frame written', () => batches.forEach((batch) => encodeFrame(batch))],
    ['identity hashes', () => batches.forEach((batch) => identityHashes(batch, [1, 2]))],
    [
      'resends looked up',
      () => {
        for (const words of hashes) {
          for (let i = 0; i < words.length; i += 2) seen.add(words[i]!, words[i + 1]!);
        }
      },
    ],
    ['catalogue', () => batches.forEach((batch) => catalogue.add(batch, 0))],
  ];
  return cases.map(([name, work]) => ({
    claim: 'store',
    name: `${name}, ${batchSize} spans`,
    value: cpuNanoPerItem(spans, work),
    unit: 'cpu-ns/span',
  }));
}

/** Writes everything, so many requests at a time. */
async function whole(batchSize: number, spans: number): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-bench-store-'));
  const config = EmbeddedConfig.parse({ directory });
  const backend = await openEmbedded(config, { clock: systemClock, logger: silentLogger });
  const write = (batch: SpanBatch) => backend.writer.write(batch);
  try {
    await lanes(batchesOf(batchSize, 40_000), 16, write);
    const batches = batchesOf(batchSize, spans);
    const count = batches.reduce((sum, batch) => sum + batch.count, 0);
    const before = process.cpuUsage();
    const acks = await lanes(batches, 16, write);
    const { user, system } = process.cpuUsage(before);
    const disk = syncedWrites(batchSize * 600, 200);
    const lone = await lanes(batchesOf(batchSize, 200 * batchSize), 1, write);
    const name = (what: string) => `${what}, ${batchSize} spans`;
    const compared = (what: string, value: number, base: number): Figure => ({
      claim: 'store',
      name: name(what),
      value,
      unit: 'ms',
      baseline: 'the disk alone',
      ratio: value / base,
    });
    return [
      {
        claim: 'store',
        name: name('written'),
        value: count / ((user + system) / 1e6),
        unit: 'spans/cpu-s',
      },
      compared('ack p50, 16 at once', percentile(acks, 0.5), disk.p50Ms),
      compared('ack p99, 16 at once', percentile(acks, 0.99), disk.p99Ms),
      compared('ack p50, one at a time', percentile(lone, 0.5), disk.p50Ms),
      compared('ack p99, one at a time', percentile(lone, 0.99), disk.p99Ms),
    ];
  } finally {
    await backend.close();
    await rm(directory, { recursive: true });
  }
}

async function lanes(
  batches: readonly SpanBatch[],
  count: number,
  write: (batch: SpanBatch) => Promise<void>,
): Promise<number[]> {
  const acks: number[] = [];
  let next = 0;
  const lane = async () => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
      const before = performance.now();
      await write(batch);
      acks.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: count }, lane));
  return acks;
}
