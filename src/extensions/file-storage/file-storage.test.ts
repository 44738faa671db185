import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Lifecycle } from '../../component/lifecycle.ts';
import { keyValueStorage } from '../../component/sending.ts';
import { testContext } from '../../component/testbed.ts';
import { component } from './extension.ts';
import { FileStorageConfig } from './config.ts';
import { fileName } from './file-store.ts';

const never = new AbortController().signal;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-file-storage-'));
});
afterEach(async () => {
  for (const extension of running.splice(0)) await extension.stop?.(never);
  await rm(root, { recursive: true });
});

const running: Lifecycle[] = [];

/** What ran before has ended. */
async function lend(settings: object) {
  for (const extension of running.splice(0)) await extension.stop?.(never);
  return lendBeside(settings);
}

async function lendBeside(settings: object) {
  const context = testContext(FileStorageConfig.parse(settings), 'file_storage');
  const extension = component.create(context);
  running.push(extension);
  await extension.start?.(never);
  const lender = context.host.find(keyValueStorage, 'file_storage');
  if (!lender) throw new Error('nothing was lent');
  return lender;
}

test.each([{ fsync: false }, { fsync: true }])(
  'values outlive the extension (%o)',
  async (settings) => {
    const directory = join(root, 'made');
    const first = await lend({ directory, create_directory: true, ...settings });
    const store = await first.client('exporter_otlp/two_traces');
    await store.set('item-1', Uint8Array.of(1));
    await store.set('item-1', Uint8Array.of(1, 2));
    await store.set('한글/..', Uint8Array.of(3));
    await store.delete('none');
    expect(await (await first.client('other')).keys()).toEqual([]);

    const again = await (await lend({ directory })).client('exporter_otlp/two_traces');
    expect([...(await again.keys())].toSorted()).toEqual(['item-1', '한글/..']);
    expect(await again.get('item-1')).toEqual(Buffer.from([1, 2]));
    expect(await again.get('한글/..')).toEqual(Buffer.from([3]));
    await again.delete('item-1');
    expect(await again.get('item-1')).toBeUndefined();
  },
);

test('what an interrupted write left is removed', async () => {
  const store = await (await lend({ directory: root })).client('a');
  await store.set('k', Uint8Array.of(1));
  await writeFile(join(root, 'a', 'k.value.tmp'), 'half');
  const again = await (await lend({ directory: root })).client('a');
  expect(await again.keys()).toEqual(['k']);
  expect(await readdir(join(root, 'a'))).toEqual(['LOCK', 'k.value']);
});

test('a folder in use is refused to everybody else, and free again after stop', async () => {
  const first = await lend({ directory: root });
  const store = await first.client('exporter_a');
  const second = await lendBeside({ directory: root });
  await expect(second.client('exporter_a')).rejects.toMatchObject({
    message: expect.stringContaining(`in use by process ${process.pid}`),
    hint: expect.stringContaining('directory of its own'),
  });
  // Another component's folder is another matter.
  await second.client('exporter_b');
  expect(await first.client('exporter_a')).toBe(store);
  await running.shift()?.stop?.(never);
  await second.client('exporter_a');
});

test('a directory that is not there is told with its name and a way out', async () => {
  await expect(lend({ directory: join(root, 'missing') })).rejects.toMatchObject({
    message: expect.stringContaining(join(root, 'missing')),
    hint: expect.stringContaining('create_directory'),
  });
});

test('names cannot leave their folder', () => {
  expect(fileName('../a/b')).toBe('~2E.~2Fa~2Fb');
  expect(fileName('..')).toBe('~2E.');
  expect(fileName('~')).toBe('~7E');
});
