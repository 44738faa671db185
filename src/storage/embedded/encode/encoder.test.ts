/** The encoder through its thread: files, indices, stitching, failures. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeFrame } from '../../../model/batch/frame.ts';
import { type PlainSpan, spans, text } from '../../conformance/plain-spans.ts';
import { type HashSeed, identityHashes } from '../identity.ts';
import { openIndex } from '../index-file.ts';
import type { SegmentIndex } from '../segment-index.ts';
import { openDataFile } from './data-file.ts';
import { Encoder } from './encoder.ts';

const SEED: HashSeed = [7, 9];
const START = 1_700_000_000_000_000_000n;
let folder: string;
let encoder: Encoder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spoor-encoder-'));
  encoder = new Encoder({ seed: 1 });
});
afterEach(async () => {
  await encoder.close();
  rmSync(folder, { recursive: true });
});

function append(tenant: string, walSeq: number, plain: readonly PlainSpan[]): Uint32Array {
  const batch = spans(tenant, plain);
  const hashes = identityHashes(batch, SEED);
  encoder.append(tenant, {
    walSeq,
    frame: encodeFrame(batch),
    hashes,
  });
  return hashes;
}

const traceId = (n: number): string => n.toString(16).padStart(32, '0');
const spanId = (n: number): string => n.toString(16).padStart(16, '0');
const idBytes = (n: number): Buffer => Buffer.from(traceId(n), 'hex');
const flush = (tenant: string, from: number) => encoder.flush(tenant, { directory: folder, from });

async function namesIn(path: string): Promise<unknown[]> {
  const rows = await parquetReadObjects({
    file: new Uint8Array(readFileSync(path)).buffer,
    compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) },
  });
  return rows.map((row) => row['name']);
}

function summary(index: SegmentIndex | undefined, trace: number) {
  const position = index!.find(idBytes(trace));
  return position < 0 ? undefined : index!.summaryAt(position);
}

test('a flush holds what was appended before it, of its tenant', async () => {
  const first = append('a', 5, [{ name: 'one' }]);
  append('b', 6, [{ name: 'other tenant' }]);
  const second = append('a', 7, [{ name: 'two' }, { name: 'three' }]);
  const flushing = flush('a', 3);
  append('a', 8, [{ name: 'later' }]);
  const file = await flushing;
  expect(file).toMatchObject({ kind: 'flush', from: 3, to: 3, rows: 3, rowGroups: 1, walTo: 7 });
  expect(file.path).toBe(join(folder, '3-3.parquet'));
  expect(new Set(await namesIn(file.path))).toEqual(new Set(['one', 'two', 'three']));
  expect(file.index!.header.tenant).toBe('a');
  const hashes = new Uint32Array(file.index!.hashes().buffer);
  expect([...hashes]).toEqual([...first, ...second]);
  expect(await namesIn((await flush('a', 4)).path)).toEqual(['later']);
});

test('a snapshot leaves the rows where they are', async () => {
  expect(await encoder.snapshot('a', join(folder, '1.parquet'))).toBeUndefined();
  append('a', 1, [{ name: 'one' }]);
  const fresh = await encoder.snapshot('a', join(folder, '2.parquet'));
  expect(fresh).toMatchObject({ kind: 'fresh', rows: 1, walTo: 1 });
  expect(fresh!.columns).toContainEqual({ kind: 'fixed', name: 'wal_seq' });
  append('a', 2, [{ name: 'two' }]);
  const fresher = await encoder.snapshot('a', join(folder, '3.parquet'));
  expect(fresher!.rows).toBe(2);
  expect((await flush('a', 1)).rows).toBe(2);
});

test('summaries and look-up by trace id', async () => {
  const span = (trace: number, id: number, more: PlainSpan = {}): PlainSpan => ({
    traceId: traceId(trace),
    spanId: spanId(id),
    startNano: START + BigInt(id),
    endNano: START + 100n,
    service: 'web',
    ...more,
  });
  append('a', 1, [
    span(1, 12, { parentSpanId: spanId(11), name: 'child', service: 'db', status: 2 }),
    span(1, 11, { name: 'root', endNano: START + 500n }),
    span(2, 5, { parentSpanId: spanId(4), name: 'orphan' }),
    span(2, 6, { parentSpanId: spanId(4), name: 'orphan' }),
    // The parent is there, but in another trace.
    span(3, 7, { parentSpanId: spanId(11), name: 'stray' }),
  ]);
  const { index } = await flush('a', 1);
  expect(index!.traceCount).toBe(3);
  expect(summary(index, 1)).toEqual({
    traceId: traceId(1),
    startNano: START + 11n,
    endNano: START + 500n,
    spanCount: 2,
    errorCount: 1,
    root: { startNano: START + 11n, service: 'web', name: 'root' },
    first: { startNano: START + 11n, service: 'web', name: 'root' },
    missingParents: [],
    services: [
      { name: 'db', spans: 1, errors: 1 },
      { name: 'web', spans: 1, errors: 0 },
    ],
  });
  expect(summary(index, 2)).toMatchObject({
    root: undefined,
    first: { startNano: START + 5n, service: 'web', name: 'orphan' },
    missingParents: [4n, 4n],
  });
  expect(summary(index, 3)!.missingParents).toEqual([11n]);
  expect(index!.find(idBytes(4))).toBe(-1);
  expect(index!.rowGroupsAt(index!.find(idBytes(1)))).toEqual([0]);
});

test('every id of thousands is found, and no other', async () => {
  const ids = Array.from({ length: 3000 }, (_, i) => i * 7 + 1);
  append(
    'a',
    1,
    ids.map((id) => ({ traceId: traceId(id), name: `op${id}` })),
  );
  const { path } = await flush('a', 1);
  const { index } = await openDataFile(path);
  for (const id of ids) {
    const position = index!.find(idBytes(id));
    expect(index!.traceIdAt(position)).toBe(traceId(id));
    expect(index!.summaryAt(position).first.name).toBe(`op${id}`);
    expect(index!.find(idBytes(id + 1))).toBe(-1);
  }
  expect(index!.find(idBytes(0))).toBe(-1);
  expect(index!.find(Buffer.alloc(16, 255))).toBe(-1);
});

test('stitching merges rows, columns and summaries', async () => {
  const files = [];
  for (let i = 0; i < 4; i++) {
    append('a', i + 1, [
      {
        traceId: traceId(1),
        spanId: spanId(i + 1),
        ...(i > 0 ? { parentSpanId: spanId(i) } : {}),
        startNano: START + BigInt(i),
        name: `op${i}`,
        service: `s${i % 2}`,
        attributes: [[`key.${i}`, text('v')]],
      },
      { traceId: traceId(10 + i), parentSpanId: spanId(99), name: 'alone' },
    ]);
    files.push(await flush('a', i + 1));
  }
  const half = await encoder.stitch(files.slice(0, 2), join(folder, '1-2.parquet'));
  const all = await encoder.stitch([half, ...files.slice(2)], join(folder, '1-4.parquet'));
  expect(all).toMatchObject({ kind: 'segment', from: 1, to: 4, rows: 8, rowGroups: 4, walTo: 4 });
  expect((await namesIn(all.path)).filter((name) => name !== 'alone')).toEqual([
    'op0',
    'op1',
    'op2',
    'op3',
  ]);
  const names = all.columns.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['span.key.0', 'span.key.1', 'span.key.3']));
  expect(summary(all.index, 1)).toMatchObject({
    spanCount: 4,
    root: { name: 'op0' },
    missingParents: [],
    services: [
      { name: 's0', spans: 2, errors: 0 },
      { name: 's1', spans: 2, errors: 0 },
    ],
  });
  expect(summary(all.index, 12)!.missingParents).toEqual([99n]);
  expect(all.index!.rowGroupsAt(all.index!.find(idBytes(1)))).toEqual([0, 1, 2, 3]);
  expect(all.index!.hashes()).toHaveLength(0);
  expect(existsSync(files[0]!.path)).toBe(true);
});

test('a file says which keys its tagged text has', async () => {
  const attributes = (key: string) => [[key, { type: 'empty' }]] as const;
  append('a', 1, [
    {
      attributes: attributes('one'),
      resource: { attributes: attributes('of.resource') },
      events: [{ name: 'e', attributes: attributes('of.event') }, { name: 'none' }],
    },
  ]);
  const first = await flush('a', 1);
  expect(first.textKeys).toEqual({
    events: ['of.event'],
    links: [],
    span_rest: ['one'],
    resource_rest: ['of.resource'],
    scope_rest: [],
  });
  const keys = Array.from({ length: 501 }, (_, i) => [`event.${i}`, { type: 'empty' }] as const);
  append('a', 2, [{ attributes: attributes('two'), events: [{ attributes: keys }] }]);
  const second = await flush('a', 2);
  const all = await encoder.stitch([first, second], join(folder, '1-2.parquet'));
  expect(all.textKeys!.span_rest).toEqual(['one', 'two']);
  expect(all.textKeys!.events).toBeUndefined();
});

test('more rows than a row group holds', async () => {
  const batch = Array.from({ length: 9000 }, (_, i) => ({
    traceId: traceId((i % 50) + 1),
    name: `n${i % 3}`,
  }));
  for (let i = 0; i < 5; i++) append('a', i + 1, batch);
  const file = await flush('a', 1);
  expect(file).toMatchObject({ rows: 45_000, rowGroups: 2 });
  expect(await namesIn(file.path)).toHaveLength(45_000);
  expect(file.index!.summaryAt(0).spanCount).toBe(900);
  expect(file.index!.hashes()).toHaveLength(45_000);
});

test('a damaged index is absent, its file still opens', async () => {
  append('a', 9, [{ name: 'one' }]);
  const { path, columns } = await flush('a', 1);
  const indexPath = path.replace('.parquet', '.idx');
  const bytes = readFileSync(indexPath);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x10;
    writeFileSync(indexPath, damaged);
    expect(() => {
      const index = openIndex(indexPath);
      index.summaryAt(index.find(Buffer.from(index.traceIdAt(0), 'hex')));
      index.hashes();
      index.red();
      index.values();
      index.bounds();
    }, `byte ${at}`).toThrow(expect.objectContaining({ name: 'StorageError' }));
  }
  writeFileSync(indexPath, bytes.subarray(0, 40));
  const file = await openDataFile(path);
  expect(file).toMatchObject({ index: undefined, rows: 1, walTo: 9, from: 1, columns });
});

test('a flush into a directory that is not there fails, the next one works', async () => {
  append('a', 1, [{ name: 'lost here, the main thread has it' }]);
  const wrong = encoder.flush('a', { directory: join(folder, 'none'), from: 1 });
  await expect(wrong).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  append('a', 2, [{ name: 'again' }]);
  expect(await namesIn((await flush('a', 1)).path)).toEqual(['again']);
});

test('a frame that is none fails the flush, and the next one works', async () => {
  const hashes = new Uint32Array(0);
  encoder.append('a', { walSeq: 1, frame: new Uint8Array(100), hashes });
  await expect(flush('a', 1)).rejects.toThrow(/frame/);
  append('a', 1, [{ name: 'again' }]);
  expect(await namesIn((await flush('a', 1)).path)).toEqual(['again']);
});

test('stitching a damaged file fails and leaves nothing', async () => {
  append('a', 1, [{ name: 'one' }]);
  const file = await flush('a', 1);
  writeFileSync(file.path, readFileSync(file.path).subarray(0, 100));
  const output = join(folder, '1-2.parquet');
  await expect(encoder.stitch([file], output)).rejects.toMatchObject({ name: 'StorageError' });
  expect(existsSync(output) || existsSync(`${output}.tmp`)).toBe(false);
});

test('rows that could not be sent are told lost, and no file is made without them', async () => {
  const lost: unknown[] = [];
  const broken = new Encoder({
    seed: 1,
    startWorker: () => {
      throw new Error('no thread left');
    },
    onFailure: (error) => lost.push(error),
  });
  const rows = () => {
    const batch = spans('a', [{ name: 'one' }]);
    return { walSeq: 1, frame: encodeFrame(batch), hashes: identityHashes(batch, SEED) };
  };
  broken.append('a', rows());
  await Promise.resolve();
  expect(lost).toMatchObject([{ code: 'unavailable', message: /no thread left/ }]);
  broken.append('a', rows());
  const flushing = broken.flush('a', { directory: folder, from: 1 });
  await expect(flushing).rejects.toMatchObject({ code: 'unavailable' });
  expect(lost).toHaveLength(2);
  await broken.close();
});

test('closing rejects what is open', async () => {
  mkdirSync(join(folder, 'x'));
  append('a', 1, [{ name: 'one' }]);
  const flushing = flush('a', 1);
  const closing = encoder.close();
  await expect(flushing).rejects.toMatchObject({ code: 'unavailable' });
  await closing;
});
