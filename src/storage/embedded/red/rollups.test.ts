import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../lib/logger.ts';
import { type PlainSpan, spans } from '../../conformance/plain-spans.ts';
import { redOfBatch } from '../encode/red-rows.ts';
import { FailingFileSystem } from '../failing-file-system.fixture.ts';
import { realFileSystem } from '../file-system.ts';
import type { DataFile } from '../manifest.ts';
import type { SegmentIndex } from '../segment-index.ts';
import { DAY_MINUTES, DayFileReplaced, DayReader, hoursOf } from './day-file.ts';
import { RedSum } from './merge.ts';
import type { RedPartial } from './partial.ts';
import { notCounted, Rollups } from './rollups.ts';

const DAY_NANO = 86_400_000_000_000n;
const START = 1_731_024_000_000_000_000n; // a midnight
const NOW_MS = Number(START / 1_000_000n) + 86_400_000;
const LIMITS = { maxAgeMs: 90 * 86_400_000, maxBytes: 1e9 };
const AT = { ...LIMITS, nowMs: NOW_MS };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-rollups-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function rollups(files = new FailingFileSystem(realFileSystem)): Rollups {
  return new Rollups({ directory, files, logger: silentLogger });
}

async function reopened(): Promise<Rollups> {
  const again = rollups();
  expect(await again.restore()).toEqual([]);
  return again;
}

function fileOf(from: number, to: number, plain: readonly PlainSpan[]): DataFile {
  const red = redOfBatch(spans('t', plain));
  const index: Partial<SegmentIndex> = { red: () => red };
  return {
    path: `${from}-${to}.parquet`,
    kind: 'flush',
    from,
    to,
    rows: plain.length,
    rowGroups: 1,
    bytes: 1,
    minStartNano: 0n,
    maxStartNano: 0n,
    walTo: to,
    columns: [],
    index: index as SegmentIndex,
  };
}

/** One a quarter of an hour. */
function every15(count: number, from = START): PlainSpan[] {
  return Array.from({ length: count }, (_, i) => ({
    service: 's',
    name: 'n',
    startNano: from + BigInt(i) * 900_000_000_000n,
  }));
}

function readAll({ now }: Rollups): { calls: number; exemplars: number; perDay: object } {
  const parts: RedPartial[] = now.waiting.map(({ red, range }) => {
    const sum = new RedSum();
    const counts = notCounted(now, range) ?? (() => true);
    const first = (day: number) => day * DAY_MINUTES;
    for (const day of new Set([...red.cells.minutes].map((minute) => Math.floor(minute / 1440)))) {
      if (counts(first(day))) sum.add(red, { minutes: [first(day), first(day + 1)] });
    }
    return sum.finish();
  });
  const perDay: Record<number, number> = {};
  for (const file of now.days.values()) {
    const reader = new DayReader(file);
    for (const { hour } of file.hours) {
      const red = reader.hour(hour)!;
      parts.push(red);
      perDay[file.day] = (perDay[file.day] ?? 0) + callsOf(red);
      const first = file.day * DAY_MINUTES + hour * 60;
      for (const minute of red.cells.minutes) {
        expect(minute >= first && minute < first + 60).toBe(true);
      }
    }
    reader.close();
  }
  const exemplars = parts
    .slice(now.waiting.length)
    .flatMap(({ cells }) => [...cells.exemplars])
    .filter((has) => has > 0);
  return {
    calls: parts.reduce((sum, red) => sum + callsOf(red), 0),
    exemplars: exemplars.length,
    perDay,
  };
}

const callsOf = ({ cells }: RedPartial) => cells.calls.reduce((sum, count) => sum + count, 0);

test('spans are counted in their days, without exemplars, and again after a restart', async () => {
  const some = rollups();
  await some.absorb(fileOf(1, 1, every15(100, START - DAY_NANO)), AT);
  await some.absorb(fileOf(2, 3, every15(10, START - DAY_NANO)), AT);
  const day = Number(START / DAY_NANO);
  for (const one of [some, await reopened()]) {
    expect(readAll(one)).toEqual({
      calls: 110,
      exemplars: 0,
      perDay: { [day - 1]: 106, [day]: 4 },
    });
    expect(one.hasBegun({ from: 2, to: 3 })).toBe(true);
    expect(one.hasBegun({ from: 3, to: 4 })).toBe(false);
  }
  expect([...some.now.days.values()].map(({ sources }) => sources)).toEqual([[[1, 3]], [[1, 1]]]);
});

test('a file is counted once, however often it is absorbed', async () => {
  const file = fileOf(1, 1, every15(100));
  const some = rollups();
  await some.absorb(file, AT);
  await some.absorb(file, AT);
  const again = await reopened();
  await again.absorb(file, AT);
  expect(readAll(again).calls).toBe(100);
});

