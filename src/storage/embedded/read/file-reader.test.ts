/** The thread that reads may die, hang or be left alone; who asked gets an answer all the same. */

import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/logger.ts';
import { encodeFrame } from '../../../model/batch/frame.ts';
import { spans } from '../../conformance/plain-spans.ts';
import { FileReader, type ReaderSettings } from './file-reader.ts';

const SETTINGS: ReaderSettings = { waitingMax: 3, timeLimitMs: 30_000, resultBytesMax: 1e9 };
const TRACE = 'ab'.repeat(16);
let reader: FileReader;
afterEach(() => reader.close());

/** What each thread does when it is asked, in the order they are started; undefined = what it is for. */
function open(programs: (string | undefined)[], settings: Partial<ReaderSettings> = {}): void {
  const startWorker = () => {
    const program = programs.shift();
    if (program === undefined) return new Worker(new URL('./reader-worker.ts', import.meta.url));
    const onMessage = `require('node:worker_threads').parentPort.on('message', () => { ${program} })`;
    return new Worker(onMessage, { eval: true });
  };
  reader = new FileReader(
    { ...SETTINGS, ...settings },
    { clock: systemClock, logger: silentLogger, startWorker },
  );
}

/** A trace of one span that is in no file. */
const read = (signal?: AbortSignal) => {
  const frame = encodeFrame(spans('t', [{ traceId: TRACE, name: 'one' }]));
  const order = { tenant: 't', seed: [1, 2], choice: 'all', traceIds: [TRACE], files: [] } as const;
  return reader.read({ ...order, head: [{ trace: 0, frame }] }, signal);
};

test('a trace is read', async () => {
  open([]);
  const { batches, warnings } = await read();
  expect(batches[0]?.strings.text(batches[0].spans.columns.names[0]!)).toBe('one');
  expect(warnings).toEqual([]);
}, 20_000);

test('a thread that dies is replaced, and asked again', async () => {
  open(['process.exit(3)', undefined]);
  const { batches } = await read();
  expect(batches[0]?.count).toBe(1);
  await reader.close();
  open(['throw new Error("no")', undefined]);
  expect((await read()).batches[0]?.count).toBe(1);
}, 20_000);

test('what kills two threads is given up', async () => {
  open(['process.exit(3)', 'process.exit(4)', undefined]);
  await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
  expect((await read()).batches[0]?.count).toBe(1);
}, 20_000);

test('a thread that says nothing is not waited for without end', async () => {
  open([''], { timeLimitMs: 50 });
  await expect(read()).rejects.toMatchObject({ code: 'timeout' });
}, 20_000);

test('no more wait than may', async () => {
  open(['']);
  const waiting = Promise.allSettled([read(), read(), read()]);
  await expect(read()).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  await reader.close();
  for (const each of await waiting) {
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
  }
}, 20_000);

test('who leaves is not answered', async () => {
  open(['']);
  const leaving = new AbortController();
  const reading = read(leaving.signal);
  leaving.abort(new Error('gone'));
  await expect(reading).rejects.toThrow('gone');
}, 20_000);
