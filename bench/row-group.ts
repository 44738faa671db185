/** Claim: turning frames into a row group with its index costs at most 2.5 µs of CPU a span, and
 *  all files together take at most 45 bytes a span after stitching, on data whose payload gzip-6
 *  shrinks 5.0 to 5.8 times, with random ids. Baseline of the ratio: gzip-1 of the same payload. */

import { gzipSync } from 'node:zlib';
import { Random } from '../src/cli/loadgen/random.ts';
import { SpanWriter } from '../src/cli/loadgen/span-writer.ts';
import { TraceMaker } from '../src/cli/loadgen/trace-maker.ts';
import { decodeFrame, encodeFrame } from '../src/model/batch/frame.ts';
import type { SpanBatch } from '../src/model/batch/span-batch.ts';
import { columnSizesIn } from '../src/storage/embedded/column-sizes.ts';
import { encodeRows, joinFiles } from '../src/storage/embedded/encode/file-builder.ts';
import { IndexWriter } from '../src/storage/embedded/encode/index-writer.ts';
import { RowGroupEncoder } from '../src/storage/embedded/encode/row-group.ts';
import { RowCollector } from '../src/storage/embedded/encode/rows.ts';
import { footerOf } from '../src/storage/embedded/parquet/stitch.ts';
import { type Claim, type Figure, printTable } from './report.ts';
import { encodeTraces } from '../src/wire/otlp-proto/encode.ts';

const ROW_GROUP = 32_768;
const COLUMNS_SHOWN = 14;
const PARTS = ['append', 'encode', 'index'] as const;
const START = 1_700_000_000_000_000_000n;

export interface EncodeFigures {
  readonly spans: number;
  /** CPU, µs a span. */
  readonly appendMicros: number;
  readonly encodeMicros: number;
  readonly indexMicros: number;
  readonly stitchMicros: number;
  /** Bytes a span. */
  readonly parquetBytes: number;
  readonly indexBytes: number;
  /** The same before stitching; without the hashes that tell a resend after a restart. */
  readonly flushBytes: number;
  readonly payloadBytes: number;
  readonly gzip6Ratio: number;
  /** The same payload by gzip-1: CPU, µs a span. */
  readonly baselineMicros: number;
  readonly bytesOfColumn: ReadonlyMap<string, number>;
}

/** Batches as SDKs send them: 512 spans, one resource each, traces a millisecond apart. */
export function sdkBatches(spans: number, batchSize = 512): SpanBatch[] {
  const batches: SpanBatch[] = [];
  for (const some of batchesForEver(batchSize)) {
    batches.push(...some);
    if (batches.length * batchSize >= spans) break;
  }
  return batches;
}

/** The same, as many as there are after each trace. */
export function* batchesForEver(batchSize = 512): Generator<SpanBatch[]> {
  let batches: SpanBatch[] = [];
  const writers = new Map<number, SpanWriter>();
  const maker = new TraceMaker(new Random(42), (span) => {
    const writer = writers.get(span.pod) ?? new SpanWriter();
    writers.set(span.pod, writer);
    writer.add(span);
    if (writer.count === batchSize) batches.push(writer.seal());
  });
  for (let i = 0; ; i++) {
    maker.make(START + BigInt(i) * 1_000_000n);
    if (batches.length === 0) continue;
    yield batches;
    batches = [];
  }
}

