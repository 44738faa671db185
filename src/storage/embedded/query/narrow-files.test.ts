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

/** The rows that narrowing leaves; undefined when it leaves nothing. */
async function narrowed(file: DataFile, filter: Filter) {
  const [left] = await narrowFiles([file], filter);
  return left && (left.rows ?? 'any');
}

/** Row groups in which a span matches. */
function matchingIn(batches: readonly SpanBatch[], filter: Filter): number[] {
  const matches = compileFilter(filter);
  return batches.flatMap((batch, rowGroup) => {
    const view = new SpanView(batch);
    const rows = Array.from({ length: batch.count }, (_, row) => row);
    return rows.some((row) => matches(view.at(row))) ? [rowGroup] : [];
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
    for (const rowGroup of matchingIn(batches, filter)) {
      expect(left).toBeDefined();
      if (left === undefined || left === 'any') continue;
      expect(left.some(({ from, to }) => from <= rowGroup * 6 && to >= rowGroup * 6 + 6)).toBe(
        true,
      );
    }
  }
  expect(ruledOut).toBeGreaterThan(10);
});

const START = 1_700_000_000_000_000_000n;

function shopSpans(rowGroup: number): PlainSpan[] {
  return Array.from({ length: 50 }, (_, i) => ({
    startNano: START + BigInt(rowGroup * 1000 + i),
    name: `step ${rowGroup}`,
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
  const groups = [0, 1, 2, 3, 4, 5, 6, 7];
  const file = await store(groups.map((group) => spans('t', shopSpans(group))));
  const only = (first: number, last = first) => ({ from: first * 50, to: last * 50 + 50 });
  expect(await narrowed(file, tag('id', '2-7'))).toEqual([only(2)]);
  expect(await narrowed(file, name('step 1'))).toEqual([only(1)]);
  const both: Filter = { op: 'and', of: [tag('id', '2-7'), name('step 1')] };
  expect(await narrowed(file, both)).toBeUndefined();
  const near: Filter = { op: 'or', of: [tag('id', '1-7'), name('step 3')] };
  expect(await narrowed(file, near)).toEqual([only(1, 3)]);
  const far: Filter = { op: 'or', of: [tag('id', '1-7'), name('step 7')] };
  expect(await narrowed(file, far)).toEqual([only(1), only(7)]);
  expect(await narrowed(file, tag('id', 'nowhere'))).toBeUndefined();
  expect(await narrowed(file, tag('no.such.key', 'x'))).toBeUndefined();
  expect(await narrowed(file, tag('all', 'same'))).toEqual([only(0, 7)]);
});

test('what the filters cannot tell may be anywhere', async () => {
  const file = await store([0, 1].map((group) => spans('t', shopSpans(group))));
  expect(await narrowed(file, tag('in.event', 'nowhere'))).toBe('any');
  expect(await narrowed(file, { op: 'not', of: tag('id', 'nowhere') })).toBe('any');
  expect(await narrowed(file, tag('error', 'true'))).toBe('any');
  expect(await narrowed(file, tag('id', '10.0.0.1'))).toBe('any');
  expect(await narrowed({ ...file, index: undefined }, tag('id', 'nowhere'))).toBe('any');
});

test('a file that traces were deleted from still tells where values may be', async () => {
  const traceId = 'dd'.repeat(16);
  const groups = [0, 1, 2].map((group) => {
    const [first = {}, ...others] = shopSpans(group);
    return spans('t', [group === 1 ? { ...first, traceId } : first, ...others]);
  });
  const file = await store(groups);
  const hidden = { ...file, deleted: new Set([traceId]) };
  const path = join(directory, `segment-${file.from}-${file.to}.1.parquet`);
  const left = await encoder.rewrite(hidden, path, [1, 2]);
  if (left === undefined) throw new Error('nothing is left');
  expect(await narrowed(left, tag('id', '0-7'))).toEqual([{ from: 0, to: 50 }]);
  expect(await narrowed(left, tag('id', '1-7'))).toEqual([{ from: 50, to: 99 }]);
  expect(await narrowed(left, tag('id', '2-7'))).toEqual([{ from: 99, to: 149 }]);
  expect(await narrowed(left, tag('id', 'nowhere'))).toBeUndefined();
});
