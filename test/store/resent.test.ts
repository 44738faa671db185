/** Spans that come late, out of order or again. Whatever the order, a trace read by id is whole and
 *  has each span once. Counts are exact as long as a span comes again within the window, also when the
 *  store was closed or killed in between; what comes again later is counted a second
 *  time, and how much of that there is is counted too, once, when files become one. */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readInventory } from '../../src/storage/embedded/inspect/inventory.ts';
import { storeStats } from '../../src/storage/embedded/inspect/stats.ts';
import { Chance } from '../../src/storage/conformance/random-spans.ts';
import {
  batchOf,
  type OpenStore,
  openStore,
  partsById,
  settle,
  SPANS,
  spansByCount,
  spansBySearch,
  TENANT,
  traceIdOf,
} from './faults/workload.ts';

const MINUTE_MS = 60_000;

let root: string;
let store: OpenStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'spoor-resent-'));
  store = await openStore(join(root, 'store'));
});
afterEach(async () => {
  await store.backend.close();
  rmSync(root, { recursive: true });
});

const write = (number: number, part = 0) => store.backend.writer.write(batchOf(number, part));
const flush = async () => {
  await store.engine.tenant(TENANT)?.flush();
  await settle(store);
};

/** All of them, each once; `twice`: counted so often by who only counts. */
async function expectParts(numbers: readonly number[], parts: readonly number[], times = 1) {
  const bySearch = await spansBySearch(store);
  const byCount = await spansByCount(store);
  for (const number of numbers) {
    expect(await partsById(store, number), `${number} by id`).toEqual(parts);
    const spans = parts.length * SPANS;
    expect(bySearch.get(traceIdOf(number)), `${number} by search`).toBe(spans);
    expect(byCount.get(`service ${number}`), `${number} by count`).toBe(spans * times);
  }
}

test('late parts first, in files and out of them, in any order: whole and once', async () => {
  const chance = new Chance(3);
  const numbers = [0, 1, 2, 3, 4, 5];
  const orders = numbers.flatMap((number) => [
    [number, 0],
    [number, 1],
    [number, 0],
    [number, 1],
  ]);
  for (let left = orders; left.length > 0;) {
    const next = chance.below(left.length);
    const [number = 0, part] = left[next] ?? [];
    await write(number, part);
    if (chance.isHit(0.3)) await flush();
    left = left.filter((_, i) => i !== next);
  }
  await expectParts(numbers, [0, 1]);
});

test('what comes again within the window counts once, over an end and a restart', async () => {
  for (const number of [0, 1, 2]) {
    await write(number);
    await flush();
  }
  await write(3);
  const killed = join(root, 'killed');
  cpSync(join(root, 'store'), killed, { recursive: true });
  rmSync(join(killed, 'LOCK'));
  await store.backend.close();
  // From the log and the indices of stitched files there, from those of files here.
  for (const directory of [killed, join(root, 'store')]) {
    store = await openStore(directory, { movedMs: 9 * MINUTE_MS });
    for (const number of [3, 2, 1, 0]) await write(number);
    await flush();
    await expectParts([0, 1, 2, 3], [0]);
    if (directory === killed) await store.backend.close();
  }
});

test('what comes again after the window is shown once, counted twice, and that is counted', async () => {
  await write(0);
  await flush();
  for (let minutes = 0; minutes < 2; minutes++) {
    store.clock.movedMs += 11 * MINUTE_MS;
    // Other spans: the window moves on as they come.
    await write(1 + minutes);
  }
  await write(0);
  await flush();
  expect(await partsById(store, 0)).toEqual([0]);
  const byCount = await spansByCount(store);
  expect(byCount.get('service 0')).toBe(2 * SPANS);
  const repeated = () => store.backend.health().counts?.repeatedSpans;
  expect(repeated()).toBe(0);
  // Of these none comes again; the files become one.
  await write(3);
  await flush();
  expect(store.engine.dataFiles.map(({ kind }) => kind)).toEqual(['segment']);
  expect(repeated()).toBe(SPANS);
  const stats = async () => {
    const inventory = await readInventory(join(root, 'store'));
    return (await storeStats(inventory, () => {})).tenants.map((one) => one.repeatedSpans);
  };
  expect(await stats()).toEqual([SPANS]);
  for (const number of [4, 4, 5, 5, 6]) {
    await write(number);
    await flush();
  }
  expect(repeated()).toBe(SPANS);
  expect(await stats()).toEqual([SPANS]);
});
