import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeFrame } from '../../../model/batch/frame.ts';
import { StorageError } from '../../contract.ts';
import { FailingFileSystem } from '../failing-file-system.fixture.ts';
import { realFileSystem } from '../file-system.ts';
import { spans } from '../../conformance/plain-spans.ts';
import { FILE_HEADER_BYTES, readRecords } from './record.ts';
import { listWal, replayFile } from './replay.ts';
import { Wal } from './wal.ts';

const SALT = 0xfeed;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-wal-'));
});
afterEach(() => rm(directory, { recursive: true }));

function openWal(files = new FailingFileSystem(realFileSystem), fileBytesMax = 1 << 20) {
  return new Wal({
    files,
    directory,
    salt: SALT,
    fileBytesMax,
  });
}

const frame = (n: number, tenant = 'default') =>
  encodeFrame(spans(tenant, [{ name: `span ${n}` }]));

function append(wal: Wal, n: number, tenant = 'default'): Promise<number> {
  return new Promise((resolve, reject) => {
    const seq = wal.append(tenant, frame(n, tenant), (error) => {
      if (error) reject(error);
      else resolve(seq);
    });
  });
}

async function namesIn(file: number): Promise<string[]> {
  const { records } = await replayFile(file, { files: realFileSystem, directory, salt: SALT });
  return records.map(({ batch }) => batch.strings.text(batch.spans.columns.names[0]!));
}

test('what was committed is read back in order', async () => {
  const wal = openWal();
  await Promise.all([1, 2, 3, 4].map((n) => append(wal, n)));
  await append(wal, 5);
  await wal.close();
  expect(await listWal(realFileSystem, directory)).toEqual([1]);
  expect(await namesIn(1)).toEqual(['span 1', 'span 2', 'span 3', 'span 4', 'span 5']);
});

test('records that arrive while a group commits share the next sync', async () => {
  const files = new FailingFileSystem(realFileSystem);
  const wal = openWal(files);
  const order: number[] = [];
  const first = append(wal, 1).then((seq) => order.push(seq));
  await new Promise((resolve) => setImmediate(resolve));
  const rest = Array.from({ length: 50 }, (_, i) => append(wal, i + 2).then((s) => order.push(s)));
  await Promise.all([first, ...rest]);
  await wal.close();
  expect(files.counts['datasync']).toBe(2);
  expect(order).toEqual(Array.from({ length: 51 }, (_, i) => i + 1));
});

test('no record is acknowledged before its bytes are synced', async () => {
  const files = new FailingFileSystem(realFileSystem);
  const wal = openWal(files);
  const seen: string[] = [];
  files.onCall = (call) => seen.push(call);
  wal.append('default', frame(1), () => seen.push('acknowledged'));
  await wal.settled();
  await wal.close();
  expect(seen.slice(seen.lastIndexOf('writev'))).toEqual([
    'writev',
    'datasync',
    'acknowledged',
    'close',
  ]);
});

describe('damage', () => {
  let bytes: Uint8Array;
  let lastRecord: number;
  beforeEach(async () => {
    const wal = openWal();
    await append(wal, 1);
    await append(wal, 2);
    lastRecord = (await readFile(join(directory, '1.wal'))).length;
    await append(wal, 3);
    await wal.close();
    bytes = Uint8Array.from(await readFile(join(directory, '1.wal')));
  });

  test('a tail torn at any byte of the last record costs that record only', () => {
    for (let length = lastRecord; length < bytes.length; length++) {
      const content = readRecords(bytes.subarray(0, length), SALT);
      expect(content.records.map(({ seq }) => seq)).toEqual([1, 2]);
      expect(content.tornBytes).toBe(length - lastRecord);
      expect(content.damagedBytes).toBe(0);
    }
  });

  test('a flipped bit anywhere costs at most its own record, and never reads as something else', () => {
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at % 8);
      const { records, damagedBytes, tornBytes } = readRecords(flipped, SALT);
      expect(records.length).toBe(at < FILE_HEADER_BYTES ? 3 : 2);
      expect(damagedBytes + tornBytes > 0).toBe(at >= FILE_HEADER_BYTES);
      for (const { seq, batch } of records) {
        expect(batch.strings.text(batch.spans.columns.names[0]!)).toBe(`span ${seq}`);
      }
    }
  });

  test('span content that looks like a record is not taken for one', () => {
    expect(readRecords(bytes, SALT + 1).records).toEqual([]);
  });

  test('a file cut inside its header has no records', () => {
    for (let length = 0; length < FILE_HEADER_BYTES; length++) {
      expect(readRecords(bytes.subarray(0, length), SALT).records).toEqual([]);
    }
  });

  test('a file of a newer format is refused', async () => {
    const newer = bytes.slice();
    newer[4] = 2;
    newer[8] = 2;
    await writeFile(join(directory, '2.wal'), newer);
    const reading = replayFile(2, { files: realFileSystem, directory, salt: SALT });
    await expect(reading).rejects.toMatchObject({ code: 'unusable' });
  });
});

describe('a disk that fails', () => {
  const cases = [
    { call: 'datasync', error: 'EIO', code: 'unavailable' },
    { call: 'writev', error: 'ENOSPC', code: 'full' },
    { call: 'writev', error: 'EDQUOT', code: 'full' },
  ] as const;
  for (const { call, error, code } of cases) {
    test(`${error} from ${call} refuses the group, and the next one goes to a new file`, async () => {
      const files = new FailingFileSystem(realFileSystem);
      const wal = openWal(files);
      await append(wal, 1);
      files.failNext(call, error);
      const failed = await append(wal, 2).catch((reason: unknown) => reason);
      expect(failed).toBeInstanceOf(StorageError);
      expect(failed).toMatchObject({ code, retryable: true });
      expect(wal.failure).toBe(failed);
      await append(wal, 3);
      expect(wal.failure).toBeUndefined();
      await wal.close();
      expect(await listWal(realFileSystem, directory)).toEqual([1, 2]);
      expect(await namesIn(1)).toEqual(['span 1']);
      expect(await namesIn(2)).toEqual(['span 3']);
    });
  }

  test('a write that takes only a part goes on where it stopped', async () => {
    const files = new FailingFileSystem(realFileSystem);
    files.writeBytesMax = 7;
    const wal = openWal(files);
    await append(wal, 1);
    await wal.close();
    expect(await namesIn(1)).toEqual(['span 1']);
  });

  test('a file that cannot be begun is not left behind', async () => {
    const files = new FailingFileSystem(realFileSystem);
    const wal = openWal(files);
    files.failNext('syncDirectory', 'EIO');
    await expect(append(wal, 1)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await listWal(realFileSystem, directory)).toEqual([]);
    await append(wal, 2);
    await wal.close();
    expect(await namesIn(2)).toEqual(['span 2']);
  });
});

test('a file is unlinked once every tenant in it has flushed past it', async () => {
  const wal = openWal(undefined, 1);
  const a = await append(wal, 1, 'a');
  const b = await append(wal, 2, 'b');
  await wal.release(new Map([['a', a]]));
  expect(await listWal(realFileSystem, directory)).toEqual([2]);
  expect(wal.oldestTenants(new Map([['a', a]]))).toEqual(['b']);
  await wal.release(new Map([['b', b]]));
  expect(await listWal(realFileSystem, directory)).toEqual([]);
  await wal.close();
});
