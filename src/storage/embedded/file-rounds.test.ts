/** Files are verified in turn, slowly, and not while they are young. */

import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../lib/logger.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { FileRounds } from './file-rounds.ts';
import type { DataFile } from './manifest.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What verifying one takes. */
const TAKES_MS = 100;

let clock: ManualClock;
let rounds: FileRounds;
let files: DataFile[];
let visits: { path: string; atMs: number }[];
let failures: number;
let held: number;

const file = (path: string, maxStartNano: bigint, more: Partial<DataFile> = {}): DataFile => ({
  path,
  kind: 'segment',
  from: 1,
  to: 2,
  rows: 1,
  rowGroups: 1,
  bytes: 1,
  minStartNano: 0n,
  maxStartNano,
  walTo: 1,
  columns: [],
  ...more,
});

beforeEach(() => {
  clock = new ManualClock();
  files = [file('old', 1n), file('new', 3n), file('middle', 2n)];
  visits = [];
  failures = 0;
  held = 0;
  const whole = new Map<string, number>();
  rounds = new FileRounds({
    clock,
    logger: silentLogger,
    stores: () => [
      {
        files: {
          get all() {
            return files;
          },
          pin: () => {
            held++;
            return () => held--;
          },
        },
      },
    ],
    verified: {
      verifyWhole: async ({ path }) => {
        expect(held).toBe(1);
        visits.push({ path, atMs: clock.monotonicMs() });
        clock.advance(TAKES_MS);
        if (failures-- > 0) throw new Error('the reader is busy');
        whole.set(path, clock.monotonicMs());
      },
      wholeAtMs: ({ path }) => whole.get(path),
      retain: () => {},
    },
  });
});
afterEach(() => rounds.close());

/** Lets time pass in small steps. */
async function pass(ms: number): Promise<void> {
  const stepMs = Math.max(500, ms / 2000);
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(left, stepMs));
    await setImmediate();
  }
}

test('the newest first, each once a day, a twentieth of the time', async () => {
  await pass(HOUR_MS);
  expect(visits.map(({ path }) => path)).toEqual(['new', 'middle', 'old']);
  const [first, second] = visits;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(20 * TAKES_MS);
  await pass(DAY_MS);
  expect(visits).toHaveLength(6);
  expect(held).toBe(0);
});

test('a flush is left alone while it is about to become part of a segment', async () => {
  files = [file('flush', 9n, { kind: 'flush', writtenAtMs: clock.nowMs() })];
  await pass(60_000);
  expect(visits).toEqual([]);
  await pass(HOUR_MS);
  expect(visits.map(({ path }) => path)).toEqual(['flush']);
});

test('what fails is tried again later', async () => {
  files = [file('one', 1n)];
  failures = 2;
  await pass(HOUR_MS);
  expect(visits).toHaveLength(3);
});

test('nothing is done behind its end', async () => {
  await rounds.close();
  await pass(HOUR_MS);
  expect(visits).toEqual([]);
  expect(clock.pendingCount).toBe(0);
});
