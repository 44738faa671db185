import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { spans } from '../../conformance/plain-spans.ts';
import { realFileSystem } from '../file-system.ts';
import {
  decodeTombstone,
  encodeTombstone,
  listTombstones,
  type Tombstone,
  tombstonePath,
  writeTombstone,
} from './tombstone.ts';
import { Tombstones } from './tombstones.ts';

const id = (n: number) => n.toString(16).padStart(32, '0');
const tombstone = (walTo: number, ...ids: number[]): Tombstone => ({
  path: '/1.tomb',
  walTo,
  traceIds: new Set(ids.map(id)),
  hashes: Uint32Array.of(1, 2, 0xffff_ffff, 4),
});

test('a tombstone is read as it was written, also beyond 32 bits', () => {
  const written = tombstone(2 ** 40 + 7, 1, 2, 3);
  expect(decodeTombstone('/1.tomb', encodeTombstone(written))).toEqual(written);
});

test('whatever bit is flipped, it is not read as another one', () => {
  const bytes = encodeTombstone(tombstone(5, 1, 2));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => decodeTombstone('/1.tomb', flipped), `bit ${bit}`).toThrow('/1.tomb');
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeTombstone('/1.tomb', bytes.subarray(0, length))).toThrow('/1.tomb');
  }
});

test('it spares other traces, and what came later', () => {
  const tombstones = new Tombstones();
  const batch = spans(
    'default',
    [1, 2, 1, 3].map((n) => ({ traceId: id(n), name: `${n}` })),
  );
  expect(tombstones.spare(1, batch)).toBe(batch);
  const first = tombstone(5, 1);
  tombstones.add(first);
  tombstones.add(tombstone(7, 3));
  expect(tombstones.spare(5, batch)?.count).toBe(1);
  expect(tombstones.spare(6, batch)?.count).toBe(3);
  expect(tombstones.spare(8, batch)).toBe(batch);
  tombstones.add(tombstone(9, 1, 2, 3));
  expect(tombstones.spare(9, batch)).toBeUndefined();
  tombstones.remove(first);
  expect(tombstones.all).toHaveLength(2);
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-tombstones-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('they are listed by number, and what a crash left behind goes', async () => {
  for (const number of [10, 9]) {
    const path = tombstonePath(directory, number);
    await writeTombstone(realFileSystem, { ...tombstone(1, 1), path });
  }
  await writeFile(join(directory, '11.tomb.tmp'), 'half');
  const found = await listTombstones(realFileSystem, directory);
  expect(found).toEqual([9, 10].map((number) => tombstonePath(directory, number)));
  expect(await readdir(directory)).toHaveLength(2);
  expect(await listTombstones(realFileSystem, join(directory, 'none'))).toEqual([]);
});
