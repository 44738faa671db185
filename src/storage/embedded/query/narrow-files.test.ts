import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { intrinsic, type Filter } from '../../../filter/ast.ts';
import { compileFilter } from '../../../filter/evaluate.ts';
import { countTraceConditions } from '../../../filter/trace-conditions.ts';
import { encodeFrame } from '../../../model/batch/frame.ts';
import type { SpanBatch } from '../../../model/batch/span-batch.ts';
import { SpanView } from '../../../model/batch/view.ts';
import { type PlainSpan, spans, text } from '../../conformance/plain-spans.ts';
import { Encoder } from '../encode/encoder.ts';
import type { DataFile } from '../manifest.ts';
import { narrowFiles } from './narrow-files.ts';
import { Random, randomFilter, randomSpan } from './random-spans.fixture.ts';

let directory: string;
let encoder: Encoder;
let files = 0;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-narrow-'));
  encoder = new Encoder({ seed: 1 });
});
afterAll(async () => {
  await encoder.close();
  rmSync(directory, { recursive: true });
});

/** One file, a row group for each of the batches. */
async function store(batches: readonly SpanBatch[]): Promise<DataFile> {
  const flushes: DataFile[] = [];
  for (const batch of batches) {
    const frame = encodeFrame(batch);
    encoder.append('t', { walSeq: 1, frame, hashes: new Uint32Array(0) });
    flushes.push(await encoder.flush('t', { directory, from: ++files }));
  }
  return encoder.stitch(flushes, join(directory, `segment-${++files}.parquet`));
}

/** When the spans that match start, within what narrowing leaves; undefined when it leaves nothing. */
async function narrowed(file: DataFile, filter: Filter) {
  const [left] = await narrowFiles([file], filter);
  return left && (left.starts ?? 'any');
}

function startsOfMatching(batches: readonly SpanBatch[], filter: Filter): bigint[] {
  const matches = compileFilter(filter);
  return batches.flatMap((batch) => {
    const view = new SpanView(batch);
    return Array.from({ length: batch.count }, (_, row) => row)
      .filter((row) => matches(view.at(row)))
      .map((row) => view.at(row).startNano);
  });
}

test('whatever the filter, spans that match are left', { timeout: 60_000 }, async () => {
  const random = new Random(11);
  const batches = Array.from({ length: 6 }, () =>
    spans(
      't',
      Array.from({ length: 6 }, () => randomSpan(random)),
    ),
  );
  const file = await store(batches);
  let ruledOut = 0;
  for (let i = 0; i < 3000; i++) {
    const filter = randomFilter(random, 2);
    if (countTraceConditions(filter) > 0) continue;
    const left = await narrowed(file, filter);
    if (left !== 'any') ruledOut++;
    for (const start of startsOfMatching(batches, filter)) {
      expect(left).toBeDefined();
      if (left === undefined || left === 'any') continue;
      expect(start >= left.startNano && start < left.endNano).toBe(true);
    }
  }
  expect(ruledOut).toBeGreaterThan(30);
});

const START = 1_700_000_000_000_000_000n;

function shopSpans(rowGroup: number): PlainSpan[] {
  return Array.from({ length: 50 }, (_, i) => ({
    startNano: START + BigInt(rowGroup * 1000 + i),
    name: `op-${rowGroup}`,
    service: 'cart',
    attributes: [
      ['id', text(`${rowGroup}-${i}`)],
      ['all', text('same')],
    ],
    events: [{ name: 'e', attributes: [['in.event', text('x')]] }],
  }));
}

const tag = (key: string, value: string): Filter => ({ op: 'looseEquals', key, text: value });
const name = (value: string): Filter => ({
  op: 'compare',
  field: intrinsic('name'),
  by: '=',
  value,
});

test('a value narrows a file to the row groups that may have it', async () => {
  const file = await store([0, 1, 2, 3].map((group) => spans('t', shopSpans(group))));
  const only = (rowGroup: number) => ({
    startNano: START + BigInt(rowGroup * 1000),
    endNano: START + BigInt(rowGroup * 1000 + 50),
  });
  expect(await narrowed(file, tag('id', '2-7'))).toEqual(only(2));
  expect(await narrowed(file, name('op-1'))).toEqual(only(1));
  const both: Filter = { op: 'and', of: [tag('id', '2-7'), name('op-1')] };
  expect(await narrowed(file, both)).toBeUndefined();
  const either: Filter = { op: 'or', of: [tag('id', '1-7'), name('op-2')] };
  const range = { startNano: only(1).startNano, endNano: only(2).endNano };
  expect(await narrowed(file, either)).toEqual(range);
  expect(await narrowed(file, tag('id', 'nowhere'))).toBeUndefined();
  expect(await narrowed(file, tag('no.such.key', 'x'))).toBeUndefined();
  const everywhere = { startNano: only(0).startNano, endNano: only(3).endNano };
  expect(await narrowed(file, tag('all', 'same'))).toEqual(everywhere);
});

test('what the filters cannot tell may be anywhere', async () => {
  const file = await store([0, 1].map((group) => spans('t', shopSpans(group))));
  expect(await narrowed(file, tag('in.event', 'nowhere'))).toBe('any');
  expect(await narrowed(file, { op: 'not', of: tag('id', 'nowhere') })).toBe('any');
  expect(await narrowed(file, tag('error', 'true'))).toBe('any');
  expect(await narrowed({ ...file, index: undefined }, tag('id', 'nowhere'))).toBe('any');
});
