import { Worker } from 'node:worker_threads';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { entryUrl } from './entry.ts';

let folder: string | undefined;
afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
  folder = undefined;
});

test('a source names the source beside it', () => {
  const url = entryUrl('./worker.ts', 'file:///repo/src/storage/store.ts');
  expect(url.href).toBe('file:///repo/src/storage/worker.ts');
});

test('compiled code names the compiled file, whatever the folders are called', () => {
  const url = entryUrl('../a.ts/worker.ts', 'file:///x/spoor.ts/dist/storage/store.js');
  expect(url.href).toBe('file:///x/spoor.ts/dist/a.ts/worker.js');
});

test('a query after the file name does not hide its extension', () => {
  expect(entryUrl('./w.ts', 'file:///x/store.js?v=1').href).toBe('file:///x/w.js');
});

test('the URL starts a worker', async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoor-entry-'));
  const program = `import { parentPort } from 'node:worker_threads';
    const answer: number = 42; parentPort?.postMessage(answer);`;
  await writeFile(join(folder, 'program.ts'), program);
  const caller = pathToFileURL(join(folder, 'caller.ts')).href;
  const worker = new Worker(entryUrl('./program.ts', caller));
  const answer = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  expect(answer).toBe(42);
  await worker.terminate();
});