test('whatever call fails, and whether or not the process ends then, every span counts once', async () => {
  const calls = ['makeDirectory', 'open', 'writev', 'datasync', 'close', 'rename', 'syncDirectory'];
  const first = fileOf(1, 1, every15(60, START - DAY_NANO));
  const second = fileOf(2, 2, every15(150, START - DAY_NANO));
  let failures = 0;
  for (const call of calls as (keyof FailingFileSystem & 'open')[]) {
    for (let after = 0; after < 3; after++) {
      for (const endsThen of [true, false]) {
        rmSync(directory, { recursive: true });
        await rollups().absorb(first, AT);
        const files = new FailingFileSystem(realFileSystem);
        const failing = rollups(files);
        await failing.restore();
        files.failNext(call, 'ENOSPC', after);
        await failing.absorb(second, AT);
        if (failing.now.waiting.length > 0) failures++;
        // The data file has gone, or is being read with the same days left out.
        expect(readAll(failing).calls, `${call} ${after}`).toBe(210);
        const survivor = endsThen ? await reopened() : failing;
        // After a crash the data file is there still; otherwise it went.
        for (let i = 0; i < 3; i++) await survivor.absorb(endsThen ? second : fileOf(3, 3, []), AT);
        expect(survivor.now.waiting).toEqual([]);
        expect(readAll(survivor).calls, `${call} ${after} ${endsThen}`).toBe(210);
        expect(readdirSync(directory).every((name) => name.endsWith('.red'))).toBe(true);
      }
    }
  }
  expect(failures).toBeGreaterThan(10);
});

test('what waits for the disk is read all the same', async () => {
  const files = new FailingFileSystem(realFileSystem);
  const some = rollups(files);
  files.failNext('datasync', 'EIO');
  await some.absorb(fileOf(1, 1, every15(3)), AT);
  expect(some.now.days.size).toBe(0);
  expect(readAll(some).calls).toBe(3);
});

test('days go when they are too old, then the oldest that are too many', async () => {
  const some = rollups();
  for (const days of [1, 2, 3]) {
    const at = START - BigInt(days) * DAY_NANO;
    await some.absorb(fileOf(days, days, every15(4, at)), AT);
  }
  const day = Number(START / DAY_NANO);
  await some.prune({ ...LIMITS, maxAgeMs: 3 * 86_400_000 }, NOW_MS);
  expect(new Set(some.now.days.keys())).toEqual(new Set([day - 2, day - 1]));
  const bytes = some.now.days.get(day - 1)!.bytes;
  await some.prune({ ...LIMITS, maxBytes: bytes }, NOW_MS);
  expect([...(await reopened()).now.days.keys()]).toEqual([day - 1]);
});

test('spans of days beyond the bounds leave nothing behind', async () => {
  const some = rollups();
  const odd = [0n, START + 400n * DAY_NANO, START - 95n * DAY_NANO, 2n ** 64n - 1n];
  await some.absorb(fileOf(1, 1, [...odd.map((startNano) => ({ startNano })), ...every15(1)]), AT);
  expect(readAll(some).calls).toBe(1);
  expect(readdirSync(directory)).toHaveLength(1);
});

test('a damaged hour costs itself, a damaged header its day, and both are told', async () => {
  await rollups().absorb(fileOf(1, 1, every15(8)), AT);
  const path = join(directory, readdirSync(directory)[0]!);
  const bytes = readFileSync(path);
  const last = Buffer.from(bytes);
  last[last.length - 1]! ^= 0x10;
  writeFileSync(path, last);
  const some = await reopened();
  const reader = new DayReader([...some.now.days.values()][0]!);
  expect(callsOf(reader.hour(0)!)).toBe(4);
  expect(() => reader.hour(1)).toThrow(expect.objectContaining({ code: 'damaged' }));
  reader.close();
  const warnings: string[] = [];
  const file = [...some.now.days.values()][0]!;
  const read = (open: DayReader, hour: number) => callsOf(open.hour(hour)!);
  const calls: number[] = [];
  const onWarning = (warning: string) => void warnings.push(warning);
  for await (const count of hoursOf(file, read, onWarning)) calls.push(count);
  expect([calls, warnings]).toEqual([[4], [expect.stringContaining('hour 1')]]);
  await some.absorb(fileOf(2, 2, every15(4, START + 3_600_000_000_000n)), AT);
  expect(readAll(some).calls).toBe(8);
  for (let at = 0; at < 40; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 0x10;
    writeFileSync(path, flipped);
    const damage = await rollups().restore();
    expect(damage, `byte ${at}`).toHaveLength(1);
  }
});

test('who reads a day while it changes is told so', async () => {
  const some = rollups();
  await some.absorb(fileOf(1, 1, every15(1)), AT);
  const before = [...some.now.days.values()][0]!;
  await some.absorb(fileOf(2, 2, every15(1)), AT);
  expect(() => new DayReader(before)).toThrow(DayFileReplaced);
});
