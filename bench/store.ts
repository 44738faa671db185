/** The store's write path: what each of its steps costs the main thread, and all of it together
 *  against a real disk, with the encoder's thread at work. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTemplates, Payloads } from '../src/cli/loadgen/templates.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/logger.ts';
import { encodeFrame } from '../src/model/batch/frame.ts';
import type { SpanBatch } from '../src/model/batch/span-batch.ts';
import { openEmbedded } from '../src/storage/embedded/backend.ts';
import { Catalogue } from '../src/storage/embedded/catalogue.ts';
import { EmbeddedConfig } from '../src/storage/embedded/config.ts';
import { identityHashes } from '../src/storage/embedded/identity.ts';
import { SeenSpans } from '../src/storage/embedded/seen-spans.ts';
import { decodeTraces } from '../src/wire/otlp-proto/decode.ts';
import { cpuNanoPerItem } from './cpu-time.ts';
import { syncedWrites } from './disk.ts';
import { type Figure, type Options, percentile } from './report.ts';

export async function run({ isQuick }: Options): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const batchSize of isQuick ? [512] : [512, 50]) {
    figures.push(...steps(batchSize), ...(await whole(batchSize, isQuick ? 100_000 : 300_000)));
  }
  return figures;
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