export async function measureEncode(spans = 8 * ROW_GROUP): Promise<EncodeFigures> {
  const batches = sdkBatches(spans);
  const frames = batches.map(encodeFrame);
  const rows = new RowCollector(1);
  const encoder = new RowGroupEncoder(rows);
  let flushBytes = 0;
  const cpu = { append: 0, encode: 0, index: 0, baseline: 0 };
  // Of each row group; the cheapest counts, since others on the machine only add.
  const best = { append: Infinity, encode: Infinity, index: Infinity };
  const time = <T>(part: keyof typeof cpu, work: () => T): T => {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    cpu[part] += user + system;
    return result;
  };
  const inputs: ReturnType<typeof encodeRows>[] = [];
  const flush = (): void => {
    const from = inputs.length + 1;
    const facts = { tenant: 'default', from, to: from, walTo: from, writtenAtMs: 0 };
    const file = time('encode', () => encodeRows(rows, encoder, facts));
    time('index', () => {
      const index = new IndexWriter();
      for (const entry of file.entries) index.add(entry);
      const { red, values } = file;
      const { length } = index.finish(file.header, { red, values: [values] });
      flushBytes += length + file.parquet.length;
    });
    inputs.push({ ...file, parquet: file.parquet.slice() });
    if (rows.count >= ROW_GROUP) {
      for (const part of PARTS) best[part] = Math.min(best[part], cpu[part] / rows.count);
    }
    for (const part of PARTS) cpu[part] = 0;
    rows.reset();
  };
  for (const round of ['warm', 'warm', 'counted']) {
    if (round === 'counted') inputs.length = flushBytes = 0;
    frames.forEach((frame, i) => {
      time('append', () => rows.add(decodeFrame(frame), i));
      if (rows.count >= ROW_GROUP) flush();
    });
    if (rows.count > 0) flush();
  }
  const total = batches.reduce((sum, batch) => sum + batch.count, 0);
  const parts: Uint8Array[] = [];
  const before = process.cpuUsage();
  const { index } = await joinFiles(
    inputs.map(({ header, entries, parquet, red, values }) => ({
      header,
      red: () => red,
      values: () => [values],
      entries: () => entries,
      parquet: () => Promise.resolve(parquet),
    })),
    async (written) => void parts.push(...written.map((part) => part.slice())),
  );
  const { user, system } = process.cpuUsage(before);
  const segment = Buffer.concat(parts);
  const payload = batches.slice(0, 64).map((batch) => encodeTraces([batch]));
  const payloadBytes = payload.reduce((sum, { length }) => sum + length, 0);
  const gzip6 = payload.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 6 }).length, 0);
  time('baseline', () => payload.forEach((bytes) => gzipSync(bytes, { level: 1 })));
  const payloadSpans = batches.slice(0, 64).reduce((sum, batch) => sum + batch.count, 0);
  return {
    spans: total,
    appendMicros: best.append,
    encodeMicros: best.encode,
    indexMicros: best.index,
    stitchMicros: (user + system) / total,
    parquetBytes: segment.length / total,
    indexBytes: index.length / total,
    flushBytes: flushBytes / total,
    payloadBytes: payloadBytes / payloadSpans,
    gzip6Ratio: payloadBytes / gzip6,
    baselineMicros: cpu.baseline / payloadSpans,
    bytesOfColumn: columnBytes(segment, total),
  };
}

function columnBytes(file: Uint8Array, spans: number): Map<string, number> {
  const { columns, footerBytes } = columnSizesIn(footerOf(file), file.length);
  const sizes = [...columns].map(([name, { bytes }]) => [name, bytes / spans] as const);
  return new Map([...sizes, ['(footer)', footerBytes / spans]]);
}

export const run: Claim = async ({ isQuick }) => {
  const found = await measureEncode((isQuick ? 2 : 8) * ROW_GROUP);
  const micros = found.appendMicros + found.encodeMicros + found.indexMicros;
  const figure = (name: string, value: number, unit: string): Figure => ({
    claim: 'row-group',
    name,
    value,
    unit,
  });
  return [
    {
      ...figure('frame to row group and index', micros, 'µs CPU/span'),
      baseline: 'gzip-1 of the payload',
      ratio: micros / found.baselineMicros,
    },
    figure('of that: collect rows', found.appendMicros, 'µs CPU/span'),
    figure('of that: encode columns', found.encodeMicros, 'µs CPU/span'),
    figure('of that: index', found.indexMicros, 'µs CPU/span'),
    figure('stitch', found.stitchMicros, 'µs CPU/span'),
    {
      ...figure('all files, stitched', found.parquetBytes + found.indexBytes, 'B/span'),
      baseline: 'payload by gzip-6',
      ratio: ((found.parquetBytes + found.indexBytes) * found.gzip6Ratio) / found.payloadBytes,
    },
    figure('flushes, before that', found.flushBytes, 'B/span'),
    figure('payload', found.payloadBytes, 'B/span'),
    figure('payload by gzip-6', found.gzip6Ratio, 'times smaller'),
    ...[...found.bytesOfColumn]
      .slice(0, COLUMNS_SHOWN)
      .map(([name, bytes]) => figure(`column ${name}`, bytes, 'B/span')),
  ];
};

if (import.meta.main) printTable(await run({ isQuick: process.argv.includes('--quick') }));
