/** Batches to frames (the WAL's records) and to OTLP, against zlib on the same payload. */

import { gzipSync } from 'node:zlib';
import { makeTemplates } from '../src/cli/loadgen/templates.ts';
import { decodeFrame, encodeFrame } from '../src/model/batch/frame.ts';
import { gather } from '../src/model/batch/gather.ts';
import { encodeTraces } from '../src/wire/otlp-proto/encode.ts';
import { decodeTraces } from '../src/wire/otlp-proto/decode.ts';
import { TracesData } from '../src/wire/otlp-proto/oracle.fixture.ts';
import { cpuNanoPerItem } from './cpu-time.ts';
import type { Figure } from './report.ts';

export async function run(): Promise<Figure[]> {
  const templates = makeTemplates({
    seed: 1,
    batchSize: 512,
    batches: 40,
    layout: 'sdk',
    isExact: true,
  });
  const batches = templates.map(({ bytes }) => decodeTraces(bytes));
  const frames = batches.map((batch) => encodeFrame(batch));
  const objects = templates.map(({ bytes }) => TracesData.decode(bytes));
  const spans = batches.reduce((sum, batch) => sum + batch.count, 0);
  const payload = templates.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const framed = frames.reduce((sum, frame) => sum + frame.length, 0);
  const half = Uint32Array.from({ length: 256 }, (_, i) => i * 2);
  const gzip = cpuNanoPerItem(spans, () => templates.forEach(({ bytes }) => gzipSync(bytes)));
  const theirs = cpuNanoPerItem(spans, () =>
    objects.forEach((one) => TracesData.encode(one).finish()),
  );
  const cases: [name: string, work: () => void][] = [
    ['frame written', () => batches.forEach((batch) => encodeFrame(batch))],
    ['frame read', () => frames.forEach((frame) => decodeFrame(frame))],
    ['half gathered, framed', () => batches.forEach((batch) => encodeFrame(gather(batch, half)))],
    ['OTLP written', () => batches.forEach((batch) => encodeTraces([batch]))],
  ];
  const figures = cases.map(([name, work]): Figure => {
    const nano = cpuNanoPerItem(spans, work);
    const isOtlp = name.startsWith('OTLP');
    return {
      claim: 'encode',
      name,
      value: 1e9 / nano,
      unit: 'spans/cpu-s',
      baseline: isOtlp ? 'protobufjs' : 'gzip -6 of the payload',
      ratio: (isOtlp ? theirs : gzip) / nano,
    };
  });
  const size: Figure = {
    claim: 'encode',
    name: 'frame',
    value: framed / spans,
    unit: 'B/span',
    baseline: 'payload',
    ratio: framed / payload,
  };
  return [...figures, size];
}
