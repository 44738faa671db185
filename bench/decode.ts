/** OTLP requests to sealed batches, against protobufjs making objects of the same bytes. */

import { gunzipSync, gzipSync } from 'node:zlib';
import { makeTemplates } from '../src/cli/loadgen/templates.ts';
import { encodeTraces as encodeJson } from '../src/wire/otlp-json/encode.ts';
import { decodeTracesJson } from '../src/wire/otlp-json/decode.ts';
import { decodeTraces } from '../src/wire/otlp-proto/decode.ts';
import { TracesData } from '../src/wire/otlp-proto/oracle.fixture.ts';
import { cpuNanoPerItem } from './cpu-time.ts';
import type { Figure, Options } from './report.ts';

const CASES = [
  { name: 'sdk, 512 spans', batchSize: 512, batches: 80, layout: 'sdk' },
  { name: 'sdk, 50 spans', batchSize: 50, batches: 400, layout: 'sdk' },
  { name: 'collector, 8192 spans', batchSize: 8192, batches: 6, layout: 'collector' },
] as const;

export async function run({ isQuick }: Options): Promise<Figure[]> {
  return CASES.slice(0, isQuick ? 1 : CASES.length).flatMap(measure);
}

function measure({ name, ...shape }: (typeof CASES)[number]): Figure[] {
  const templates = makeTemplates({ seed: 1, isExact: true, ...shape });
  const requests = templates.map(({ bytes }) => bytes);
  const spans = templates.reduce((sum, template) => sum + template.spans, 0);
  const each = (work: (bytes: Uint8Array) => unknown, inputs = requests) =>
    cpuNanoPerItem(spans, () => inputs.forEach((bytes) => work(bytes)));
  const ours = each((bytes) => decodeTraces(bytes));
  const theirs = each((bytes) => TracesData.decode(bytes));
  const zipped = requests.map((bytes) => gzipSync(bytes));
  const chunkSize = Math.min(320 * 1024, requests[0]?.length ?? 0);
  const unzip = each((bytes) => gunzipSync(bytes, { chunkSize }), zipped);
  const figure = (what: string, nano: number): Figure => ({
    claim: 'decode',
    name: `${what}, ${name}`,
    value: 1e9 / nano,
    unit: 'spans/cpu-s',
    baseline: 'protobufjs',
    ratio: theirs / nano,
  });
  const figures = [figure('protobuf', ours), figure('gunzip alone', unzip)];
  if (shape.batchSize !== 512) return figures;
  const texts = requests.map((bytes) => Buffer.from(encodeJson([decodeTraces(bytes)])));
  const parse = each((text) => JSON.parse(Buffer.from(text).toString()), texts);
  const json = each((text) => decodeTracesJson(text), texts);
  return [...figures, { ...figure('JSON', json), baseline: 'JSON.parse', ratio: parse / json }];
}
