/** The days of one tenant whose spans are gone, or going. As long as a data file is there, its own
 *  index has its rates, errors and durations; when retention takes the file, they are added to the
 *  files of the days they are of, which remember the flushes they have counted. So every span counts
 *  once, in whatever moment the process ends: what a day has counted it does not count again, and is
 *  not read from the data file any more. Only then is the data file removed. */

import { setImmediate } from 'node:timers/promises';
import { join } from 'node:path';
import { messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { type FileSystem, makeDurableDirectory, replaceFile } from '../file-system.ts';
import type { DataFile } from '../manifest.ts';
import { packRed } from './codec.ts';
import {
  DAY_MINUTES,
  type DayFile,
  dayFileName,
  dayOfFileName,
  DayReader,
  encodeDay,
  type FlushRange,
  openDay,
  type PackedHour,
} from './day-file.ts';
import { hasRange, withRange } from './flush-ranges.ts';
import { foldOperations, RedSum } from './merge.ts';
import type { RedPartial } from './partial.ts';

export interface RollupsDeps {
  readonly directory: string;
  readonly files: FileSystem;
  readonly logger: Logger;
}

export interface RollupLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

const DAY_MS = 86_400_000;
/** Partials that wait for a disk which takes nothing. */
const WAITING_MAX = 16;

/** What a data file that is gone has left, while it is in no day file. */
interface Waiting {
  readonly range: FlushRange;
  readonly red: RedPartial;
}

/** Days, and what waits to be in them, as they were at one moment. */
export interface RollupsNow {
  readonly days: ReadonlyMap<number, DayFile>;
  readonly waiting: readonly Waiting[];
}

/** Of a partial of these flushes, the minutes whose days have not counted it. */
export function notCounted(
  { days }: RollupsNow,
  range: FlushRange,
): ((minute: number) => boolean) | undefined {
  const counted = [...days.values()].filter(({ sources }) => hasRange(sources, range));
  if (counted.length === 0) return undefined;
  const known = new Set(counted.map(({ day }) => day));
  return (minute) => !known.has(Math.floor(minute / DAY_MINUTES));
}

export class Rollups {
  readonly #deps: RollupsDeps;
  #days: ReadonlyMap<number, DayFile> = new Map();
  #waiting: readonly Waiting[] = [];
  #work: Promise<unknown> = Promise.resolve();

  constructor(deps: RollupsDeps) {
    this.#deps = deps;
  }

  get now(): RollupsNow {
    return { days: this.#days, waiting: this.#waiting };
  }

  /** Resolves when what was asked for before is done: the files are those of `now` then. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** At start. Returns what is damaged, for people. */
  async restore(): Promise<string[]> {
    const { files, directory } = this.#deps;
    const days = new Map<number, DayFile>();
    const damage: string[] = [];
    for (const name of await files.list(directory)) {
      const path = join(directory, name);
      const day = dayOfFileName(name);
      if (day === undefined) {
        await files.unlink(path);
        continue;
      }
      try {
        days.set(day, openDay(path, (await files.stat(path))?.bytes ?? 0));
      } catch (error) {
        damage.push(messageOf(error));
      }
    }
    this.#days = days;
    return damage;
  }

  /** Retention has begun to take the file: a crash interrupted it, or it is under way. */
  hasBegun({ from, to }: Pick<DataFile, 'from' | 'to'>): boolean {
    return [...this.#days.values()].some(({ sources }) => hasRange(sources, [from, to]));
  }

  /** The highest number of a flush that a day has counted; 0 when there is none. */
  get lastFlush(): number {
    const all = [...this.#days.values()].flatMap(({ sources }) => sources);
    return all.reduce((last, [, to]) => Math.max(last, to), 0);
  }

  /** Counts the file's spans among those of its days. Resolves when that is durable, or is kept in
   *  memory because the disk takes nothing: a full disk must not stop retention. */
  absorb(file: DataFile, limits: RollupLimits & { readonly nowMs: number }): Promise<void> {
    const run = this.#work.then(() => this.#absorb(file, limits));
    this.#work = run.catch(() => {});
    return run;
  }

  /** Removes days that are too old, then the oldest that are too many. Never rejects. */
  prune(limits: RollupLimits, nowMs: number): Promise<void> {
    const run = this.#work
      .then(() => this.#prune(limits, nowMs))
      .catch((error: unknown) => {
        this.#deps.logger.warn({ error: messageOf(error) }, 'an old rollup cannot be removed');
      });
    this.#work = run;
    return run;
  }

  async #absorb(file: DataFile, limits: RollupLimits & { readonly nowMs: number }): Promise<void> {
    const red = redOrNothing(file, this.#deps.logger);
    const own: Waiting[] = red === undefined ? [] : [{ range: [file.from, file.to], red }];
    const all = [...this.#waiting, ...own];
    const left: Waiting[] = [];
    for (const one of all) {
      try {
        await this.#add(one, limits);
      } catch (error) {
        this.#deps.logger.warn({ error: messageOf(error) }, 'a rollup cannot be written');
        left.push(one);
      }
    }
    for (const { range } of left.slice(0, -WAITING_MAX)) {
      this.#deps.logger.error({ flushes: range.join('-') }, 'a rollup is lost');
    }
    this.#waiting = left.slice(-WAITING_MAX);
  }

  async #add(
    { range, red }: Waiting,
    { maxAgeMs, nowMs }: RollupLimits & { readonly nowMs: number },
  ): Promise<void> {
    const { minutes } = red.cells;
    const days = new Set<number>();
    for (const minute of minutes) days.add(Math.floor(minute / DAY_MINUTES));
    const oldest = Math.floor((nowMs - maxAgeMs) / DAY_MS);
    // A span of next year is a mistake, and a file for each day that somebody makes up too many.
    const newest = Math.floor(nowMs / DAY_MS) + 1;
    for (const day of days) {
      if (day < oldest || day > newest) continue;
      const known = this.#days.get(day);
      if (known !== undefined && hasRange(known.sources, range)) {
        // Its name may be there and not be durable: the last attempt may have failed at that.
        await this.#deps.files.syncDirectory(this.#deps.directory);
        continue;
      }
      await this.#addToDay(day, known, { range, red });
    }
  }

  async #addToDay(day: number, known: DayFile | undefined, { range, red }: Waiting): Promise<void> {
    const { files, directory } = this.#deps;
    const hours = await this.#hours(day, known, red);
    const path = join(directory, dayFileName(day));
    await makeDurableDirectory(files, directory);
    const bytes = encodeDay(day, withRange(known?.sources ?? [], range), hours);
    try {
      await replaceFile(files, path, bytes);
    } finally {
      // Also when it fails: that may be after the file got its name.
      const stat = await files.stat(path);
      if (stat !== undefined) {
        this.#days = new Map([...this.#days, [day, openDay(path, stat.bytes)]]);
      }
    }
  }

  /** Those that change are read and added to, the others copied. */
  async #hours(day: number, known: DayFile | undefined, red: RedPartial): Promise<PackedHour[]> {
    const reader = known === undefined ? undefined : new DayReader(known);
    const touched = hoursOf(red, day);
    const hours: PackedHour[] = [];
    try {
      for (let hour = 0; hour < 24; hour++) {
        let packed = this.#packed(reader, hour);
        if (touched.has(hour)) {
          const old = packed === undefined ? undefined : reader?.hour(hour);
          packed = addHour(old, red, day * DAY_MINUTES + hour * 60);
          await setImmediate();
        }
        if (packed !== undefined) hours.push({ hour, packed });
      }
    } finally {
      reader?.close();
    }
    return hours;
  }

  /** An hour that is damaged is given up, and told. */
  #packed(reader: DayReader | undefined, hour: number): Uint8Array | undefined {
    try {
      return reader?.packedHour(hour);
    } catch (error) {
      this.#deps.logger.error({ error: messageOf(error) }, 'an hour of a rollup is lost');
      return undefined;
    }
  }

  async #prune({ maxAgeMs, maxBytes }: RollupLimits, nowMs: number): Promise<void> {
    const oldest = Math.floor((nowMs - maxAgeMs) / DAY_MS);
    let bytes = [...this.#days.values()].reduce((sum, file) => sum + file.bytes, 0);
    const inOrder = [...this.#days.values()].toSorted((a, b) => a.day - b.day);
    for (const file of inOrder) {
      if (file.day >= oldest && bytes <= maxBytes) return;
      bytes -= file.bytes;
      this.#days = new Map([...this.#days].filter(([day]) => day !== file.day));
      await this.#deps.files.unlink(file.path);
    }
  }
}

function addHour(old: RedPartial | undefined, red: RedPartial, minute: number): Uint8Array {
  const sum = new RedSum();
  if (old !== undefined) sum.add(old);
  sum.add(red, { minutes: [minute, minute + 60], withoutExemplars: true });
  // What was cut from its parent stays so: the spans that could tell are gone.
  return packRed(foldOperations({ ...sum.finish(), unresolved: 0 }));
}

function redOrNothing({ index, path }: DataFile, logger: Logger): RedPartial | undefined {
  try {
    const red = index?.red();
    if (red === undefined) logger.warn({ path }, 'a file without a rollup leaves none behind');
    return red;
  } catch (error) {
    logger.error({ path, error: messageOf(error) }, 'the rollup of a file is lost');
    return undefined;
  }
}

function hoursOf({ cells, edges }: RedPartial, day: number): Set<number> {
  const hours = new Set<number>();
  const add = (minute: number): void => {
    if (Math.floor(minute / DAY_MINUTES) === day) {
      hours.add(Math.floor((minute % DAY_MINUTES) / 60));
    }
  };
  for (const minute of cells.minutes) add(minute);
  for (const { minute } of edges) add(minute);
  return hours;
}
