/** Claim: turning frames into a row group with its index costs at most 2.5 µs of CPU a span, and
 *  all files together take at most 50 bytes a span after stitching, on data whose payload gzip-6
 *  shrinks 5.0 to 5.8 times, with random ids. Baseline of the ratio: gzip-1 of the same payload. */

import { gzipSync } from 'node:zlib';
import { Random } from '../src/cli/loadgen/random.ts';
import { SpanWriter } from '../src/cli/loadgen/span-writer.ts';
import { TraceMaker } from '../src/cli/loadgen/trace-maker.ts';
import { decodeFrame, encodeFrame } from '../src/model/batch/frame.ts';
import type { SpanBatch } from '../src/model/batch/span-batch.ts';
import { encodeRows, joinFiles } from '../src/storage/embedded/encode/file-builder.ts';
import { IndexWriter } from '../src/storage/embedded/encode/index-writer.ts';
import { RowGroupEncoder } from '../src/storage/embedded/encode/row-group.ts';
import { RowCollector } from '../src/storage/embedded/encode/rows.ts';
import { footerOf } from '../src/storage/embedded/parquet/stitch.ts';
import { numberField, structField } from '../src/storage/embedded/parquet/thrift.ts';
import { encodeTraces } from '../src/wire/otlp-proto/encode.ts';

const ROW_GROUP = 32_768;
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
  readonly payloadBytes: number;
  readonly gzip6Ratio: number;
  /** The same payload by gzip-1: CPU, µs a span. */
  readonly baselineMicros: number;
  readonly bytesOfColumn: ReadonlyMap<string, number>;
}

/** Batches as SDKs send them: 512 spans, one resource each, traces a millisecond apart. */
export function sdkBatches(spans: number, batchSize = 512): SpanBatch[] {
  const batches: SpanBatch[] = [];
  const writers = new Map<number, SpanWriter>();
  const maker = new TraceMaker(new Random(42), (span) => {
    const writer = writers.get(span.pod) ?? new SpanWriter();
    writers.set(span.pod, writer);
    writer.add(span);
    if (writer.count === batchSize) batches.push(writer.seal());
  });
  for (let i = 0; batches.length * batchSize < spans; i++) {
    maker.make(START + BigInt(i) * 1_000_000n);
  }
  return batches;
}

export async function measureEncode(spans = 8 * ROW_GROUP): Promise<EncodeFigures> {
  const batches = sdkBatches(spans);
  const frames = batches.map(encodeFrame);
  const rows = new RowCollector(1);
  const encoder = new RowGroupEncoder(rows);
  const cpu = { append: 0, encode: 0, index: 0, stitch: 0, baseline: 0 };
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
      index.finish(file.header);
    });
    inputs.push({ ...file, parquet: file.parquet.slice() });
    rows.reset();
  };
  // The first round warms the compiler up and is not counted.
  for (const round of ['warm', 'counted']) {
    if (round === 'counted') {
      for (const part of Object.keys(cpu) as (keyof typeof cpu)[]) cpu[part] = 0;
      inputs.length = 0;
    }
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
    inputs.map(({ header, entries, parquet }) => ({
      header,
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
    appendMicros: cpu.append / total,
    encodeMicros: cpu.encode / total,
    indexMicros: cpu.index / total,
    stitchMicros: (user + system) / total,
    parquetBytes: segment.length / total,
    indexBytes: index.length / total,
    payloadBytes: payloadBytes / payloadSpans,
    gzip6Ratio: payloadBytes / gzip6,
    baselineMicros: cpu.baseline / payloadSpans,
    bytesOfColumn: columnBytes(segment, total),
  };
}

function columnBytes(file: Uint8Array, spans: number): Map<string, number> {
  const bytes = new Map<string, number>();
  const { specs, rowGroups } = footerOf(file);
  for (const { chunks } of rowGroups) {
    chunks.forEach((chunk, i) => {
      const name = specs[i]!.name;
      bytes.set(name, (bytes.get(name) ?? 0) + numberField(structField(chunk, 3), 7) / spans);
    });
  }
  const inColumns = [...bytes.values()].reduce((sum, one) => sum + one, 0);
  bytes.set('(footer)', file.length / spans - inColumns);
  return new Map([...bytes].toSorted(([, a], [, b]) => b - a));
}

export function printEncode(figures: EncodeFigures): void {
  const { bytesOfColumn, ...numbers } = figures;
  const { appendMicros, encodeMicros, indexMicros, parquetBytes, indexBytes } = numbers;
  const micros = appendMicros + encodeMicros + indexMicros;
  console.log(
    `encode: ${micros.toFixed(2)} µs/span (append ${appendMicros.toFixed(2)}, row group ` +
      `${encodeMicros.toFixed(2)}, index ${indexMicros.toFixed(2)}); stitch ` +
      `${numbers.stitchMicros.toFixed(2)}; ${(micros / numbers.baselineMicros).toFixed(2)} x gzip-1`,
  );
  console.log(
    `size: ${(parquetBytes + indexBytes).toFixed(1)} B/span (parquet ${parquetBytes.toFixed(1)}, ` +
      `index ${indexBytes.toFixed(1)}) of ${numbers.payloadBytes.toFixed(0)} B payload, which ` +
      `gzip-6 shrinks ${numbers.gzip6Ratio.toFixed(2)} times; ${numbers.spans} spans`,
  );
  const largest = [...bytesOfColumn].slice(0, Number(process.env['COLUMNS_SHOWN'] ?? 12));
  console.log(largest.map(([name, bytes]) => `${name} ${bytes.toFixed(2)}`).join(' · '));
}

if (import.meta.main) printEncode(await measureEncode());
