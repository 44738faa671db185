/** Files are compared with their checksums in turns with those who read. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/logger.ts';
import { encodeFrame } from '../../../model/batch/frame.ts';
import { spans } from '../../conformance/plain-spans.ts';
import { ChunkEncoder, Physical } from '../parquet/column-chunk.ts';
import { MAGIC, writeFile } from '../parquet/file.ts';
import { ParquetFile } from '../parquet/parquet-file.ts';
import { Stitcher } from '../parquet/stitch.ts';
import { FileReader } from './file-reader.ts';
import { verifyFile } from './verify-file.ts';

const ROWS = 100;
const ROW_GROUPS = 3;
const folder = mkdtempSync(join(tmpdir(), 'spoor-verify-'));
const path = join(folder, 'file.parquet');
let good: Uint8Array;
let reader: FileReader | undefined;

beforeAll(async () => {
  const encoder = new ChunkEncoder();
  const chunks = ['a', 'b'].map((name) =>
    encoder.encode(
      {
        spec: { name, physical: Physical.int64, isNullable: false },
        values: { kind: 'plain', bytes: new Uint8Array(ROWS * 8).fill(7), isRandom: true },
        count: ROWS,
      },
      ROWS,
    ),
  );
  const one = writeFile(chunks, ROWS, {});
  const parts: Uint8Array[] = [];
  const stitcher = new Stitcher(async (some) => {
    parts.push(...some.map((part) => part.slice()));
  });
  for (let i = 0; i < ROW_GROUPS; i++) await stitcher.add(one);
  await stitcher.finish({});
  good = Uint8Array.from(Buffer.concat(parts));
});
afterEach(async () => {
  await reader?.close();
  reader = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(...flips: number[]): void {
  const bytes = good.slice();
  for (const at of flips) bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}

/** The last byte of a column of a row group. */
function lastOf(rowGroup: number, column: string): number {
  const chunk = ParquetFile.of('x', good).footer.rowGroups[rowGroup]!.chunks.get(column)!;
  return chunk.start + chunk.bytes - 1;
}

const rows = ROWS * ROW_GROUPS;
const order = { path, rows };
const noPause = () => Promise.resolve();

function start(programs: (string | undefined)[] = []): FileReader {
  const startWorker = () => {
    const program = programs.shift();
    if (program === undefined) return new Worker(new URL('./reader-worker.ts', import.meta.url));
    const onMessage = `require('node:worker_threads').parentPort.on('message', () => { ${program} })`;
    return new Worker(onMessage, { eval: true });
  };
  const settings = { waitingMax: 300, timeLimitMs: 30_000, resultBytesMax: 1e9 };
  reader = new FileReader(settings, { clock: systemClock, logger: silentLogger, startWorker });
  return reader;
}

test('a whole file has no damage', async () => {
  write();
  expect(await verifyFile(order, noPause)).toBeUndefined();
});

test('row groups that are damaged side by side are one range, each is told once', async () => {
  write(lastOf(0, 'a'), lastOf(1, 'a'), lastOf(1, 'b'));
  const damage = await verifyFile(order, noPause);
  expect(damage?.rows).toEqual([{ from: 0, to: 2 * ROWS }]);
  expect(damage?.problems).toHaveLength(2);
  expect(damage?.problems[1]).toContain(`${path}, row group 1, column "a"`);
});

test('columns that are not asked for are not read', async () => {
  write(lastOf(2, 'b'));
  expect(await verifyFile({ ...order, columns: ['a'] }, noPause)).toBeUndefined();
  const damage = await verifyFile({ ...order, columns: ['a', 'b'] }, noPause);
  expect(damage?.rows).toEqual([{ from: 2 * ROWS, to: 3 * ROWS }]);
});

test('without a footer, or without the file, all rows are lost', async () => {
  write(good.length - 12);
  expect((await verifyFile({ ...order, columns: [] }, noPause))?.rows).toEqual([
    { from: 0, to: rows },
  ]);
  const gone = await verifyFile({ path: `${path}.gone`, rows }, noPause);
  expect(gone?.rows).toEqual([{ from: 0, to: rows }]);
});

test('every bit is held, but for those that say nothing', async () => {
  const { columns, rowGroups } = ParquetFile.of('x', good).footer;
  for (let at = MAGIC.length; at < good.length; at += 5) {
    write(at);
    if ((await verifyFile(order, noPause)) !== undefined) continue;
    // The name of the footer's checksum, without which it counts as one of an older version.
    const { footer } = ParquetFile.of('x', readFileSync(path));
    expect(footer, `byte ${at}`).toMatchObject({ columns, rowGroups });
    expect(Object.keys(footer.metadata), `byte ${at}`).toHaveLength(1);
  }
});

test('a turn is given between row groups, and who has left is not worked for', async () => {
  write();
  let turns = 0;
  const leaving = verifyFile(order, async () => {
    if (++turns > 2) throw new Error('nobody waits');
  });
  await expect(leaving).rejects.toThrow('nobody waits');
  turns = -Infinity;
  let all = 0;
  await verifyFile(order, async () => void all++);
  expect(all).toBeGreaterThanOrEqual(ROW_GROUPS);
});

const TRACE = 'ab'.repeat(16);
const frame = encodeFrame(spans('t', [{ traceId: TRACE, name: 'one' }]));
const traces = {
  tenant: 't',
  seed: [1, 2],
  choice: 'all',
  traceIds: [TRACE],
  files: [],
  head: [{ trace: 0, frame }],
} as const;

test('the reader verifies, and who reads goes first', async () => {
  write(lastOf(1, 'b'));
  const files = start();
  const done: string[] = [];
  const verifying = Promise.all(
    Array.from({ length: 50 }, async () => {
      const damage = await files.verify({ ...order, isPatient: true });
      expect(damage?.rows).toEqual([{ from: ROWS, to: 2 * ROWS }]);
      done.push('verified');
    }),
  );
  await files.read(traces);
  done.push('read');
  await verifying;
  // Fifty files of three row groups were asked for before it.
  expect(done.indexOf('read')).toBeLessThan(50);
}, 30_000);

test('a thread that dies while it verifies is replaced, and asked again', async () => {
  write();
  expect(await start(['process.exit(3)', undefined]).verify(order)).toBeUndefined();
}, 30_000);

test('who leaves is not answered', async () => {
  const leaving = new AbortController();
  const verifying = start(['']).verify(order, leaving.signal);
  leaving.abort(new Error('gone'));
  await expect(verifying).rejects.toThrow('gone');
}, 30_000);
